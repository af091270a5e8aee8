#!/usr/bin/env bash
# Trains PointGroup, DyCo3D and HAIS on rooms, each with and without the paper's fusion, and prints the paper's Table 9
# with ours.
#
#   bash experiments/scannet.sh                                      procedural rooms, preset demo
#   bash experiments/scannet.sh --preset=smoke --systems=pointgroup  in minutes
#   bash experiments/scannet.sh --data_dir=DIR --preset=paper        ScanNet v2, the published schedules
#
#   --systems=A,B       of pointgroup, dyco3d, hais; default: all
#   --variants=A,B      of pointgroup, pointgroup_fusion, dyco3d, dyco3d_fusion, hais, hais_fusion; default: all
#   --seeds=0,1         seeds of every network; default: 0
#   --preset=NAME       demo (default), smoke, paper, or a YAML file
#   --data_dir=DIR      ScanNet's scans, label table and lists; default: procedural rooms, made in data/
#   --runs=DIR          where the runs go; default: logs/scannet/PRESET
#   --results=DIR       keep results.json files there; what it holds is skipped, the report is of all it holds
#   --jobs=N            N runs side by side, each on its share of the cores; default: 1
#   --force             redo runs that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). All networks start from random
# weights. They are measured on the split val.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/scannet.sh" && exit 0 ;; esac
source tools/setup.sh
exec "$PYTHON" -m instance_seg.study experiments/studies/scannet.yaml "$@"

#!/usr/bin/env bash
# Trains and evaluates ASIS and JSNet on S3DIS, without fusion, with their own and with the paper's, and prints Tables 7
# and 8 beside the paper's.
#
#   bash experiments/s3dis.sh                                       procedural rooms, Area 5 held out, preset demo
#   bash experiments/s3dis.sh --data_dir=DIR --preset=paper --folds=all     your copy of S3DIS, the published schedules
#
#   --variants=A,B      of b_asis, asis, b_asis_fusion, b_jsnet, jsnet, b_jsnet_fusion; default: all
#   --folds=1,5         areas held out in turn, or "all"; default: 5
#   --seeds=0,1         seeds of every network and fold; default: 0
#   --preset=NAME       demo (default), smoke, paper, or a YAML file
#   --data_dir=DIR      the folder with Area_1 ... Area_6; default: procedural rooms, made in data/
#   --runs=DIR          where the runs go; default: logs/s3dis/PRESET
#   --results=DIR       keep results.json files there; what it holds is skipped, the report is of all it holds
#   --jobs=N            N runs side by side, each on its share of the cores; default: 1
#   --force             redo runs that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). A run that is done is skipped, an
# interrupted one goes on where it was. The 6-fold figures are one evaluation of the rooms of all six folds together.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/s3dis.sh" && exit 0 ;; esac
source tools/setup.sh
exec "$PYTHON" -m instance_seg.study experiments/studies/s3dis.yaml "$@"

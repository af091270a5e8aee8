#!/usr/bin/env bash
# Trains and evaluates SGPN, PartNet's detection by segmentation, our reading of probabilistic embeddings (PE), and the
# paper's method on the same data, measures all four by PartNet's official measure, and prints Tables 1, 2 and 10.
#
#   bash experiments/comparison.sh --preset=smoke --categories=Scissors        all of it, in minutes
#   bash experiments/comparison.sh --data_dir=DIR --preset=paper --variants=part_masks --categories=Chair --max_iter=93900
#
#   --variants=A,B      of cross_level_fusion, part_masks, probabilistic, sgpn_semantics, sgpn; default: all
#   --seeds=0,1         seeds of every network and category; default: 0
#   --preset=NAME       demo (default), smoke, paper, or a YAML file
#   --categories=A,B    a subset, or "all"; default: Chair and StorageFurniture, or the categories of --data_dir
#   --data_dir=DIR      PartNet's trees; default: procedural shapes, made in data/
#   --runs=DIR          where the runs go; default: logs/comparison/PRESET
#   --results=DIR       keep results.json files there; what it holds is skipped, the report is of all it holds
#   --jobs=N            N runs side by side, each on its share of the cores; default: 1
#   --force             redo runs that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). The three methods are one network for
# each level. sgpn starts from the checkpoint of sgpn_semantics, which has to be in --runs.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/comparison.sh" && exit 0 ;; esac
source tools/setup.sh
exec "$PYTHON" -m instance_seg.study experiments/studies/comparison.yaml "$@"

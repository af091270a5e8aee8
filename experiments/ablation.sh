#!/usr/bin/env bash
# Trains and evaluates the networks of the paper's Table 4 and one of ours, measures those of Table 5, and reports both.
#
#   bash experiments/ablation.sh --preset=smoke --categories=Scissors          all of it, in minutes
#   bash experiments/ablation.sh --categories=Chair,Table --seeds=0,1 --variants=multi_level_baseline,cross_level_fusion
#
#   --variants=A,B      files of experiments/variants; default: all twelve
#   --seeds=0,1         seeds of every network and category; default: 0
#   --preset=NAME       demo (default), smoke, paper, released, or a YAML file
#   --categories=A,B    a subset, or "all"; default: Chair and StorageFurniture, or the categories of --data_dir
#   --data_dir=DIR      PartNet's trees; default: procedural shapes, made in data/
#   --runs=DIR          where the runs go; default: logs/ablation/PRESET
#   --results=DIR       keep results.json files there; what it holds is skipped, the report is of all it holds
#   --jobs=N            N runs side by side, each on its share of the cores; default: 1
#   --force             redo runs that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). Runs that are done are skipped, an
# interrupted one goes on where it was, one that fails does not stop the others. Networks that work on one level are
# trained for each level that the category has. What matters most is trained first (studies/ablation.yaml). The page is
# RUNS/report/report.html. With --results, a study can go on on another day or machine without the earlier runs:
#
#   bash experiments/ablation.sh --seeds=0,1 --results=experiments/results/demo_ablation
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/ablation.sh" && exit 0 ;; esac
source tools/setup.sh
exec "$PYTHON" -m instance_seg.study experiments/studies/ablation.yaml "$@"

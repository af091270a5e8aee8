#!/usr/bin/env bash
# Trains and evaluates the paper's default method on every category and prints the table (the paper's Table 1).
#
#   bash experiments/partnet_all.sh                          procedural shapes, preset demo
#   bash experiments/partnet_all.sh --data_dir=DIR --preset=paper     your copy of PartNet, the paper's schedule
#
#   --preset=NAME       demo (default), smoke, paper, released, or a YAML file
#   --categories=A,B    a subset, or "all"; default: the categories the data set has
#   --data_dir=DIR      PartNet's trees; default: procedural shapes, made in data/
#   --runs=DIR          where the runs go; default: logs/partnet/PRESET
#   --results=DIR       keep results.json files there; what it holds is skipped, the table is of all it holds
#   --jobs=N            N categories side by side, each on its share of the cores; default: 1
#   --force             redo categories that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). A category that is done is skipped,
# an interrupted one goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/partnet_all.sh" && exit 0 ;; esac
source tools/setup.sh
exec "$PYTHON" -m instance_seg.study experiments/studies/partnet_all.yaml "$@"

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
source experiments/common.sh

parse_arguments "$@"
source tools/setup.sh
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}

runs=${runs:-logs/partnet/$name}
prepare_data Chair,Lamp,StorageFurniture,Table

one_category() {
  run "$1" instance_seg.train --category="$1"
}
for_each one_category ${categories//,/ }
report

#!/usr/bin/env bash
# Trains and evaluates the networks of the paper's Table 4, measures those of Table 5, and reports both.
#
#   bash experiments/ablation.sh --preset=smoke --categories=Scissors          all of it, in minutes
#   bash experiments/ablation.sh --categories=Chair,Table --seeds=0,1 --variants=multi_level_baseline,cross_level_fusion
#
#   --variants=A,B      files of experiments/variants; default: all eleven
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
# trained for each level that the category has. What matters most is trained first (tools/plan_ablation.py). The page is
# RUNS/report/report.html. With --results, a study can go on on another day or machine without the earlier runs:
#
#   bash experiments/ablation.sh --seeds=0,1 --results=experiments/results/demo_ablation
set -euo pipefail
cd "$(dirname "$0")/.."
source experiments/common.sh

variants='' seeds=0 rest=()
for argument in "$@"; do
  case $argument in
    --variants=*) variants=${argument#*=} ;;
    --seeds=*) seeds=${argument#*=} ;;
    *) rest+=("$argument") ;;
  esac
done
parse_arguments ${rest[@]+"${rest[@]}"}
source tools/setup.sh
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}

runs=${runs:-logs/ablation/$name}
prepare_data Chair,StorageFurniture
plan=$("$PYTHON" tools/plan_ablation.py --categories="$categories" --seeds="$seeds" --variants="$variants")

# Table 5: the predictions of the default network, clustered in other ways. A run holds the rows of lambda 0 and 0.05 at
# bandwidth 0.1 already, and a sweep with another bandwidth that of lambda 0. The soft push is ours.
table_5=(bandwidth=0.05 bandwidth=0.20 semantic_center_offset=0.025 semantic_center_offset=0.075 region_push=soft)

# sweep NAME FLAGS...: measures those settings of the run NAME that have no results yet.
sweep() {
  local what=$1 setting missing=()
  shift
  for setting in "${table_5[@]}"; do
    is_done "$what/sweep/${setting/=/_}" || missing+=("$setting")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    if [ ! -e "$runs/$what/results.json" ]; then # it failed, or was run elsewhere
      echo "no checkpoint of $what is here to be clustered in other ways"
      return
    fi
    start "$what" instance_seg.evaluate "$@" --ckpt="$runs/$what" "${missing[@]/#/--sweep=}" || return 0
  fi
  for setting in "${table_5[@]}"; do keep "$what/sweep/${setting/=/_}"; done
}

one_run() {
  local variant=$1 category=$2 seed=$3 level=$4 what=$1/$2/seed_$3
  if [ "$level" != 0 ]; then what=$what/level_$level; fi
  run "$what" instance_seg.train --variant="$variant" --category="$category" --seed="$seed" --level="$level"
  if [ "$variant" = cross_level_fusion ]; then
    sweep "$what" --variant="$variant" --category="$category" --seed="$seed"
  fi
}
IFS=$'\n' read -r -d '' -a lines <<<"$plan" || true
for_each one_run "${lines[@]}"
report

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
#   --force             redo runs that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). Runs that are done are skipped, an
# interrupted one goes on where it was, one that fails does not stop the others. Networks that work on one level are
# trained for each level that the category has. The page is RUNS/report/report.html.
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

while read -r variant category seed level; do
  logdir=$runs/$variant/$category/seed_$seed
  if [ "$level" != 0 ]; then logdir=$logdir/level_$level; fi
  run "$logdir" "$logdir" instance_seg.train --variant="$variant" --category="$category" --seed="$seed" --level="$level"
done <<<"$plan"

# Table 5: the checkpoints of the default network, clustered in other ways. A run holds the rows of lambda 0 and 0.05 at
# bandwidth 0.1 already, and a sweep with another bandwidth that of lambda 0. The soft push is ours.
while read -r variant category seed _; do
  logdir=$runs/$variant/$category/seed_$seed
  if [ "$variant" != cross_level_fusion ] || [ ! -e "$logdir/results.json" ]; then continue; fi
  for settings in bandwidth=0.05 bandwidth=0.20 semantic_center_offset=0.025 semantic_center_offset=0.075 \
    region_push=soft; do
    folder=$logdir/sweep/${settings/=/_}
    run "$folder" "$folder" instance_seg.evaluate --variant="$variant" --category="$category" --seed="$seed" \
      --ckpt="$logdir" "--$settings"
    rm -rf "$folder/predictions" # large, and of no use for the table
  done
done <<<"$plan"
report

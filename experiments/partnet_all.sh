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
#   --force             redo categories that are done
# Everything else is passed on to `python -m instance_seg.train` (see --help there). A category that is done is skipped,
# an interrupted one goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=demo categories='' data_dir='' runs='' force=false passed_on=()
for argument in "$@"; do
  case $argument in
    --preset=*) preset=${argument#*=} ;;
    --categories=*) categories=${argument#*=} ;;
    --data_dir=*) data_dir=${argument#*=} ;;
    --runs=*) runs=${argument#*=} ;;
    --force) force=true ;;
    --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) passed_on+=("$argument") ;;
  esac
done
source tools/setup.sh
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}

name=$(basename "$preset" .yaml)
runs=${runs:-logs/partnet/$name}
if [ -z "$data_dir" ]; then
  if [ "$name" = smoke ]; then data_dir=data/procedural_smoke sizes='--train=16 --val=2 --test=4'
  else data_dir=data/procedural sizes='--train=400 --val=8 --test=60'; fi
  wanted=${categories:-Chair,Lamp,StorageFurniture,Table}
  [ "$wanted" = all ] && wanted=$("$PYTHON" tools/list_categories.py --procedural)
  for category in ${wanted//,/ }; do
    if [ ! -e "$data_dir/stats/train_val_test_split/$category.test.json" ]; then # written last: the set is complete
      "$PYTHON" tools/make_procedural.py --out="$data_dir" --categories="$category" $sizes
    fi
  done
  categories=$wanted
fi
categories=$("$PYTHON" tools/list_categories.py "$data_dir" "${categories:-all}")

failed=()
for category in ${categories//,/ }; do
  logdir=$runs/$category
  if $force; then rm -rf "$logdir"; fi
  if [ -e "$logdir/results.json" ]; then
    echo "$category is done: $logdir/results.json (--force redoes it)"
    continue
  fi
  "$PYTHON" -m instance_seg.train --preset="$preset" --category="$category" --data_dir="$data_dir" \
    --logdir="$logdir" ${passed_on[@]+"${passed_on[@]}"} || {
    code=$?
    if [ "$code" -ge 128 ]; then exit "$code"; fi # Ctrl-C or SIGTERM: the next call goes on from here
    failed+=("$category")
  }
done

"$PYTHON" -m instance_seg.report "$runs"
if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED: ${failed[*]}" >&2
  exit 1
fi

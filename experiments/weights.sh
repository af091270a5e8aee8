#!/usr/bin/env bash
# Trains the networks that come along with the package and writes their weights, in half precision, with a model card.
#
#   bash experiments/weights.sh [--categories=Chair,Lamp,StorageFurniture,Table]
#
#   --categories=A,B    some of those four
#   --out=DIR           where the weights go; default: instance_seg/weights, where predict looks for them
#   --runs=DIR          where the runs go; default: logs/weights. One that is done is not trained again
# Data: procedural shapes, 40 % of them sturdy pieces (600 to train, 40 to calibrate, 60 to test). Some 15 minutes a
# category on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/weights.sh" && exit 0 ;; esac
categories=Chair,Lamp,StorageFurniture,Table out=instance_seg/weights runs=logs/weights data=data/procedural_sturdy
for argument in "$@"; do
  case $argument in
    --categories=*) categories=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
    --runs=*) runs=${argument#*=} ;;
    *) echo "unknown argument $argument; see --help" >&2 && exit 2 ;;
  esac
done
source tools/setup.sh
"$PYTHON" tools/make_procedural.py --out "$data" --categories="$categories" --train=600 --val=40 --test=60 --sturdy=0.4 \
  --skip_existing
for category in ${categories//,/ }; do
  run=$runs/$category
  [ -f "$run/results.json" ] ||
    "$PYTHON" -m instance_seg.train --preset=carried --category="$category" --data_dir="$data" --logdir="$run"
  "$PYTHON" -m instance_seg.calibrate --run="$run" --data_dir="$data" \
    --bandwidths=0.1,0.2,0.3,0.4 --pushes=0
  "$PYTHON" -m instance_seg.evaluate --preset=carried --category="$category" --data_dir="$data" --logdir="$run" \
    --metrics=partnet,class_agnostic
  "$PYTHON" tools/export.py --run="$run" --output="$out/$category" --half
  "$PYTHON" tools/model_card.py --run="$run" --output="$out/$category"
done

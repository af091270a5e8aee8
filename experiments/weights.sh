#!/usr/bin/env bash
# Trains the networks that come along with the package and writes their weights, in half precision, with a model card.
#
#   bash experiments/weights.sh [--categories=Bed,Chair,Lamp,StorageFurniture,Table,Rooms]
#   bash experiments/weights.sh --preset=smoke       tries it out, in minutes; the weights that come along stay as they are
#
#   --categories=A,B    some of those five, and Rooms
#   --preset=NAME       carried (default), or smoke
#   --out=DIR           where the weights go; default: instance_seg/weights, where predict looks for them, of the preset
#                       carried, and RUNS/weights of others
#   --runs=DIR          where the runs go; default: logs/weights/PRESET. One that is done is not trained again
# Data: procedural shapes, 40 % of them sturdy pieces where there are such (600 to train, 140 to choose readings and limits
# by, 60 to test), and rooms (80 to train, 100 to test), half of them with a ceiling. Some 15 minutes a category on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/weights.sh" && exit 0 ;; esac
categories=Bed,Chair,Lamp,StorageFurniture,Table,Rooms preset=carried out= runs=
for argument in "$@"; do
  case $argument in
    --categories=*) categories=${argument#*=} ;;
    --preset=*) preset=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
    --runs=*) runs=${argument#*=} ;;
    *) echo "unknown argument $argument; see --help" >&2 && exit 2 ;;
  esac
done
runs=${runs:-logs/weights/$preset}
if [ -z "$out" ]; then [ "$preset" = carried ] && out=instance_seg/weights || out=$runs/weights; fi
source tools/setup.sh
shapes="--train=600 --val=140 --test=60" rooms=demo
[ "$preset" = carried ] || { shapes="--size=smoke" rooms=smoke; }

shape() {
  local data=data/procedural_sturdy_$preset
  "$PYTHON" tools/make_procedural.py --out "$data" --categories="$1" $shapes --sturdy=0.4 --skip_existing
  set -- --preset="$preset" --category="$1" --data_dir="$data" --logdir="$2"
  [ -f "$run/results.json" ] || "$PYTHON" -m instance_seg.train "$@"
  "$PYTHON" -m instance_seg.calibrate --run="$run" --data_dir="$data" --bandwidths=0.1,0.2,0.3,0.4 --pushes=0
  "$PYTHON" -m instance_seg.evaluate "$@" --metrics=partnet,class_agnostic
}

room() {
  local data=data/procedural_rooms_$preset
  [ -f "$data/scannetv2_val.txt" ] || "$PYTHON" tools/make_rooms.py --out "$data" --size="$rooms" --closed=0.5
  [ -f "$run/results.json" ] ||
    "$PYTHON" -m instance_seg.train --preset="$preset" --data_set=scannet --variant=pointgroup_fusion --data_dir="$data" \
      --test_split=val --logdir="$run"
}

for category in ${categories//,/ }; do
  run=$runs/$category
  if [ "$category" = Rooms ]; then room; else shape "$category" "$run"; fi
  "$PYTHON" tools/export.py --run="$run" --output="$out/$category" --half
  "$PYTHON" tools/model_card.py --run="$run" --output="$out/$category"
done

#!/usr/bin/env bash
# Segments five rooms that people scanned with a headset, and prints how well their furniture is found.
#
#   bash experiments/real_rooms.sh
#
#   --run=RUN           run on rooms, or folder of weights; default: the weights that come along
#   --variant=NAME      the network that it is of; default: pointgroup_fusion, that of the weights that come along
#   --preset=NAME       and its preset; default: carried
#   --out=DIR           the rooms as a data set, results, predictions and pictures; default: logs/real_rooms
#   --package=DIR       the npm package @iwer/sem 2.4.0 (MIT), unpacked; default: npm fetches it
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/real_rooms.sh" && exit 0 ;; esac
run=instance_seg/weights/Rooms variant=pointgroup_fusion preset=carried out=logs/real_rooms package=
for argument in "$@"; do
  case $argument in
    --run=*) run=${argument#*=} ;;
    --variant=*) variant=${argument#*=} ;;
    --preset=*) preset=${argument#*=} ;;
    --out=*) out=${argument#*=} ;;
    --package=*) package=${argument#*=} ;;
    *) echo "unknown argument $argument; see --help" >&2 && exit 2 ;;
  esac
done
source tools/setup.sh
mkdir -p "$out"
if [ -z "$package" ]; then
  package=$out/package
  if [ ! -d "$package/lib/captures" ]; then
    command -v npm >/dev/null || { echo "npm is not installed: install it, or give --package" >&2 && exit 1; }
    archive=$(npm pack --silent --pack-destination "$out" @iwer/sem@2.4.0)
    tar -xzf "$out/$archive" -C "$out"
  fi
fi
"$PYTHON" tools/real_rooms.py --package="$package" --out="$out/rooms"
"$PYTHON" -m instance_seg.evaluate --preset="$preset" --variant="$variant" --data_set=scannet --data_dir="$out/rooms" \
  --test_split=val --ckpt="$run" --logdir="$out/measured" --metrics=scannet,class_agnostic
"$PYTHON" -m instance_seg.predict --run="$run" --up=z --output="$out/predicted" \
  $(printf -- '--input=%s ' "$out"/rooms/scans/*/*_vh_clean_2.ply)
"$PYTHON" tools/draw_figures.py --data_dir="$out/rooms" --fusion="$run" --split=val --shapes=0,1,2,3,4 --size=320 --below=0.75 \
  --out="$out/pictures"

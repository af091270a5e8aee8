#!/usr/bin/env bash
# Campaigns against what goes wrong in users' hands, some minutes each, not part of the tests:
#
#   damaged clouds       files of every kind that `predict` reads
#   damaged data files   PartNet's HDF5 and JSON, shards, TFRecords, .points, with and without checksums
#   interruptions        runs that are killed, or whose folders are damaged, and go on
#   fuzzed ops           random ranks, sizes, types, attributes and values; `tests/sanitize.sh --fuzz=N` sanitizes them
#
#   bash tests/campaign.sh [--scale=N] [--seed=S]      N times as many cases; another seed, other cases
#
# Each says how many cases it tried and what failed; the exit code is 1 if anything did.
set -uo pipefail
cd "$(dirname "$0")/.."
scale=1 seed=0
for argument in "$@"; do
  case $argument in
    --scale=*) scale=${argument#*=} ;;
    --seed=*) seed=${argument#*=} ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' tests/campaign.sh | head -n -1 && exit 1 ;;
  esac
done
source tools/setup.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

campaign() {
  echo "== $1"
  shift
  "$@" || failed=1
}
campaign "damaged clouds" env CLOUD_DAMAGE_CASES=$((200 * scale)) CLOUD_DAMAGE_SEED="$seed" \
  "$PYTHON" -m pytest -q tests/data/files/clouds/test_clouds_damage.py
campaign "damaged data files" "$PYTHON" tests/data/partnet/damage.py --cases=$((30 * scale)) --seed="$seed"
"$PYTHON" tools/make_procedural.py --out="$folder" --categories=Scissors --size=smoke || exit 1
campaign "interruptions" "$PYTHON" tests/interruptions.py --data_dir="$folder" --category=Scissors \
  --cases=$((8 * scale)) --seed="$seed"
campaign "fuzzed ops" "$PYTHON" tests/ops/fuzz.py --calls=$((3000 * scale)) --seed="$seed"
if [ $failed = 0 ]; then echo "no failure"; else echo "FAILED, see above"; fi
exit $failed

#!/usr/bin/env bash
# Segments eight pieces of real furniture with trained networks and prints how well their parts are found.
#
#   bash experiments/real_shapes.sh
#
#   --runs=DIR          runs, DIR/<Category>, as experiments/partnet_all.sh leaves them; default: the weights that come along
#   --before=DIR        runs of other networks, drawn beside by their reading within classes
#   --out=DIR           table, pictures and predictions; default: logs/real_shapes
#   --pieces=A,B        some of square_table, desk, round_table, stool, chair, cabinet, drawer, lamp
#
# The pieces are those of the package furniture-bench 0.1 (MIT), which is installed without what it depends on.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "experiments/real_shapes.sh" && exit 0 ;; esac
source tools/setup.sh
"$PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("furniture_bench") is None)' ||
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps furniture-bench==0.1
exec "$PYTHON" tools/real_shapes.py "$@"

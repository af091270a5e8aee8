#!/usr/bin/env bash
# Sets up what is missing and runs all tests. Further arguments go to pytest: bash tests/run_all.sh -k octree
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup.sh

export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2}
"$PYTHON" -m ruff check .
CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-} "$PYTHON" -m pytest tests "$@"
if [ $# = 0 ] && nvidia-smi -L 2>/dev/null | grep -q ^GPU; then
  "$PYTHON" -m pytest tests/ops -k GPU  # the ops once more, on the card
fi

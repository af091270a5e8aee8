#!/usr/bin/env bash
# Sets up what is missing and runs all tests. Further arguments go to pytest: bash tests/run_all.sh -k octree
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup.sh

export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-2} CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-}
"$PYTHON" -m ruff check .
"$PYTHON" -m pytest tests "$@"

#!/usr/bin/env bash
# Sets up what is missing and runs all tests, a test file on each core and one more. Further arguments go to pytest:
#
#   bash tests/run_all.sh -m "not slow"     the inner loop: nothing in a process of its own, no emulated GPU
#   bash tests/run_all.sh -k octree -n 0    some of them, in this process
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup.sh

"$PYTHON" -m ruff check .
# a worker waits an eighth of its time for processes and files, and takes about 1 GB
workers=$("$PYTHON" -c 'import os; print(min(len(os.sched_getaffinity(0)) + 1, 8))')
CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES-} "$PYTHON" -m pytest tests -n "$workers" --dist loadfile \
  --no-loadscope-reorder --max-worker-restart=0 "$@"  # in the order of conftest.py; a test that hangs ends the run
if [ $# = 0 ] && nvidia-smi -L 2>/dev/null | grep -q ^GPU; then
  "$PYTHON" -m pytest tests/ops -k GPU  # the ops once more, on the card
fi

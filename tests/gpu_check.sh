#!/usr/bin/env bash
# Builds the CUDA kernels, checks every one on the GPU against its CPU twin, and times them: bash tests/gpu_check.sh
# Needs nvcc, g++, Python 3.10 or newer and NumPy; no TensorFlow, no pytest, no network. PYTHON names the interpreter.
#
#   --emulate       check the kernels' logic on the CPU; needs no nvcc and no GPU, times nothing
#   --seed=N        repeat the inputs of an earlier run
#   --kernel=NAME   only the kernels whose name contains NAME
#
# Exit code 0: all is well; 1: a check failed; 2: there is no GPU (or no nvcc).
set -euo pipefail
cd "$(dirname "$0")"

python=${PYTHON:-$([ -x ../.venv/bin/python ] && echo ../.venv/bin/python || echo python3)}
export PYTHONPATH=$PWD:$PWD/.. PYTHONDONTWRITEBYTECODE=1

kernel=()
for argument in "$@"; do
  case "$argument" in
    --emulate) exec "$python" -m gpu.check "$@" ;;
    --kernel=*) kernel=("$argument") ;;
  esac
done

"$python" -m gpu.check "$@"
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck synccheck; do
    echo "under compute-sanitizer --tool $tool"
    compute-sanitizer --tool "$tool" --error-exitcode 1 "$python" -m gpu.check --exact "$@"
  done
else
  echo "compute-sanitizer was not found: not run under it"
fi
"$python" -m gpu.benchmark "${kernel[@]}"

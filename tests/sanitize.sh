#!/usr/bin/env bash
# Builds the kernels under AddressSanitizer and UndefinedBehaviorSanitizer, the CUDA ones for the emulated device, and
# runs their tests: bash tests/sanitize.sh
# PYTHON (default: .venv/bin/python if it is there, else python3) needs numpy, scikit-learn and pytest, no TensorFlow.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
cxx=${CXX:-g++}
library=build/sanitize/libocnn_kernels.so
sanitize="-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all"

mkdir -p build/sanitize
objects=()
for source in ocnn_tf_ops/kernels/*/*.cc; do
  object=build/sanitize/$(basename "$(dirname "$source")")_$(basename "$source" .cc).o
  objects+=("$object")
  echo "compiling $source"
  $cxx -std=c++17 -O1 -g -march=native -fPIC $sanitize \
    -Wall -Wextra -c "$source" -o "$object"
done
$cxx -shared -fsanitize=address,undefined "${objects[@]}" -pthread -o "$library"

# The emulated device is an old one here; the other tests have a new one.
# The interpreter itself is not instrumented: it needs the runtimes first, and its own leaks are not our subject.
OCNN_KERNEL_LIBRARY=$PWD/$library OCNN_EMULATION_FLAGS="$sanitize -D__CUDA_ARCH__=700" \
  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
  LD_PRELOAD="$($cxx -print-file-name=libasan.so) $($cxx -print-file-name=libubsan.so)" \
  "$python" -m pytest -p no:cacheprovider "$@" tests/kernels

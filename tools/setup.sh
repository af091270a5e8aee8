# Sourced by the scripts of experiments/ and tests/, or run alone: sets up what is missing and defines $PYTHON.
#
# A virtual environment in .venv (made from $BASE_PYTHON, default python3), TensorFlow (the CPU build where no NVIDIA
# driver is found, the CUDA one otherwise, whichever is there already left alone), the package's other requirements in the
# versions of tools/constraints.txt, and the build of ocnn_tf_ops. Each step is skipped if nothing has changed.

setup_environment() {
  local root venv
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  venv="$root/.venv"
  if [ ! -x "$venv/bin/python" ]; then
    local base=${BASE_PYTHON:-python3}
    "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
      echo "Python 3.11 or newer is needed; found: $("$base" --version 2>&1). Set BASE_PYTHON=/path/to/python3.11" >&2
      return 1
    }
    echo "creating $venv"
    "$base" -m venv "$venv" || return 1
  fi
  PYTHON="$venv/bin/python"
  local install=("$PYTHON" -m pip install --disable-pip-version-check --constraint "$root/tools/constraints.txt")
  "$PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("tensorflow") is None)' || {
    local wheel='tensorflow-cpu>=2.21,<2.22'
    command -v nvidia-smi >/dev/null && wheel='tensorflow[and-cuda]>=2.21,<2.22'
    echo "installing $wheel"
    "${install[@]}" "$wheel" || return 1
  }
  "$PYTHON" "$root/setup.py" --quiet build_ext --inplace || return 1
  if [ ! -e "$venv/.ready" ] || [ "$root/setup.py" -nt "$venv/.ready" ] ||
    [ "$root/tools/constraints.txt" -nt "$venv/.ready" ]; then
    echo "installing the other requirements (a minute or two)"
    "${install[@]}" --quiet --editable "$root[test,docs]" || return 1
    touch "$venv/.ready"
  fi
}

setup_environment || exit 1

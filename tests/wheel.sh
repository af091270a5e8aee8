#!/usr/bin/env bash
# Installs a wheel into an empty environment without a compiler on PATH, and trains, predicts and exports outside of the
# repository. Not a part of tests/run_all.sh: it downloads TensorFlow and takes some minutes.
#
#   bash tools/build_wheel.sh dist && bash tests/wheel.sh dist/*.whl
set -euo pipefail
wheel=$(realpath "$1")
repository=$(realpath "$(dirname "$0")/..")
base=$(realpath "$(command -v "${BASE_PYTHON:-python3}")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$base" -m venv env
mkdir bin && for tool in bash cat ls mktemp rm uname; do ln -s "$(command -v "$tool")" bin/; done
cp "$repository"/tools/{make_procedural,export}.py "$repository"/tools/constraints.txt .
export PATH=$folder/env/bin:$folder/bin
unset PYTHONPATH CXX
if command -v g++ cc gcc clang; then echo "a compiler is on PATH" >&2 && exit 1; fi

python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt "$wheel"
python - <<'PYTHON'
import importlib.util, pathlib
import instance_seg, ocnn_tf_ops
from ocnn_tf_ops.python.kernel_library import kernel_library, library_path

assert "env" in pathlib.Path(instance_seg.__file__).parts, instance_seg.__file__
assert importlib.util.find_spec("tensorflow") is None
kernel_library()
folder = pathlib.Path(ocnn_tf_ops.__file__).parent
assert {path.parent.name for path in folder.rglob("libocnn_kernels.so")} == {"ocnn_tf_ops", "x86-64-v3", "x86-64-v4"}
print("kernels:", library_path().parent.name)
PYTHON

python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt "$wheel[cpu]"
python -m instance_seg.doctor
python make_procedural.py --out data --categories=Chair --size=smoke
python -m instance_seg.train --preset=smoke --category=Chair --data_dir=data --logdir=run
python export.py --run=run --output=network --half
python -c "
import numpy as np
from instance_seg.procedural import generate_shape
shape = generate_shape('Chair', 0, 3, num_points=2000)
np.savez('chair.npz', points=shape.points, normals=shape.normals)"
python -m instance_seg.predict --run=network --input=chair.npz --output=by_tensorflow --nonumpy
python -m pip uninstall --quiet --yes tensorflow-cpu
python -m instance_seg.predict --run=network --input=chair.npz --output=by_numpy
python -m instance_seg.predict --input=chair.npz --output=by_carried_weights
python -c "
from plyfile import PlyData
found = [PlyData.read(f'{folder}/level_3.ply')['vertex'] for folder in ('by_tensorflow', 'by_numpy')]
agreement = (found[0]['semantic'] == found[1]['semantic']).mean()
assert agreement > 0.99, agreement
print(f'the same labels at {agreement:.1%} of the points')"

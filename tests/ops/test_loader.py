"""The loader's explanations, and the package's laziness."""

import json
import subprocess
import sys

import pytest
import tensorflow as tf

import ocnn_tf_ops
from ocnn_tf_ops.python import loader


def test_library_is_built_for_this_tensorflow():
    assert loader.built_for() == tf.__version__


def test_build_info_tells_of_the_cuda_half(monkeypatch, tmp_path):
    from ocnn_tf_ops.python.kernel_library import has_cuda

    info = ocnn_tf_ops.build_info()
    assert (info["cuda"] is not None) == has_cuda()
    monkeypatch.setattr(loader, "_FOLDER", tmp_path)
    assert ocnn_tf_ops.build_info() is None


def test_missing_build(monkeypatch, tmp_path):
    monkeypatch.setattr(loader, "_FOLDER", tmp_path)
    with pytest.raises(ImportError, match=r"libocnn_tf_ops\.so does not exist.*python setup\.py build_ext --inplace"):
        loader.tf_ops.__wrapped__()


def fake_build(folder, version):
    (folder / "build_info.json").write_text(json.dumps({"tensorflow": version}))
    (folder / "libocnn_tf_ops.so").write_bytes(b"no library")


def test_other_tensorflow(monkeypatch, tmp_path):
    fake_build(tmp_path, "2.18.1")
    monkeypatch.setattr(loader, "_FOLDER", tmp_path)
    expected = rf"was built for TensorFlow 2\.18\.1, found {tf.__version__}: rebuild with 'python setup\.py"
    with pytest.raises(ImportError, match=expected):
        loader.tf_ops.__wrapped__()


def test_library_that_does_not_load(monkeypatch, tmp_path):
    fake_build(tmp_path, tf.__version__)
    monkeypatch.setattr(loader, "_FOLDER", tmp_path)
    with pytest.raises(ImportError, match=r"(?s)does not load:.*rebuild with"):
        loader.tf_ops.__wrapped__()


def test_import_loads_neither_tensorflow_nor_libraries():
    code = "import sys, ocnn_tf_ops, ocnn_tf_ops.python.reference; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_exists_and_is_documented():
    assert ocnn_tf_ops.__all__
    for name in ocnn_tf_ops.__all__:
        assert getattr(ocnn_tf_ops, name).__doc__, name


def test_unknown_name():
    with pytest.raises(AttributeError, match="no attribute 'octree_bild'; it has Octree, .*octree_build"):
        _ = ocnn_tf_ops.octree_bild


NO_ARITHMETIC = {"Octree", "SparseVoxels", "build_info", "full_precision"}  # records, a report, a cast


def test_every_function_has_a_reference_of_its_own():
    from ocnn_tf_ops.python import points_reference, reference

    functions = set(ocnn_tf_ops.__all__) - NO_ARITHMETIC
    assert functions and NO_ARITHMETIC <= set(ocnn_tf_ops.__all__)
    for name in functions:
        twins = [getattr(module, name) for module in (reference, points_reference) if hasattr(module, name)]
        assert len(twins) == 1, f"{name}: write its NumPy twin in python/reference.py or python/points_reference.py"
        assert twins[0].__module__.endswith("reference") and twins[0] is not getattr(ocnn_tf_ops, name)

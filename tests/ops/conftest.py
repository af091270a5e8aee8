"""The ops are tested on the kernels' own example and helpers, and on every device that TensorFlow has."""

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_configure(config):
    config.addinivalue_line("markers", "reads_data: checks what only the CPU looks at, such as an index out of range")
    config.addinivalue_line("markers", "large: would take long on the emulated GPU")


@pytest.fixture(params=["CPU", "GPU"])
def device(request):
    """The device that the test's ops run on; float32 products are exact to float32 there.

    Modules about ops ask for it by `pytestmark = pytest.mark.usefixtures("device")`.
    """
    import tensorflow as tf

    if not tf.config.list_physical_devices(request.param):
        pytest.skip(f"TensorFlow sees no {request.param}")
    if request.param == "GPU" and request.node.get_closest_marker("reads_data"):
        pytest.skip("a GPU is not waited for to check data")
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    with tf.device(f"/{request.param}:0"):
        yield request.param
    tf.config.experimental.enable_tensor_float_32_execution(tf32)


@pytest.fixture
def on_gpu(device) -> bool:
    """Whether the ops run on a GPU, be it an emulated one (test_gpu_ops_emulated.py)."""
    return device == "GPU" or "OCNN_OP_LIBRARY" in os.environ


@pytest.fixture(scope="session")
def setup_py():
    """The module setup.py, not run."""
    pytest.importorskip("setuptools")
    spec = importlib.util.spec_from_file_location("project_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

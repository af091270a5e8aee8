"""What several tests share: a small procedural data set in PartNet's layout, and an emulated GPU; made once."""

import gc

import pytest
from gpu.build import build_emulated, is_sanitized
from gpu.device import GUARD_BYTES, Device
from small_data import write_small_partnet


def pytest_collection_modifyitems(items):
    """Files with slow tests come first, so that no core waits for a long one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish():
    """Modules and tests stay to the end: the garbage collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def small_partnet(tmp_path_factory):
    """The folder that `write_small_partnet` writes."""
    return write_small_partnet(tmp_path_factory.mktemp("small_partnet"))


@pytest.fixture(scope="session")
def emulated():
    """The emulated CUDA device with the CUDA kernels compiled for it."""
    return Device(build_emulated(), guard_bytes=0 if is_sanitized() else GUARD_BYTES)

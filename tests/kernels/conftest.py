"""The emulated CUDA device, built once."""

import pytest
from gpu.build import build_emulated, is_sanitized
from gpu.device import GUARD_BYTES, Device


@pytest.fixture(scope="session")
def emulated():
    return Device(build_emulated(), guard_bytes=0 if is_sanitized() else GUARD_BYTES)

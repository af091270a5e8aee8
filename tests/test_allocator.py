"""Freed memory stays with a process that asks for it."""

import os
import subprocess
import sys

import pytest

from instance_seg import allocator

PROGRAM = """
import resource, sys
import numpy as np
if sys.argv[1] == "keep":
    from instance_seg.allocator import keep_freed_memory
    keep_freed_memory()
faults = []
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [np.ones(2_000_000) for _ in range(6)]  # 16 MB each
    del blocks
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(max(faults[2:]))
"""


def page_faults(how: str, **environment: str) -> int:
    """The most in one of four rounds that allocate and free 96 MB."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], env=clean | environment, capture_output=True, text=True, check=True
    )
    return int(run.stdout)


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone has these settings")
SETTINGS = "MALLOC_", "GLIBC_TUNABLES"
FEW = 20  # were the system's pages of 2 MB, 96 MB would be 48


def test_what_is_freed_is_used_again():
    assert page_faults("keep") < FEW < page_faults("as it is")


@pytest.mark.parametrize(
    "setting", [{"MALLOC_MMAP_THRESHOLD_": "1000000"}, {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=1000000"}]
)
def test_settings_of_the_environment_stay(setting):
    assert page_faults("keep", **setting) > FEW


def test_an_older_library_gets_the_most_that_it_takes(monkeypatch):
    taken = {}

    class Library:
        def __init__(self, name):
            assert name is None

        def mallopt(self, option, value):
            if option == allocator.M_MMAP_THRESHOLD and value > 32 << 20:
                return 0
            taken[option] = value
            return 1

    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)
    allocator.keep_freed_memory()
    assert taken == {
        allocator.M_ARENA_MAX: 1,
        allocator.M_MMAP_THRESHOLD: 32 << 20,
        allocator.M_TRIM_THRESHOLD: 2**31 - 1,
    }

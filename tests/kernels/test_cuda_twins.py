"""Every CUDA kernel against its CPU twin: on the emulated device always, on the GPU where there is one."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from gpu import build
from gpu.check import all_cases, check
from gpu.device import Device

from ocnn_tf_ops.python.kernel_library import cuda_device_count, has_cuda, kernel_library

pytestmark = pytest.mark.slow

KERNELS = Path(__file__).parents[2] / "ocnn_tf_ops" / "kernels"
ROOMS = ("gather", "octree", "points", "clustering", "dense")
SEED = 0
ON_CPU_ALONE = {"radius_components", "sparse_keys", "sparse_levels"}  # why: tests/ops/test_devices.py
ON_CPU_ALONE |= {"merge_proposals", "count_below"}  # what is computed after a network's outputs have come to the CPU

CASES = defaultdict(list)
for _case in all_cases(SEED):
    CASES[_case.kernel].append(_case)


@pytest.fixture(scope="session", params=["emulated", "gpu"])
def device(request):
    if request.param == "emulated":
        return request.getfixturevalue("emulated")
    if not has_cuda() or cuda_device_count() == 0:
        pytest.skip("no GPU, or a build without the CUDA kernels")
    return Device(build.build_for_gpu())


def entry_points(kind: str) -> set[str]:
    headers = [header for room in ROOMS for header in (KERNELS / room).glob("*.h")]
    return {name for header in headers for name in re.findall(rf"int ocnn_(\w+)_{kind}\(", header.read_text())}


def test_every_kernel_has_a_twin_and_a_case():
    assert ON_CPU_ALONE <= entry_points("cpu") - entry_points("cuda")
    missing = entry_points("cpu") - (entry_points("cuda") & CASES.keys()) - ON_CPU_ALONE
    assert not missing, f"{sorted(missing)} lack a declared ocnn_<name>_cuda or cases in tests/gpu/cases_<family>.py"


@pytest.mark.parametrize("kernel", sorted(CASES))
def test_cuda_kernel_agrees_with_its_twin(device, kernel):
    for case in CASES[kernel]:
        check(case, device, kernel_library())

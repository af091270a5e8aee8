"""What each room of ocnn_tf_ops may know of the others."""

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "ocnn_tf_ops"


def offenders(folder: str, patterns: tuple[str, ...], forbidden: str) -> list[str]:
    files = [file for pattern in patterns for file in (PACKAGE / folder).rglob(pattern)]
    assert files
    return [str(file.relative_to(PACKAGE)) for file in files if re.search(forbidden, file.read_text(), re.MULTILINE)]


def test_kernels_know_nothing_of_tensorflow():
    found = offenders("kernels", ("*.h", "*.inl", "*.cuh", "*.cc", "*.cu"), r"^\s*#include.*(tensorflow|absl|Eigen)")
    assert not found, f"{found} include TensorFlow: move that part to tf/, kernels are compiled without it"


def test_headers_know_nothing_of_cuda():
    found = offenders("kernels", ("*.h", "*.inl", "*.cc"), r"^\s*#include.*(cuda_|cub/|\.cuh)")
    assert not found, f"{found} include CUDA: only .cu and .cuh files may, the others are compiled without it"


def test_package_knows_nothing_of_instance_seg():
    found = offenders(".", ("*.py",), r"^\s*(import|from) instance_seg")
    assert not found, f"{found} import instance_seg: ocnn_tf_ops must be usable alone"


def test_every_kernel_header_is_plain_c_at_its_border():
    found = [f for f in offenders("kernels", ("*.h",), r"^int ocnn_") if 'extern "C"' not in (PACKAGE / f).read_text()]
    assert not found, f'{found} declare entry points outside of extern "C"'

"""Loading the kernels, calling them, and the executor on threads."""

import ctypes

import numpy as np
import pytest

from ocnn_tf_ops.python import kernel_library as module

BODY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
PARALLEL_FOR = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, BODY, ctypes.c_void_p)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
@pytest.mark.parametrize("count,grain", [(0, 1), (1, 1), (1000, 1), (1000, 300), (7, 100), (10, 0)])
def test_executor_covers_the_range_once(num_threads, count, grain):
    executor = module.thread_executor(num_threads)
    seen = np.zeros(count, int)

    def body(_, begin, end):
        seen[begin:end] += 1

    ctypes.cast(executor.parallel_for, PARALLEL_FOR)(executor.context, count, grain, BODY(body), None)
    assert (seen == 1).all()


def test_executor_takes_all_cores_by_default():
    assert module.thread_executor().num_threads >= 1


V3 = "fpu sse4_2 avx avx2 bmi1 bmi2 f16c fma abm movbe"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.mark.parametrize(
    ("levels", "flags", "chosen", "built_for"),
    [
        (["x86-64-v3", "x86-64-v4"], V4, "x86-64-v4", "x86-64-v4"),
        (["x86-64-v3", "x86-64-v4"], V3, "x86-64-v3", "x86-64-v3"),
        (["x86-64-v3", "x86-64-v4"], "fpu sse4_2 avx", ".", "x86-64-v2"),
        (["x86-64-v3"], V4, "x86-64-v3", "x86-64-v3"),
        ([], V4, ".", "the processor it was built on"),
    ],
)
def test_the_library_for_the_processor(levels, flags, chosen, built_for, tmp_path):
    for level in levels:
        (tmp_path / level).mkdir()
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n\nprocessor\t: 1\n")
    expected = tmp_path / chosen / "libocnn_kernels.so"
    assert module.library_path(tmp_path, tmp_path / "cpuinfo") == expected
    assert module.built_level(expected) == built_for


def test_missing_library_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setenv("OCNN_KERNEL_LIBRARY", str(tmp_path / "none.so"))
    with pytest.raises(ImportError, match=r"none\.so does not exist.*python setup\.py build_ext --inplace"):
        module.kernel_library.__wrapped__()


def test_broken_library_is_named(monkeypatch, tmp_path):
    (tmp_path / "broken.so").write_bytes(b"no library")
    monkeypatch.setenv("OCNN_KERNEL_LIBRARY", str(tmp_path / "broken.so"))
    with pytest.raises(ImportError, match=r"broken\.so cannot be loaded.*rebuild"):
        module.kernel_library.__wrapped__()


def test_arrays_must_be_contiguous():
    with pytest.raises(ValueError, match="ocnn_octree_depad_cpu: every array must be C-contiguous"):
        module.call_kernel("ocnn_octree_depad_cpu", None, np.zeros((4, 4))[:, ::2])


def test_cuda_half_is_told():
    """A library with the CUDA half loads and answers where there is no driver, too."""
    assert module.cuda_device_count() >= 0
    assert module.has_cuda() or module.cuda_device_count() == 0


def test_cuda_errors_are_told():
    with pytest.raises(RuntimeError, match="ocnn_octree_depad_cuda: the CUDA runtime reported an error"):
        module.check_status("ocnn_octree_depad_cuda", 5)


def test_work_that_a_kernel_refuses_is_told():
    with pytest.raises(ValueError, match="ocnn_mean_shift_cpu: the data would take too long: pass fewer points"):
        module.check_status("ocnn_mean_shift_cpu", 7)


@pytest.mark.parametrize("dtype", [module.FLOAT16, module.BFLOAT16, 4, -1])
def test_cpu_kernels_refuse_the_half_types(dtype):
    x, children = np.zeros((1, 1), np.uint64), np.zeros(1, np.int32)
    for name, arguments in {"depad": (x, children, 1, 1, 1, x), "max_unpool": (x, children, 1, 1, np.zeros(8))}.items():
        with pytest.raises(ValueError, match="out of range"):
            module.call_kernel(f"ocnn_octree_{name}_cpu", None, ctypes.c_int32(dtype), *arguments)

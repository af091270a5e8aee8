"""The emulated GPU: what it computes, and the faults in kernels that it finds (tests/cuda_emulation/samples.cu)."""

import ctypes
import re

import numpy as np
import pytest
from gpu.benchmark import introduction, milliseconds, print_table, row
from gpu.build import is_sanitized
from gpu.call import poisoned
from gpu.case import DTYPE, Case, In, Out, Result, Timing, Values, dyadic, int32, round_to, widen
from gpu.ceilings import Ceilings, measure
from gpu.check import check

from ocnn_tf_ops.python.kernel_library import kernel_library

pytestmark = pytest.mark.slow

CUDA_ERROR = 5


def run(device, case):
    check(case, device, kernel_library())


@pytest.mark.parametrize("barrier", [True, False])
def test_missing_barrier_is_found(emulated, barrier):
    x = np.arange(192, dtype=np.int32)
    expected = [x.reshape(3, 64)[:, ::-1].reshape(-1)]
    case = Case("sample_turn_around", In(x), 3, int32(barrier), Out(192), expected=expected)
    if barrier:
        run(emulated, case)
    else:
        with pytest.raises(AssertionError, match="a second run gives other bits"):
            run(emulated, case)


@pytest.mark.parametrize(
    "number,message",
    [
        (0, r"thread \(0, 0, 0\) of block \(0, 0, 0\): waits at a barrier that not all threads"),
        (1, r"thread \(16, 0, 0\).*whose mask leaves it out"),
        (2, r"thread \(0, 0, 0\).*waits in a warp operation for lanes that never come"),
    ],
)
def test_threads_that_wait_forever_are_a_launch_error(emulated, capfd, number, message):
    run(emulated, Case("sample_fault", int32(number), Out(64), status=CUDA_ERROR, expected=[None]))
    assert re.search(message, capfd.readouterr().err)
    run(emulated, Case("sample_fault", int32(3), Out(64), expected=[np.full(64, 0x7FBADBAD + 64)]))  # still works


def test_shared_memory_starts_poisoned_in_every_block(emulated):
    run(emulated, Case("sample_fault", int32(3), Out(64), expected=[np.full(64, 0x7FBADBAD + 64)]))


@pytest.mark.skipif(is_sanitized(), reason="AddressSanitizer ends the program there")
def test_writing_beside_a_buffer_is_found(emulated):
    with pytest.raises(AssertionError, match="wrote outside of a buffer"):
        run(emulated, Case("sample_fault", int32(4), Out(64), expected=[np.zeros(64)]))


def test_warp_operations(emulated):
    lanes = np.arange(64)
    sums = np.where(lanes < 32, lanes[:32].sum(), lanes[32:].sum())
    ballots = np.full(64, 0xAAAAAAAA, np.uint32).view(np.int32)
    equal = (np.uint32(0xFF) << (lanes % 32 // 8 * 8).astype(np.uint32)).view(np.int32)
    expected = [np.concatenate([sums, ballots, equal])]
    run(emulated, Case("sample_warp_operations", Out(192), expected=expected))


@pytest.mark.parametrize("wait", [True, False])
def test_matrix_fragments_and_asynchronous_copies(emulated, wait):
    rng = np.random.default_rng(0)
    a, b = dyadic(rng, 16, 16), dyadic(rng, 16, 16)
    halves = In(a.astype(np.float16)), In(b.astype(np.float16))
    case = Case("sample_multiply", *halves, Out((16, 16), np.float32), int32(wait), expected=[(a @ b).astype("f4")])
    if wait:
        run(emulated, case)
    else:
        with pytest.raises(AssertionError):
            run(emulated, case)


def test_half_types_round_as_numpy_does(emulated):
    bits = np.random.default_rng(0).integers(0, 2**32, 3000, dtype=np.uint32)
    edges = [
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        65504,
        65519,
        65520,
        2**-14,
        2**-24,
        2**-25,
        3 * 2**-26,
        1 + 2**-11,
        1 + 3 * 2**-11,
    ]
    x = np.concatenate([bits.view(np.float32), np.array(edges, np.float32), np.linspace(-3, 3, 500, dtype=np.float32)])
    x = np.where(np.isnan(x), np.float32(1), x)
    with np.errstate(over="ignore"):
        half = x.astype(np.float16)
    outputs = (Out(len(x), np.uint16), Out(len(x), np.uint16), Out(len(x), np.float32))
    expected = [half.view(np.uint16), round_to("bfloat16", x), half.astype(np.float32)]
    run(emulated, Case("sample_round", In(x), len(x), *outputs, expected=expected))
    np.testing.assert_array_equal(widen("bfloat16", np.array([0x3F80, 0xC000], np.uint16)), [1, -2])


@pytest.mark.parametrize("threads,shared_bytes", [(0, 0), (1025, 0), (64, 1 << 20)])
def test_impossible_launches_are_cuda_errors(emulated, threads, shared_bytes):
    run(emulated, Case("sample_launch", threads, shared_bytes, Out(1), status=CUDA_ERROR, expected=[None]))


def test_results_that_differ_are_shown(emulated):
    x = np.arange(64, dtype=np.int32)
    with pytest.raises(AssertionError, match="output 0 of sample_turn_around"):
        run(emulated, Case("sample_turn_around", In(x), 1, int32(1), Out(64), expected=[x]))


def test_outputs_must_be_written_where_the_twin_writes(emulated):
    """depad of an octant that exists, against a reference that left its row alone."""
    arguments = (DTYPE, Values(np.ones((1, 2))), In(np.zeros(1, np.int32)), 1, 1, 2, Result((1, 2)))
    with pytest.raises(AssertionError, match="elements that were not written"):
        run(emulated, Case("octree_depad", *arguments, expected=[poisoned((1, 2), np.float32)]))


def test_table_of_the_benchmark(emulated, capsys):
    ceilings = measure(emulated, copy_bytes=1 << 16, rounds=1)
    assert set(ceilings.rates) == {"fp32", "tf32", "fp16"} and min(ceilings.rates.values()) > 0
    x = np.arange(64, dtype=np.int32)
    timing = Timing(Case("sample_turn_around", In(x), 1, int32(1), Out(64), label="64"), bytes=512, flops=10)
    assert milliseconds(emulated, timing, repeats=2, calls=3) > 0
    print(introduction(emulated.describe(), ceilings))
    print_table([row(timing, 0.5, Ceilings(copy=2.048e-3))])
    assert "emulated, compute capability " in (printed := capsys.readouterr().out)
    assert printed.splitlines()[-1].split() == [
        "sample_turn_around",
        "float32",
        "64",
        "0.5000",
        "0.0",
        "0.0",
        "copy",
        "50.0",
    ]
    assert ctypes.sizeof(emulated.describe()) == 256 + 5 * 4 + 4 + 2 * 8

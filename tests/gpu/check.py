"""Checks every CUDA kernel against its CPU twin: python3 -m gpu.check [--emulate] (see gpu_check.sh)."""

import argparse
import collections
import ctypes
import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gpu.build import build_emulated, build_for_gpu
from gpu.call import call_cpu, call_device, is_float
from gpu.case import EPSILON, OK, STATUS, Case, Out, Pointers, Result, round_to, widen
from gpu.device import GUARD_BYTES, POISON, Device

NO_GPU = 2  # exit code


def modules():
    """The cases_<family>.py beside this file."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
    return [importlib.import_module(f"gpu.{name}") for name in names]


def all_cases(seed: int) -> Iterator[Case]:
    for module in modules():
        yield from module.cases(np.random.default_rng(seed))


def check(case: Case, device: Device, cpu_library: ctypes.CDLL) -> None:
    """Runs both twins.

    Raises:
        AssertionError: they differ, the kernel wrote where it must not, or a second run gave other bits.
    """
    device.set_reverse(False)
    status, outputs = call_device(case, device)
    assert status == case.status, f"status {status}, expected {case.status}"
    expected = _expected(case, cpu_library)
    if status != OK:
        return
    device.set_reverse(True)
    again = call_device(case, device)[1]
    device.set_reverse(False)
    specifications = list(output_items(case))
    assert len(specifications) == len(expected), f"{len(expected)} outputs expected, {len(specifications)} in the case"
    refused = any(i is STATUS and reference[0] != OK for i, reference in zip(specifications, expected))
    for number, (item, output, second, reference) in enumerate(zip(specifications, outputs, again, expected)):
        where = f"output {number} of {case}"
        if case.deterministic:
            assert output.tobytes() == second.tobytes(), f"{where}: a second run gives other bits"
        if not refused or item is STATUS:
            compare(item, output, np.asarray(reference), case.dtype, where)


def _expected(case: Case, cpu_library: ctypes.CDLL) -> list[np.ndarray]:
    if case.expected is not None:
        return list(case.expected)
    status, outputs = call_cpu(case, cpu_library)
    told = case.status == OK and any(item is STATUS for item in output_items(case))
    assert told or status == case.status, f"the CPU twin answers status {status}, expected {case.status}"
    return outputs


def output_items(case: Case) -> Iterator[Result | Out]:
    """The outputs of a case, in their order."""
    for argument in case.arguments:
        for item in argument.items if isinstance(argument, Pointers) else [argument]:
            if isinstance(item, Result | Out):
                yield item


def compare(item: Result | Out, output: np.ndarray, reference: np.ndarray, dtype: str, where: str) -> None:
    if not isinstance(item, Result) and not is_float(item.dtype):
        np.testing.assert_array_equal(output, reference, where)
        return
    dtype = dtype if isinstance(item, Result) else np.dtype(item.dtype).name
    left_alone = _untouched(reference)
    np.testing.assert_array_equal(_untouched(output), left_alone, f"{where}: elements that were not written")
    reference = widen(dtype, round_to(dtype, np.where(left_alone, 0, reference)))
    output = np.where(left_alone, 0, widen(dtype, output))
    finite = np.abs(reference[np.isfinite(reference)])
    allowed = item.ulps * EPSILON[dtype] * (finite.max() if finite.size else 0)
    np.testing.assert_allclose(output, reference, rtol=0, atol=allowed, equal_nan=True, err_msg=where)


def _untouched(array: np.ndarray) -> np.ndarray:
    """Which elements still hold what outputs are filled with before the call."""
    pattern = np.frombuffer(bytes([POISON] * array.itemsize), array.dtype)
    return np.ascontiguousarray(array).view(f"V{array.itemsize}") == pattern.view(f"V{array.itemsize}")


def open_device(emulate: bool, guard_bytes: int) -> Device | None:
    """The device to check on; None, with the reason printed, if there is none."""
    library = build_emulated() if emulate else build_for_gpu()
    if library is None:
        print("gpu_check: no nvcc. Install the CUDA toolkit, or check the kernels' logic with --emulate.")
        return None
    device = Device(library, guard_bytes)
    if device.count() == 0:
        print("gpu_check: the kernels were built, but there is no GPU to run them on (or no driver for it).")
        print("Their logic can be checked on the CPU: bash tests/gpu_check.sh --emulate")
        return None
    return device


def cpu_twins(device: Device) -> ctypes.CDLL:
    """The library with the CPU twins: the same one, or for an emulated device one that g++ builds."""
    if not device.emulated:
        return device.library
    import native_build as native

    folder = native.ROOT / "build" / "gpu_check_cpu"
    folder.mkdir(parents=True, exist_ok=True)
    native.build_kernels(native.find_compiler(), folder, None)
    return ctypes.CDLL(str(folder / "libocnn_kernels.so"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulate", action="store_true", help="run the kernels on the CPU, without nvcc and GPU")
    parser.add_argument("--exact", action="store_true", help="no guard zones: buffers end where a sanitizer sees it")
    parser.add_argument("--seed", type=int, default=None, help="of the random inputs; default: a new one each time")
    parser.add_argument("--kernel", default="", help="only kernels whose name contains this")
    options = parser.parse_args()
    device = open_device(options.emulate, 0 if options.exact else GUARD_BYTES)
    if device is None:
        return NO_GPU
    seed = time.time_ns() % 2**32 if options.seed is None else options.seed
    print(f"checking on {device.describe().name.decode()}, seed {seed}")
    passed, failures = run(device, seed, options.kernel)
    for kernel, count in passed.items():
        print(f"  {kernel}: {count} cases")
    for failure in failures:
        print(failure)
    print(f"{sum(passed.values())} cases passed, {len(failures)} failed (seed {seed})")
    return 1 if failures or not passed else 0


def run(device: Device, seed: int, wanted: str) -> tuple[collections.Counter, list[str]]:
    """How many cases of each kernel passed, and what is wrong with the others."""
    passed, failures = collections.Counter(), []
    cpu_library = cpu_twins(device)
    for case in all_cases(seed):
        if wanted not in case.kernel:
            continue
        try:
            check(case, device, cpu_library)
            passed[case.kernel] += 1
        except (AssertionError, RuntimeError, AttributeError) as error:
            failures.append(f"FAILED {case}: {error}")
    return passed, failures


if __name__ == "__main__":
    sys.exit(main())

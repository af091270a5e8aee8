"""Times every CUDA kernel against the card's measured ceilings: python3 -m gpu.benchmark (see gpu_check.sh)."""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gpu.call import bind_device
from gpu.case import Timing
from gpu.ceilings import Ceilings, measure
from gpu.check import NO_GPU, modules, open_device
from gpu.device import Description, Device, Stopwatch
from ocnn_tf_ops.python.kernel_library import check_status, status_of

HEADER = ("kernel", "dtype", "size", "ms", "GB/s", "GFLOP/s", "of ceiling", "%")
MAX_COPIES = 16  # of a call's memory, used in turn
CACHES = 4  # the copies together hold this many times the second-level cache


def milliseconds(device: Device, timing: Timing, repeats: int, calls: int) -> float:
    """Of one call: the median of `repeats` stretches of at least `calls` calls, after a warm-up.

    Calls take turns among copies of their memory, so that none finds its input in the cache.
    """
    l2_bytes = device.describe().l2_bytes
    copies = int(min(MAX_COPIES, 1 + CACHES * l2_bytes // max(timing.bytes, 1)))
    bound = [bind_device(timing.case, device) for _ in range(copies)]
    name = f"ocnn_{timing.case.kernel}_cuda"
    try:
        for call in bound:
            check_status(name, status_of(device.library, name, None, *call.arguments))
        watch = Stopwatch(device)
        stretches = []
        for _ in range(repeats):
            watch.start()
            for i in range(max(calls, copies)):
                status_of(device.library, name, None, *bound[i % copies].arguments)
            stretches.append(watch.stop() / max(calls, copies))
        watch.close()
        return float(np.median(stretches))
    finally:
        for call in bound:
            for buffer in call.buffers:
                buffer.free()


def row(timing: Timing, ms: float, ceilings: Ceilings) -> tuple:
    """One line of the table."""
    bandwidth, rate = timing.bytes / ms / 1e6, timing.flops / ms / 1e6
    share = (bandwidth if timing.ceiling == "copy" else rate) / ceilings.of(timing.ceiling)
    case = timing.case
    figures = (f"{ms:.4f}", f"{bandwidth:.1f}", f"{rate:.1f}", timing.ceiling, f"{100 * share:.1f}")
    return (case.kernel, case.dtype, case.label, *figures)


def all_timings(wanted: str) -> Iterator[Timing]:
    for module in modules():
        for timing in module.timings(np.random.default_rng(0)):
            if wanted in timing.case.kernel:
                yield timing


def print_table(rows: list[tuple]) -> None:
    widths = [max(len(str(r[i])) for r in [HEADER, *rows]) for i in range(len(HEADER))]
    for line in [HEADER, *rows]:
        print("  ".join(str(v).ljust(w) if i < 3 else str(v).rjust(w) for i, (v, w) in enumerate(zip(line, widths))))


def introduction(card: Description, ceilings: Ceilings) -> str:
    rates = ", ".join(f"{name} {rate:.0f} GFLOP/s ({ceilings.source[name]})" for name, rate in ceilings.rates.items())
    return (
        f"{card.name.decode()}, compute capability {card.major}.{card.minor}, driver {card.driver}, "
        f"CUDA {card.runtime}\nceilings: copy {ceilings.copy:.0f} GB/s, {rates}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", default="", help="only kernels whose name contains this")
    parser.add_argument("--csv", type=Path, help="also write the table there")
    options = parser.parse_args()
    device = open_device(emulate=False, guard_bytes=0)
    if device is None:
        return NO_GPU
    ceilings = measure(device)
    print(introduction(device.describe(), ceilings))
    rows = [row(t, milliseconds(device, t, repeats=5, calls=20), ceilings) for t in all_timings(options.kernel)]
    print_table(rows)
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            csv.writer(file).writerows([("card", *HEADER), *((device.describe().name.decode(), *r) for r in rows)])
    return 0


if __name__ == "__main__":
    sys.exit(main())

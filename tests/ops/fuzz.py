"""Calls every op with random and wrong arguments; the process that does so must neither die nor hang.

    python tests/ops/fuzz.py --calls=10000 --seed=1             # in workers; exit code 1 if one died or hung
    python tests/ops/fuzz.py --seed=1 --first=4711 --calls=1    # one call again

`bash tests/sanitize.sh --fuzz=10000` does the same under AddressSanitizer. What a call answers is not looked at, only
that it does: with a result or with an error of TensorFlow's kinds.
"""

import argparse
import collections
import os
import resource
import select
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from ops.fuzz_calls import Call, draw_call, tensors  # noqa: E402

CALLS_OF_A_WORKER = 2000  # then a new one starts: graphs stay in memory
MEMORY = 6 << 30  # bytes of address space that a worker may add; a refused allocation must be an error too
START = 600  # seconds for a worker to start, beside much else


@dataclass(frozen=True)
class Failure:
    """A call that its worker did not survive, or that answered in a way that no op may."""

    number: int
    reason: str


def run(
    worker: list[str], first: int, calls: int, jobs: int, limit: float
) -> tuple[collections.Counter, list[Failure]]:
    """Makes the calls first, first + 1, ... in worker processes: how often each answer came, and the failures.

    Args:
        worker: command of a worker; the numbers of its first call and of the one after its last follow.
        limit: seconds that a call may take.
    """
    answers, failures = collections.Counter(), []
    pieces = [(at, min(at + CALLS_OF_A_WORKER, first + calls)) for at in range(first, first + calls, CALLS_OF_A_WORKER)]
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not pieces:
                    return
                begin, end = pieces.pop(0)
            while begin < end:
                begin, failure = _run_worker(worker, begin, end, limit, answers, lock)
                if failure is not None:
                    print(f"call {failure.number}: {failure.reason}", flush=True)
                    failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, failures


def _run_worker(worker, begin, end, limit, answers, lock) -> tuple[int, Failure | None]:
    """Runs one worker until it is done or fails; where to go on, and the failure."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([*worker, str(begin), str(end)], stdout=subprocess.PIPE, stderr=errors, bufsize=0)
        current, reason = None, ""
        while current is None or current < end:
            patience = START if current is None else limit
            if not select.select([process.stdout], [], [], patience)[0]:
                reason = f"no answer within {patience} seconds"
                break
            line = process.stdout.readline().decode().strip()
            if not line:
                reason = f"the worker died with status {process.wait()}"
                break
            number, _, answer = line.partition(" ")
            current = int(number) + 1 if answer else int(number)
            if answer.startswith("unexpected"):
                reason = answer
                break
            with lock:
                answers[answer or "begun"] += 1
        process.kill()
        process.wait()
        process.stdout.close()
        if not reason:
            return end, None
        errors.seek(0)
        number = begin if current is None else current - reason.startswith("unexpected")
        return number + 1, Failure(number, f"{reason}\n{errors.read()[-3000:]}")


def work(seed: int, begin: int, end: int) -> None:
    """A worker: tells each call's number before it is made, and its answer afterwards."""
    # oneDNN's allocator throws from inside TensorFlow where the limit of memory is reached, and nobody catches that.
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    import tensorflow as tf

    from ocnn_tf_ops.python.loader import tf_ops

    _import_gradients()
    tf.config.set_visible_devices([], "GPU")
    tf.zeros([1])
    limit_memory()
    refusals = (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError, tf.errors.UnimplementedError)
    refusals += (tf.errors.NotFoundError, ValueError, TypeError, LookupError, OverflowError)
    for number in range(begin, end):
        call = draw_call(seed, number)
        print(number, flush=True)
        print(f"call {number}: {call}", file=sys.stderr, flush=True)
        try:
            make(call, getattr(tf_ops(), call.op))
            answer = f"{call.op} result"
        except refusals as error:
            answer = f"{call.op} {type(error).__name__}"
        except Exception as error:  # whatever else: to be reported, not to end the worker
            answer = f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:500]}"
        print(number, answer, flush=True)


def _import_gradients() -> None:
    import ocnn_tf_ops

    for name in ocnn_tf_ops.__all__:
        getattr(ocnn_tf_ops, name)


def limit_memory() -> None:
    """Not under AddressSanitizer, whose shadow is a good part of the address space: it has a limit of its own."""
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        return
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)


def make(call: Call, op) -> None:
    """Makes the call in its mode and waits for the results."""
    import tensorflow as tf

    inputs = tensors(call)
    if call.mode == "eager":
        results = op(**inputs, **call.attributes)
    elif call.mode == "gradient":
        with tf.GradientTape() as tape:
            real = [x for x in tf.nest.flatten(inputs) if x.dtype.is_floating]
            tape.watch(real)
            results = op(**inputs, **call.attributes)
            differentiable = [y for y in tf.nest.flatten(results) if y.dtype.is_floating]
        results = tape.gradient(differentiable, real, unconnected_gradients="none") if differentiable else []
    else:
        known = call.mode == "graph"
        specs = tf.nest.map_structure(lambda x: tf.TensorSpec(x.shape if known else None, x.dtype), inputs)
        function = tf.function(lambda given: op(**given, **call.attributes), input_signature=[specs])
        results = function(inputs)
    for result in tf.nest.flatten(results):
        if result is not None:
            result.shape.num_elements() and result.numpy()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="workers at a time")
    parser.add_argument("--limit", type=float, default=60, help="seconds that a call may take")
    parser.add_argument("--worker", type=int, nargs=2, metavar=("BEGIN", "END"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.seed, *options.worker)
        return 0
    answers, failures = run(worker_command(options.seed), options.first, options.calls, options.jobs, options.limit)
    for answer, count in sorted(answers.items()):
        print(f"{count:8}  {answer}")
    print(f"{answers['begun']} calls of seed {options.seed}, {len(failures)} died, hung or answered otherwise")
    return 1 if failures else 0


def worker_command(seed: int) -> list[str]:
    return [sys.executable, str(Path(__file__)), f"--seed={seed}", "--worker"]


if __name__ == "__main__":
    sys.exit(main())

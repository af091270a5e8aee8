"""Work on all cores: one function, many arguments, results in their order.

HDF5 reads behind one lock, and the rest is Python, so that threads would wait for each other. The processes are fresh
ones, as TensorFlow does not survive a fork, and import no more than the function's own module.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from typing import TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class ProcessDied(ValueError):
    """A process was killed before its work was done."""


def available_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_processes(
    function: Callable[[Argument], Result], arguments: Sequence[Argument], workers: int
) -> Iterator[Result]:
    """Calls a function of a module for each argument and yields the results in the order of the arguments.

    Args:
        workers: processes; with 1, or one argument, everything happens in this one.

    Raises:
        ProcessDied: a process was killed. What the function raises is raised here; then, as after a signal, what
            has begun is stopped, and the rest is not begun.
    """
    workers = min(workers, len(arguments))
    if workers < 2:
        yield from map(function, arguments)
        return
    left, others = len(arguments), set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), leave_with_parent)
    try:
        with starting_workers():
            futures = [pool.submit(_call, function, argument) for argument in arguments]
        futures.reverse()
        while futures:
            yield futures.pop().result()  # and no reference to it stays
            left -= 1
    except BrokenProcessPool as error:
        raise ProcessDied("a process that reads the data was killed; there may be too little memory") from error
    finally:
        for process in set(multiprocessing.active_children()) - others if left else ():
            process.terminate()
        pool.shutdown(cancel_futures=True)


@contextmanager
def starting_workers() -> Iterator[None]:
    """Around the start of processes: they hear no Ctrl-C, which is for this one to act on, nor run its main program.

    A fresh process imports the main module of its parent, to find functions that are defined there. That of a training
    imports TensorFlow, which takes ten seconds and hundreds of megabytes. A signal that comes meanwhile is acted on at
    the end: a process that is left while it starts would complain.
    """
    main = sys.modules["__main__"]
    hidden = {name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__}
    main.__spec__ = None
    try:
        with _holding_signals() if threading.current_thread() is threading.main_thread() else nullcontext():
            yield
    finally:
        main.__dict__.update(hidden)


@contextmanager
def _holding_signals() -> Iterator[None]:
    """Processes that are started inside are deaf to Ctrl-C; signals to this one are delivered at the end."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.signal(number, lambda *signaled: came.append(signaled[0])) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _call(function: Callable[[Argument], Result], argument: Argument) -> Result:
    """Calls the function in a worker, which SIGTERM makes leave after files that are written by half are removed."""
    try:
        signal.signal(signal.SIGTERM, _leave)
        result = function(argument)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return result
    except SystemExit:
        os._exit(1)  # a pool would take the exit for a result and hand out the next argument


def _leave(*_) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pool sends another one as soon as it misses a worker
    sys.exit(1)


def leave_with_parent() -> None:
    """Makes a worker end when its parent does, even if that was killed."""
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()

"""Ctrl-C and SIGTERM: heeded where nothing is lost, with the exit code that shells expect and without a traceback."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


class _Ended(BaseException):
    """Raised by a signal within a block that it may end anywhere."""


class StopSignal:
    """Context manager: while active, the first SIGINT or SIGTERM sets `received`; a second one acts as before."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.received: signal.Signals | None = None
        self._previous = {}
        self._ends_at_once = False

    def __enter__(self):
        self._previous = {s: signal.signal(s, self._handle) for s in self.SIGNALS}
        return self

    def __exit__(self, *_):
        self._restore()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A block that the first signal ends wherever it is; afterwards `received` tells whether one did.

        The block should not begin its work when `received` is set already.
        """
        self._ends_at_once = True
        try:
            yield
        except _Ended:
            pass
        finally:
            self._ends_at_once = False

    def _handle(self, number, frame):
        self.received = signal.Signals(number)
        self._restore()
        if self._ends_at_once:
            raise _Ended

    def _restore(self):
        for s, handler in self._previous.items():
            signal.signal(s, handler)
        self._previous = {}


@contextmanager
def ending_at_signals(remark: str) -> Iterator[None]:
    """The first SIGINT or SIGTERM ends the block at once: one line with the remark, then SystemExit(128 + the number).

    Also a decorator, for the main functions of programs whose files are whole or absent.
    """
    with StopSignal() as stop, stop.at_once():
        yield
    if stop.received:
        say_stopped(stop.received, remark)
        sys.exit(128 + stop.received)


def say_stopped(number: int, remark: str) -> None:
    """Prints the signal's name and a remark in one line, without touching progress bars that are still there."""
    tqdm.write(f"{signal.Signals(number).name}: {remark}", file=sys.stderr)

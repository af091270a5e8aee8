"""Ctrl-C and SIGTERM as a wish to stop after the current step, so that nothing is lost."""

import signal


class StopSignal:
    """Context manager: while active, the first SIGINT or SIGTERM sets `received`; a second one acts as usual."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.received: signal.Signals | None = None
        self._previous = {}

    def __enter__(self):
        self._previous = {s: signal.signal(s, self._handle) for s in self.SIGNALS}
        return self

    def __exit__(self, *_):
        self._restore()

    def _handle(self, number, frame):
        self.received = signal.Signals(number)
        self._restore()

    def _restore(self):
        for s, handler in self._previous.items():
            signal.signal(s, handler)
        self._previous = {}

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that a signal ended: 128 + the signal's number."""
        return 128 + self.received if self.received else 0

"""Programs run one after the other or side by side: their output, their failures, and signals that reach them all."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RUNNING_ELSEWHERE = os.EX_TEMPFAIL  # exit code of a program whose folder another process holds
STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # exit codes of programs that saved what they had and left


class Jobs:
    """Context manager that runs Python programs, `at_once` of them side by side, each on its share of the cores.

    Ctrl-C or SIGTERM goes on to the programs that run, which save what they have; nothing is started after it, and the
    context ends with SystemExit(128 + number of the signal) once they have left.
    """

    def __init__(self, at_once: int):
        self.at_once = at_once
        self.failed: list[str] = []
        self.elsewhere: list[str] = []
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.RLock()  # around _running and _stopped: whatever is started has been told of a signal
        self._stopped = 0  # exit code of an interrupted study

    def __enter__(self):
        self._handlers = {s: signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._stopped:
            raise SystemExit(self._stopped)

    def each(self, work: Callable, items: Iterable) -> None:
        """Calls `work` for every item, `at_once` of them at a time, in their order."""
        with ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(lambda item: self._stopped or work(item), items))

    def run(self, folder: Path, command: Sequence[str], clear: bool = False) -> bool:
        """Runs `python COMMAND...`, whose folder is `folder`; whether it ended well.

        Several at once write to `output.log` of their folders. A failure is taken down, and so is a program that finds
        its folder held by another process. `clear`: remove the folder first.
        """
        if clear:
            shutil.rmtree(folder, ignore_errors=True)
        if self.at_once == 1:
            code = self._wait_for(command)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            _say(f"started: {folder} (tail -f {folder}/output.log)")
            with open(folder / "output.log", "ab") as log:
                code = self._wait_for(command, stdout=log, stderr=subprocess.STDOUT)
            if code == 0:
                _say(f"ended: {folder}")
        if code == RUNNING_ELSEWHERE:
            _say(f"running elsewhere: {folder}")
            self.elsewhere.append(str(folder))
        elif code in STOPPED:
            self._stopped = self._stopped or code
        elif code:
            self.fail(folder, f"failed: {folder}" + (" (see its output.log)" if self.at_once > 1 else ""))
        return code == 0

    def fail(self, folder: Path, message: str) -> None:
        """Takes a failure down."""
        _say(message, sys.stderr)
        self.failed.append(str(folder))

    def summary(self) -> int:
        """Prints what was skipped and what failed; the exit code."""
        if self.elsewhere:
            print(f"RUNNING ELSEWHERE: {' '.join(self.elsewhere)}")
        if self.failed:
            print(f"FAILED: {' '.join(self.failed)}", file=sys.stderr)
        return 1 if self.failed else 0

    def _wait_for(self, command, **output) -> int:
        environment = dict(os.environ)
        if self.at_once > 1:
            share = str(max(1, len(os.sched_getaffinity(0)) // self.at_once))
            environment |= {"TF_NUM_INTRAOP_THREADS": share, "TF_NUM_INTEROP_THREADS": share}
        with self._lock:
            if self._stopped:
                return self._stopped
            # A session of its own: a terminal's Ctrl-C reaches it by way of _stop alone, once.
            program = subprocess.Popen(
                [sys.executable, *command], stdin=subprocess.DEVNULL, env=environment, start_new_session=True, **output
            )
            self._running.add(program)
        code = program.wait()
        with self._lock:
            self._running.discard(program)
        return code if code >= 0 else 128 - code

    def _stop(self, number, frame):
        with self._lock:
            self._stopped = 128 + number
            for program in self._running:
                program.send_signal(number)


def _say(line: str, stream=None) -> None:
    """Prints a line in one piece: workers speak at the same time."""
    print(f"{line}\n", end="", file=stream or sys.stdout, flush=True)

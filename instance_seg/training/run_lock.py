"""One process at a time holds the folder of a run."""

import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import socket
import sys
from collections.abc import Iterator

LOCK = "run.lock"
EXIT_CODE = os.EX_TEMPFAIL  # of a program that found its folder held: a script over many runs goes on to the next


class RunIsHeld(RuntimeError):
    """Another process holds the folder of the run."""


@contextlib.contextmanager
def holding(logdir: pathlib.Path) -> Iterator[None]:
    """Holds a run's folder while the block runs.

    The kernel frees the lock when the process dies, however it dies; what it forked does not keep it. The file that is
    locked says who holds it.

    Raises:
        RunIsHeld: another process holds it; names host, process and start.
        ValueError: the file system knows no locks.
    """
    path = logdir / LOCK
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunIsHeld(f"--logdir={logdir} is held by {_holder(path)}; wait until it ends, or stop it") from error
        except OSError as error:
            raise ValueError(f"{path} cannot be locked ({error.strerror}); take a --logdir on another disk") from error
        try:
            start = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
            program = pathlib.Path(sys.argv[0]).stem
            _write(file, {"host": socket.gethostname(), "process": os.getpid(), "program": program, "start": start})
            yield
        finally:
            _write(file, None)


def _write(file, holder: dict | None) -> None:
    file.seek(0)
    file.truncate()
    file.write(f"{json.dumps(holder)}\n" if holder else "")
    file.flush()


def _holder(path: pathlib.Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return f"process {found['process']} on {found['host']} ({found['program']}), since {found['start']}"
    except (OSError, ValueError, TypeError, KeyError):  # it has only just begun
        return "another process"

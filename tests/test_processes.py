"""Work in processes: order, errors, and what the processes do not do."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from instance_seg.processes import available_cores, map_in_processes

HERE = Path(__file__).resolve().parent


def square(number):
    if number < 0:
        raise ValueError(f"{number} is below 0")
    return number**2


def whereabouts(_):
    return os.getpid(), "tensorflow" in sys.modules


def kill_yourself(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_errors_as_they_are(workers):
    assert list(map_in_processes(square, range(20), workers)) == [number**2 for number in range(20)]
    results = map_in_processes(square, [1, 2, -3, 4], workers)
    assert [next(results), next(results)] == [1, 4]
    with pytest.raises(ValueError, match="^-3 is below 0$"):
        next(results)
    assert list(map_in_processes(square, [], workers)) == []


def test_a_killed_process_is_told():
    with pytest.raises(ValueError, match="was killed; there may be too little memory"):
        list(map_in_processes(kill_yourself, range(4), 2))
    assert available_cores() >= 1


PROGRAM = """
import sys
sys.modules["tensorflow"] = None  # as if imported, and a sign of who runs this
from instance_seg.processes import map_in_processes
from test_processes import whereabouts
print(*[f"{pid} {loaded}" for pid, loaded in map_in_processes(whereabouts, range(8), 2)], sep="\\n")
"""


def run(code, tmp_path):
    """Starts a program that has no `if __name__ == "__main__"`."""
    program = tmp_path / "program.py"
    program.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, program], env=environment, start_new_session=True, **pipes)


@pytest.mark.slow
def test_processes_do_not_run_the_main_program(tmp_path):
    program = run(PROGRAM, tmp_path)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 0 and err == "", err
    found = [line.split() for line in out.splitlines()]
    assert len(found) == 8 and {loaded for _, loaded in found} == {"False"}
    assert str(program.pid) not in {pid for pid, _ in found}


INTERRUPTED = """
import signal
from instance_seg.processes import map_in_processes
from test_processes import whereabouts
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell would be deaf to it
try:
    for pid, _ in map_in_processes(whereabouts, range(20000), 2):
        print(pid, flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_processes_leave_with_the_program_that_is_stopped(tmp_path, sent):
    program = run(INTERRUPTED, tmp_path)
    assert int(program.stdout.readline()) != program.pid
    if sent == signal.SIGINT:
        os.killpg(program.pid, sent)  # as Ctrl-C does
    else:
        program.kill()
    out, err = program.communicate(timeout=60)  # ends when no process holds the pipes any more
    assert "Traceback" not in err
    if sent == signal.SIGINT:
        assert out.endswith("interrupted\n") and err == ""


def wait_for_an_end(path):
    """Comes back at once for a file that is there, else waits, and says at last that it was told to leave."""
    if path.exists():
        return path.name
    path.write_text("begun")
    try:
        threading.Event().wait(60)
    finally:
        path.write_text("left")
    return path.name


def test_work_that_nobody_waits_for_is_stopped(tmp_path):
    """And may tidy up: it leaves by an exception."""
    paths = [tmp_path / name for name in "abcd"]
    paths[0].touch()
    results = map_in_processes(wait_for_an_end, paths, 2)
    assert next(results) == "a"
    while not paths[1].exists() or not paths[1].read_text():
        os.sched_yield()
    results.close()
    assert paths[1].read_text() == "left" and not paths[3].exists()

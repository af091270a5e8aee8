"""Tools with absl flags, ended by a signal: one line, the exit code, and nothing that looks done."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

pytestmark = pytest.mark.slow
HOME = Path(__file__).resolve().parents[2]


def stop_tool(said, begun, number, tool, *arguments):
    """Starts a tool that speaks to the file `said`, sends it a signal once `begun()` holds, and looks at its end."""
    with said.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, HOME / "tools" / f"{tool}.py", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(HOME)},
            stdout=subprocess.DEVNULL,
            stderr=stream,
        )
    end = time.monotonic() + 120
    while not begun():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    lines = said.read_text().replace("\r", "\n").splitlines()
    assert [line for line in lines if line.strip() and "shape" not in line] == [
        line for line in lines if line.startswith(f"{number.name}: stopped; ")
    ]
    assert f"{number.name}: stopped; " in said.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_unfinished_split_is_not_there(tmp_path, number):
    out = tmp_path / "set"
    flags = f"--out={out}", "--categories=Chair", "--shapes=100000", "--num_points=100"
    stop_tool(tmp_path / "said", lambda: out.is_dir() and any(out.iterdir()), number, "make_procedural", *flags)
    assert not list(out.iterdir())


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    """A data set of one file of which some formats take a while."""
    root = tmp_path_factory.mktemp("partnet")
    shape = generate_shape("Chair", 0, 0, 2000)
    write_split(
        root,
        "Chair",
        "train",
        (shape._replace(name=ShapeId("model", str(i))) for i in range(1000)),
        load_taxonomy("Chair"),
    )
    return root


def test_processes_of_a_preparation_leave_with_it(large_file, tmp_path):
    """They are told by it, and what they have by half goes."""
    out = tmp_path / "prepared"
    flags = f"--data_dir={large_file}", f"--out={out}", "--formats=tfrecords,shards", "--workers=2"
    stop_tool(tmp_path / "said", lambda: any(out.rglob("*.tmp")), signal.SIGTERM, "prepare_partnet", *flags)
    assert not [path for path in out.rglob("*") if path.suffix in (".tmp", ".tfrecords")]


def test_a_check_ends_in_the_middle(large_file, tmp_path):
    said = tmp_path / "said"
    stop_tool(said, lambda: "Chair" in said.read_text(), signal.SIGTERM, "check_dataset", large_file)

"""The command line of predict at inputs that are wrong: one line for each, before TensorFlow is even loaded."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import trimesh

from instance_seg.data.files.clouds.read import READERS

FILES = pathlib.Path(__file__).parent / "data" / "files" / "clouds" / "files"
DRIVER = """
import json, sys
from absl import flags
from instance_seg import predict

outcomes = []
for arguments in json.load(sys.stdin):
    flags.FLAGS["input"].unparse()  # else those of all calls add up
    try:
        flags.FLAGS(["predict", *arguments])
        predict.main([])
        outcomes.append("nothing is wrong")
    except flags.Error as error:
        outcomes.append(f"error: {error}")
    except SystemExit as error:
        outcomes.append(error.code)
print(json.dumps([outcomes, "tensorflow" in sys.modules]))
"""


@pytest.fixture
def run(tmp_path):
    """A folder that looks like a run: none of these calls gets as far as reading its checkpoint."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "iter-1.index").touch()
    description = {"data_set": "partnet", "source": {}, "system": "semantic_assisted", "settings": {}}
    description |= {"other_settings": {}, "num_classes": []}
    (tmp_path / "checkpoints" / "network.json").write_text(json.dumps(description))
    return tmp_path


def broken_files(folder):
    """Paths of files that no reader can make sense of, of every kind."""
    rng = np.random.default_rng(0)
    for suffix in READERS:
        for name, content in (
            ("empty", b""),
            ("words", b"words\n" * 99),
            ("random", rng.bytes(999)),
            ("zero", bytes(999)),
        ):
            yield folder / f"{name}{suffix}", content
    points = rng.normal(size=(100, 3))
    np.savez(folder / "good.npz", points=points)
    data = (folder / "good.npz").read_bytes()
    yield folder / "cut.npz", data[:1000]
    yield folder / "damaged.npz", data[:500] + bytes(9) + data[509:]
    np.savez(folder / "fewer_normals.npz", points=points, normals=points[:50])
    np.savez(folder / "objects.npz", points=points.astype(object))
    for name in ("fewer_normals.npz", "objects.npz"):
        yield folder / name, (folder / name).read_bytes()
    for suffix in (".ply", ".stl", ".off", ".glb", ".obj"):
        data = trimesh.creation.box().export(file_type=suffix[1:])
        data = data.encode() if isinstance(data, str) else data
        yield folder / f"cut{suffix}", data[: len(data) // 3]
    rows = "".join("{:f} {:f} {:f}\n".format(*row) for row in points)
    yield folder / "ragged.txt", (rows + "1 2\n").encode()
    yield folder / "nan.txt", (rows + "nan 1 2\n").encode()
    yield folder / "decimal_commas.csv", rows.replace(" ", ";").replace(".", ",").encode()
    yield folder / "one_place.xyz", b"1 2 3\n" * 99
    yield folder / "lines.obj", b"v 0 0 0\nv 1 1 1\nl 1 2\n"
    broken = "draco.glb meshopt.gltf buffer_view_too_long.gltf mesh_without_area.ply list_property_in_vertex.ply"
    for name in (*broken.split(), "no_faces_two_vertices.obj"):
        yield folder / name, (FILES / name).read_bytes()


def outcomes(calls):
    """What each call of the program, all in one process, says as it exits; nothing else may be said."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input=json.dumps(calls), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    said, tensorflow = json.loads(done.stdout)
    assert not tensorflow, "TensorFlow was loaded for nothing"
    assert len(said) == len(calls)
    return said


def test_every_broken_file_gets_one_line(run, tmp_path):
    files = list(broken_files(tmp_path))
    assert len(files) > 80
    for path, content in files:
        path.write_bytes(content)
    paths = [str(path) for path, _ in files]
    said = outcomes([[f"--run={run}", f"--input={path}", f"--output={tmp_path}/out"] for path in paths])
    for path, line in zip(paths, said, strict=True):
        assert line.startswith(f"error: {path}: ") and len(line) > len(path) + 15 and "\n" not in line, line
    assert not (tmp_path / "out").exists()


def test_flags_that_are_wrong(run, tmp_path):
    points = np.random.default_rng(0).normal(size=(100, 3))
    np.savez(tmp_path / "good.npz", points=points)
    for name in ("file", "level_1.ply"):
        (tmp_path / name).write_text("")
    (tmp_path / "empty").mkdir()
    good = {"run": str(run), "input": f"{tmp_path}/good.npz", "output": f"{tmp_path}/out"}
    good |= {"bandwidth": "0.1", "semantic_center_offset": "0.05"}
    cases = [
        ({"input": f"{tmp_path}/gone.ply"}, "gone.ply: no such file"),
        ({"input": f"{tmp_path}/empty"}, "empty: holds no file of a known kind"),
        ({"input": f"{tmp_path}/file"}, "files without a suffix are not read"),
        ({"input": "--output=out"}, "must follow --input, not another flag"),
        (
            {"input": f"{tmp_path}/level_1.ply", "output": f"{tmp_path}/"},
            "level_1.ply, the input, which would be written",
        ),
        ({"output": f"{tmp_path}/file"}, "file is a file, want a folder"),
        ({"output": f"{tmp_path}/file/below/it"}, "file is a file, want a folder"),
        ({"output": "/proc/nowhere"}, "/proc cannot be written to"),
        ({"output": f"{tmp_path}/{'a' * 300}"}, "too long"),
        ({"run": f"{tmp_path}/gone"}, "gone: no such folder or checkpoint"),
        ({"run": f"{tmp_path}/empty"}, "empty: neither a checkpoint"),
        *(({"bandwidth": value}, "bandwidth") for value in ("0", "-1", "nan", "inf")),
        *(({"semantic_center_offset": value}, "semantic_center_offset") for value in ("nan", "inf")),
    ]
    said = outcomes([[f"--{name}={value}" for name, value in (good | wrong).items()] for wrong, _ in cases])
    for line, (_, reason) in zip(said, cases):
        assert line.startswith("error: ") and reason in line and "\n" not in line, line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["draco.glb", "list_property_in_vertex.ply"])
def test_the_program_itself(name, run, tmp_path):
    flags = [f"--run={run}", f"--input={FILES / name}", f"--output={tmp_path}/out"]
    command = [sys.executable, "-m", "instance_seg.predict", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"error: {FILES / name}: ")

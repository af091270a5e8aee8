"""Damages copies of good data sets, in every format, and watches what the readers and the check make of it.

    python tests/data/partnet/damage.py --cases=1000 --seed=1

A reader must give the arrays that were there, or raise one ValueError of one line that names a file of the data set;
files without checksums may give other arrays, as no reader can know. The check must report, never raise. Each format
is tried in a process of its own, so that a crash of a library is seen. `test_damaged_files.py` runs a few cases.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

from instance_seg.data.files.checksums import record_checksums, seal_category
from instance_seg.data.partnet.check.folder import CategoryCheck
from instance_seg.data.partnet.formats import prepare
from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.sources import SOURCES, read_shapes
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

CHAIR = load_taxonomy("Chair")
NUM_SHAPES, NUM_POINTS = 3, 40
TIMEOUT = 3600  # seconds for all cases of a format
HOME = Path(__file__).resolve().parents[3]

ODD_VALUES = (None, True, -1, 0, 1e308, float("nan"), float("inf"), 2**31, 10**400, "", "chair/chair_back", "x" * 10**6)
ODD_DTYPES = ("f2", "f8", "i8", "u1", "S4", "c8", "?", ">f4", [("a", "f4")])

H5_DAMAGES = ("dtype", "shape", "gone", "unwritten", "value", "external", "soft", "virtual", "storage", "group")


def make_good(root: Path) -> dict[str, Path]:
    """A training split in every format, each in a folder of its own and with checksums; {format: folder}."""
    trees = root / "ins_seg_h5"
    shapes = (generate_shape("Chair", 0, index, NUM_POINTS) for index in range(NUM_SHAPES))
    write_split(trees, "Chair", "train", shapes, CHAIR)
    sources = prepare.find_sources(trees, "Chair", "train")
    for name in ("points", "tfrecords", "shards", "sgpn"):
        jobs = prepare.plan(name, sources, root / name)
        for job in jobs:
            record_checksums(prepare.run_job(job))
        prepare.finish(jobs)
    shutil.copytree(trees, root / "masks")
    shutil.rmtree(trees / "ins_seg_h5_for_detection")
    shutil.copytree(trees, root / "sgpn", dirs_exist_ok=True)
    for name in ("ins_seg_h5", "masks", "sgpn"):
        seal_category(root / name, "Chair")
    return {name: root / name for name in SOURCES}


def read(root, source):
    """All shapes of the split."""
    return list(read_shapes(root, "Chair", "train", CHAIR, source=source))


def same(found, wanted):
    """Whether two lists of shapes are equal in every number and name."""
    return len(found) == len(wanted) and all(
        one[3:] == other[3:] and all(map(np.array_equal, one[:3], other[:3])) for one, other in zip(found, wanted)
    )


def damage_bytes(data: bytes, rng: random.Random) -> bytes:
    """Changes the bytes of a file in one of five ways."""
    data = bytearray(data)
    size = rng.randrange(1, max(2, len(data) // 3))
    first, second = sorted(rng.randrange(len(data) - size + 1) for _ in range(2))
    kind = rng.choice(("bit", "bytes", "cut", "swap", "zeros"))
    if kind == "bit":
        data[first] ^= 1 << rng.randrange(8)
    elif kind == "bytes":
        data[first : first + 8] = rng.randbytes(len(data[first : first + 8]))
    elif kind == "cut":
        del data[first:]
    elif kind == "swap" and second >= first + size:
        one, other = data[first : first + size], data[second : second + size]
        data[first : first + size], data[second : second + size] = other, one
    else:
        data[first : first + size] = bytes(size)
    return bytes(data)


def damage_json(path: Path, rng: random.Random) -> None:
    """Puts something else in the place of one value of a JSON file, or nests or repeats it."""
    content = json.loads(path.read_text())
    places = [(content, key) for key in (content if isinstance(content, dict) else range(len(content)))]
    for holder, key in places:
        inner = holder[key]
        if isinstance(inner, dict | list):
            places += [(inner, key) for key in (inner if isinstance(inner, dict) else range(len(inner)))]
    holder, key = rng.choice(places)
    kind = rng.choice(("value", "gone", "deep", "twice"))
    if kind == "gone":
        del holder[key]
    else:
        holder[key] = {"value": rng.choice(ODD_VALUES), "deep": "@deep", "twice": "@twice"}[kind]
    text = json.dumps(content).replace('"@deep"', "[" * 100_000 + "]" * 100_000)
    path.write_text(text.replace('"@twice"', '{"a": 1, "a": 2}'))


def damage_h5(path: Path, outside: Path, rng: random.Random) -> None:
    """Makes a dataset of an HDF5 file of another kind, leads it elsewhere, or gives it odd values."""
    kind = rng.choice(H5_DAMAGES)
    with h5py.File(path, "r+") as file:
        name = rng.choice(sorted(file))
        values = file[name][...]
        if kind == "value":
            odd = rng.choice((np.nan, np.inf, 1e38, -1e38, 3, 0) if values.dtype.kind == "f" else (77, 1))
            values.reshape(-1)[rng.randrange(values.size) :: rng.choice((1, 7, values.size))] = odd
        del file[name]
        if kind == "dtype":
            file.create_dataset(name, values.shape, np.dtype(rng.choice(ODD_DTYPES)))
        elif kind == "shape":
            file[name] = rng.choice((values[:-1], values[..., :-1], values[0], values[:, :0]))
        elif kind == "value":
            file[name] = values
        elif kind == "unwritten":
            chunks = rng.choice((None, (1, *values.shape[1:])))
            file.create_dataset(name, values.shape, values.dtype, chunks=chunks, fillvalue=rng.choice((0, 1)))
        elif kind == "external":
            file[name] = h5py.ExternalLink(rng.choice((str(outside), "gone.h5", path.name)), name)
        elif kind == "soft":
            file[name] = h5py.SoftLink(rng.choice(("/gone", f"/{name}", "/", "pts")))
        elif kind == "virtual":
            layout = h5py.VirtualLayout(values.shape, values.dtype)
            source = rng.choice((str(outside), "gone.h5", path.name, "."))
            layout[...] = h5py.VirtualSource(source, name, values.shape)
            file.create_virtual_dataset(name, layout)
        elif kind == "storage":
            file.create_dataset(name, values.shape, values.dtype, external=[(str(outside), 0, values.nbytes)])
        elif kind == "group":
            file.create_group(name)


def damage_file(path: Path, outside: Path, rng: random.Random) -> None:
    """Damages a file in one of the ways that its kind has."""
    kinds = {".h5": damage_h5, ".json": damage_json}
    if path.suffix in kinds and path.name != "checksums.json" and rng.random() < 0.5:
        rest = (outside, rng) if path.suffix == ".h5" else (rng,)
        kinds[path.suffix](path, *rest)
    elif rng.random() < 0.05:
        path.unlink()
        path.mkdir() if rng.random() < 0.5 else path.symlink_to(path)
    else:
        path.write_bytes(damage_bytes(path.read_bytes(), rng))


def restore(root: Path, good: Path) -> None:
    """Makes `root` a copy of `good` again."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(good, root)


def run_case(root: Path, source: str, wanted: list, sealed: bool) -> str:
    """Reads and checks a damaged copy; returns "refused", "same" or "other". Raises AssertionError for bad errors."""
    check = CategoryCheck(root, CHAIR)
    check.run()
    for problem in check.problems:
        line = f"{problem.file}: {problem.row}: {problem.text}"
        assert "\n" not in line and len(line) < 3000, line[:3000]
    try:
        found = read(root, source)
    except ValueError as error:
        message = str(error)
        assert str(root) in message and "\n" not in message and len(message) < 3000, message[:3000]
        return "refused"
    if same(found, wanted):
        return "same"
    assert not sealed, "other arrays, and not a word"
    return "other"


def run_cases(good: Path, source: str, cases: int, seed: int, sealed: bool) -> Counter:
    """Damages a copy of a format's folder in many ways, each on its own; returns how often it ended how.

    Args:
        sealed: keep the checksums, which must find all damage; else remove them.
    """
    rng = random.Random(f"{source} {seed} {sealed}")
    wanted = read(good, source)
    ends = Counter()
    with tempfile.TemporaryDirectory() as folder:
        base, root, outside = Path(folder) / "base", Path(folder) / "copy", Path(folder) / "outside.h5"
        shutil.copytree(good, base, ignore=None if sealed else shutil.ignore_patterns("checksums.json"))
        files = sorted(path.relative_to(base) for path in base.rglob("*") if path.is_file())
        for case in range(cases):
            restore(root, base)
            path = root / rng.choice(files)
            shutil.copy(next(base.rglob("train-*.h5"), base / files[0]), outside)
            damage_file(path, outside, rng)
            try:
                ends[run_case(root, source, wanted, sealed)] += 1
            except Exception as error:
                raise AssertionError(f"{source} sealed={sealed} seed={seed} case={case}: {path}") from error
            if case % 100 == 0:
                check_command_line(root)
    return ends


def check_command_line(root: Path) -> None:
    """tools/check_dataset.py on a damaged copy: exit code 0 or 1, and no traceback."""
    command = [sys.executable, HOME / "tools" / "check_dataset.py", root]
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr[-3000:]


def in_a_process(good: Path, source: str, cases: int, seed: int, sealed: bool) -> str:
    """Runs the cases of a format in a process of its own. Raises AssertionError if it fails, or dies."""
    arguments = [f"--cases={cases}", f"--seed={seed}", f"--source={source}", f"--good={good}"]
    command = [sys.executable, __file__, *arguments, *(["--sealed"] if sealed else [])]
    environment = {**os.environ, "PYTHONPATH": str(HOME), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stderr[-5000:]}"
    return done.stdout.strip()


def main() -> None:
    """Runs the campaign, or the cases of one format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--cases", type=int, default=200, help="damaged copies of each format, with and without checksums"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", choices=SOURCES, help="this format alone, in this process")
    parser.add_argument("--good", type=Path, help="folder of the format's good files, for --source")
    parser.add_argument("--sealed", action="store_true", help="keep the checksums, for --source")
    flags = parser.parse_args()
    if flags.source:
        ends = run_cases(flags.good, flags.source, flags.cases, flags.seed, flags.sealed)
        print(", ".join(f"{ends[end]} {end}" for end in ("refused", "same", "other")))
        return
    with tempfile.TemporaryDirectory() as folder:
        for source, good in make_good(Path(folder)).items():
            for sealed in (True, False):
                ends = in_a_process(good, source, flags.cases, flags.seed, sealed)
                print(f"{source:10} {'with' if sealed else 'without':7} checksums: {ends}", flush=True)


if __name__ == "__main__":
    main()

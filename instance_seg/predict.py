"""Segments point clouds and meshes of your own with a trained network.

    python -m instance_seg.predict --input=chair.ply --output=OUT_DIR [--category=Chair | Rooms]
    python -m instance_seg.predict --run=RUN_DIR --input=FOLDER --input=more.obj --output=OUT_DIR

Data set and system come from the checkpoint: a run's folder, a checkpoint prefix, or a folder of weights that
tools/export.py made. Of such a folder --numpy segments on the CPU without TensorFlow, which is the default where
TensorFlow is not installed, and for a few files on a machine without an NVIDIA card: TensorFlow takes longer to start
than they take, and finds the same.

Shapes are moved and scaled into the unit sphere as in training; rooms are taken in meters, with their colors, gray
where there are none, a mesh by its vertices. y points up: --up=z turns a cloud whose z does.
OUT_DIR, or for several files a folder in it for each, then holds, in the coordinates of the file,

    level_<k>.ply            the points, with the properties `semantic` and `instance` and a color for each instance
    mesh_level_<k>.ply, glb  of a mesh its own faces, in the color of the instance that most points on them are in
    parts.md, csv, json      the parts found
    picture.png, viewer.html pictures, flat and to turn
"""

import os
import pathlib
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags
from tqdm import tqdm

from instance_seg.data import DATA_SETS
from instance_seg.data.data_set import DataSet
from instance_seg.data.files.clouds.read import READERS, Sampled, check_source, read_cloud
from instance_seg.drawing.parts import uncertainty_note
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.prediction_files import is_output, write_prediction
from instance_seg.registry import load
from instance_seg.structures import UPRIGHT, Segmented
from instance_seg.training.checkpoint_files import described_config, find_checkpoints
from instance_seg.training.weights_folder import carried_weights

SHAPE, ROOMS = "Chair", "Rooms"  # whose weights are taken of a shape and of a room
ROOM_HEIGHT, ROOM_SIDES = (1.5, 6.0), (1.5, 25.0)  # meters; a room is longer than it is high
FEW = 20  # files that NumPy has segmented before TensorFlow has started

_RUN = flags.DEFINE_string(
    "run", None, "run folder, checkpoint prefix or folder of weights; default: those of --category"
)
_CATEGORY = flags.DEFINE_string(
    "category", None, f"whose weights, of those that come along; default: {ROOMS} for a room, else {SHAPE}"
)
_INPUT = flags.DEFINE_multi_string(
    "input", None, f"cloud, mesh, or folder of them; may be given again and again: {' '.join(READERS)}", required=True
)
flags.register_validator(  # `--input --output=DIR` takes the second flag for a file, and nothing is left for --output
    _INPUT,
    lambda paths: not any(path.startswith("--") for path in paths or ()),
    message="a file or folder must follow --input, not another flag",
)
_OUTPUT = flags.DEFINE_string("output", None, "folder for the results", required=True)
_UP = flags.DEFINE_enum("up", "y", ["x", "y", "z"], "axis of the input that points up; many scanners write z")
_NUM_POINTS = flags.DEFINE_integer(
    "num_points", None, "points sampled from a mesh; default: 10,000, of a room its vertices", 100, 10_000_000
)
_MAX_POINTS = flags.DEFINE_integer(
    "max_points",
    None,
    "points that the network sees, evenly drawn; others are labeled as the nearest; default: 100,000, of rooms 250,000",
    1000,
    10**9,
)
_MIN_POINTS = flags.DEFINE_integer("min_points", 1, "instances of fewer points are dropped", 1, 10**9)
_NUMPY = flags.DEFINE_bool(
    "numpy",
    None,
    f"compute without TensorFlow, on the CPU; wants a folder of weights of PartNet; default: for up to {FEW} files of "
    "such a folder where there is no NVIDIA card, and where TensorFlow is not installed",
)
_BANDWIDTH = flags.DEFINE_float("bandwidth", None, "radius of mean-shift's flat kernel; default: the run's")
_READING = flags.DEFINE_string(
    "reading",
    "",
    "how instances are read off: within classes, across them, or auto: across where classes are uncertain; or its name "
    "in results.json; default: auto, or within where a bandwidth or lambda is given",
)
_PUSH = flags.DEFINE_float("semantic_center_offset", None, "lambda of Eq. 7; default: the run's")
_COPIES = flags.DEFINE_integer(
    "test_copies", None, "copies of a shape that the network's outputs are averaged over, 1 to 8; default: the run's"
)


class Options(NamedTuple):
    """How files are segmented, but for the system's settings."""

    num_points: int | None = None  # None: as the data set has it
    max_points: int | None = None
    min_points: int = 1
    up: str = "y"
    numpy: bool | None = None  # None: where it is the quicker way, or the only one


def find_sources(inputs: Sequence[str], output: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """The files to segment, with the folder for the results of each.

    Raises:
        ValueError: a file does not exist or is of no known kind, or a folder holds none.
    """
    sources = []
    for each in map(pathlib.Path, inputs):
        found = [each]
        if each.is_dir():  # hidden files are other programs' notes, such as those that macOS leaves as ._chair.ply
            found = sorted(p for p in each.iterdir() if p.suffix.lower() in READERS and not p.name.startswith("."))
        if not found:
            raise ValueError(f"{each}: holds no file of a known kind, which are {', '.join(READERS)}")
        sources += map(check_source, found)
    sources = list(dict.fromkeys(sources))
    if len(inputs) == 1 and sources == [pathlib.Path(inputs[0])]:
        return {sources[0]: output}
    stems, names = Counter(p.stem for p in sources), Counter(p.name for p in sources)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"--input: {twice[0]} is the name of several files, whose results would have one folder")
    return {p: output / (p.stem if stems[p.stem] == 1 else p.name) for p in sources}


def check_output(folder: pathlib.Path) -> None:
    """Raises ValueError unless files can be written to the folder, which need not exist; leaves nothing behind."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise ValueError(f"--output={folder}: {nearest} is a file, want a folder")
    try:
        folder.exists()  # raises if the name is too long
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise ValueError(f"--output={folder}: {nearest} cannot be written to ({error.strerror})") from error


def likely_category(source: pathlib.Path, up: str) -> str:
    """ROOMS if a file measures what a room does in meters, else SHAPE, also for one that cannot be read."""
    try:
        points = read_cloud(source, 1000, most=1000).points
    except ValueError:
        return SHAPE
    *sides, height = np.ptp(points @ UPRIGHT[up].T, axis=0)[[0, 2, 1]]
    is_room = ROOM_HEIGHT[0] <= height <= min(ROOM_HEIGHT[1], max(sides))
    return ROOMS if is_room and all(ROOM_SIDES[0] <= side <= ROOM_SIDES[1] for side in sides) else SHAPE


def data_set_of(checkpoint: str, settings: Mapping[str, Any]) -> type[DataSet]:
    """What a run was trained on.

    Raises ValueError unless the name is a checkpoint's, or that of a folder with one, that can have the settings.
    """
    find_checkpoints(checkpoint, "--run")
    config = described_config(checkpoint, settings)
    return load(DATA_SETS, "data_set", config.data_set)


def predict(
    checkpoint: str,
    inputs: Sequence[str],
    output: pathlib.Path,
    options: Options,
    settings: Mapping[str, Any] | None = None,
    reading: str = "",
) -> None:
    """Reads, segments, writes; what is cheap to find wrong is found first. A damaged file does not stop the others.

    Args:
        settings: of the system, in place of those the run had: {"bandwidth": 0.05}.
        reading: of segmenter.CloudSegmenter.

    Raises:
        ValueError: names the file or flag that is wrong; of several files, how many could not be segmented.
    """
    sources, segment, failed = find_sources(inputs, output), None, 0
    for source, folder in sources.items():
        check_output(folder)
        if is_output(source, folder):
            raise ValueError(f"--output={folder}: has {source.name}, the input, which would be written over")
    data_set = data_set_of(checkpoint, settings or {})
    num_points = data_set.mesh_points if options.num_points is None else options.num_points
    numpy = _takes_numpy(checkpoint, settings or {}, len(sources)) if options.numpy is None else options.numpy
    options = options._replace(max_points=options.max_points or data_set.most_points)
    several = len(sources) > 1
    # None: on a terminal alone, since the bar of a single file tells those who wait, and a log nothing.
    bar = tqdm(sources.items(), unit="file", leave=several, disable=False if several else None, dynamic_ncols=True)
    for source, folder in bar:
        cloud = None
        bar.set_description("reading")
        try:
            cloud = read_cloud(source, num_points, most=options.max_points)
            bar.set_description("segmenting")
            segment = segment or _load_segmenter(checkpoint, settings or {}, reading, numpy)
            levels = _segmented(source, cloud, segment, options)
        except ValueError as error:
            if len(sources) == 1 or (cloud and not segment):  # the network or the reading is wrong, for all files alike
                raise
            bar.write(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        if note := uncertainty_note(segment.task, levels):
            bar.write(f"{source}: {note}. Or does another axis than {options.up} point up (--up)?")
        if not any(len(found.proposals.label) for found in levels):
            bar.write(f"{source}: no parts were found")
        bar.set_description("writing")
        write_prediction(folder, source.name, cloud, segment.task, levels, options.up, data_set.picture)
    if failed:
        raise ValueError(f"{failed} of {len(sources)} files could not be read; the others are segmented")


def _takes_numpy(checkpoint: str, settings: Mapping[str, Any], num_files: int) -> bool:
    """Whether NumPy computes where the user has not said so."""
    # Not importlib.util.find_spec: a look through all finders would spend the one that keeps TensorFlow quiet.
    if PathFinder.find_spec("tensorflow") is None:
        return True
    if num_files > FEW or shutil.which("nvidia-smi"):
        return False
    from instance_seg.portable import obstacle

    return not obstacle(checkpoint, settings)


def _load_segmenter(checkpoint: str, settings: Mapping[str, Any], reading: str, numpy: bool) -> Any:
    if numpy:
        from instance_seg.portable import PortableSegmenter

        return PortableSegmenter(checkpoint, settings, reading)
    # TensorFlow takes ten seconds to load, which the errors before need not wait for.
    from instance_seg.segmenter import CloudSegmenter

    return CloudSegmenter(checkpoint, settings, reading)


def _segmented(source: pathlib.Path, cloud: Sampled, segment: Any, options: Options) -> list[Segmented]:
    """All levels of the points that are seen. ValueError, naming the file, if it can be no cloud of the data set."""
    turn = UPRIGHT[options.up].T
    try:
        levels = segment(cloud.points[cloud.seen] @ turn, np.float32(cloud.normals @ turn), cloud.colors)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    count = np.bincount(cloud.like)  # of points that are like each one seen
    kept = []
    for found in levels:
        size = np.diff(np.concatenate([[0], np.cumsum(count[found.proposals.points])])[found.proposals.row_splits])
        large = np.flatnonzero(size >= options.min_points)
        kept.append(found._replace(proposals=found.proposals.chosen(large)))
    return kept


@ending_at_signals("stopped; the same command starts again")
def main(argv: Sequence[str]) -> None:
    """Segments what the flags name."""
    refuse_arguments(argv, "give a folder, or --input= for each file")  # as `--input *.ply` has them
    given = {flag.name: flag.value for flag in (_BANDWIDTH, _PUSH, _COPIES) if flag.value is not None}
    options = Options(_NUM_POINTS.value, _MAX_POINTS.value, _MIN_POINTS.value, _UP.value, _NUMPY.value)
    try:
        if _RUN.value and _CATEGORY.value:
            raise ValueError("--category is for the weights that come along; a --run has its own")
        output = pathlib.Path(_OUTPUT.value)
        run, sources = _RUN.value, find_sources(_INPUT.value, output)
        if not run:
            first = next(iter(sources))
            category = _CATEGORY.value or likely_category(first, options.up)
            run = carried_weights(category)
            is_guess = category == ROOMS and not _CATEGORY.value
            why = f", as {first.name} has the size of a room in meters" if is_guess else ""
            print(f"weights: {run}{why}; --category or --run takes others")
        predict(run, _INPUT.value, output, options, given, _READING.value)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    where = output if output in sources.values() else output / "<name>"
    print(
        f"{where}: level_<k>.ply, of a mesh mesh_level_<k>.ply and .glb, parts.md, .csv and .json, picture.png, "
        "viewer.html"
    )


if __name__ == "__main__":
    app.run(main)

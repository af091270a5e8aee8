"""Segments a point cloud or mesh of your own with a trained network.

    python -m instance_seg.predict --run=RUN_DIR --input=chair.ply --output=OUT_DIR

Data set and system come from the checkpoint (a run's folder or a checkpoint prefix). The points are moved and scaled
into the unit sphere as in training, where y points up: --up=z turns a cloud whose z does. OUT_DIR then holds
level_<k>.ply in the coordinates of the file with the properties `semantic` and `instance` and a color for each
instance, parts.md with the parts found, and picture.png.
"""

import os
import pathlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from absl import app, flags

from instance_seg.config import make_config
from instance_seg.data.bounding_sphere import in_unit_box
from instance_seg.data.files.clouds.read import READERS, check_source, read_cloud
from instance_seg.drawing.pictures import render_panel, write_png
from instance_seg.drawing.ply import write_labels
from instance_seg.interrupt import ending_at_signals
from instance_seg.structures import Segmented, Task
from instance_seg.tables import capitalized, markdown, write_text
from instance_seg.training.checkpoint_files import described_config, find_checkpoints

_RUN = flags.DEFINE_string("run", None, "run folder or checkpoint prefix", required=True)
_INPUT = flags.DEFINE_string("input", None, f"cloud or mesh: {' '.join(READERS)}", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "folder for the results", required=True)
_UP = flags.DEFINE_enum("up", "y", ["x", "y", "z"], "axis of the input that points up; many scanners write z")
_NUM_POINTS = flags.DEFINE_integer("num_points", 10_000, "points sampled from a mesh", 100, 10_000_000)
_BANDWIDTH = flags.DEFINE_float("bandwidth", None, "radius of mean-shift's flat kernel; default: the run's")
_PUSH = flags.DEFINE_float("semantic_center_offset", None, "lambda of Eq. 7; default: the run's")

# Rotations that take the axis which points up to y; columns are where x, y and z go.
UPRIGHT = {
    "x": np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "y": np.eye(3),
    "z": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


def parts_table(task: Task, levels: Sequence[Segmented]) -> str:
    """Every part found, level by level."""
    rows = []
    for k in task.scored:
        level, found = task.levels[k], levels[k].proposals
        rows += [
            [capitalized(level.name), i, level.classes[c], n] for i, (c, n) in enumerate(zip(found.label, found.size))
        ]
    return markdown(["Level", "Instance", "Part", "Points"], rows, num_names=1)


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


def check_run(checkpoint: str, settings: Mapping[str, Any]) -> None:
    """Raises ValueError unless the name is a checkpoint's, or that of a folder with one, that can have the settings."""
    try:
        find_checkpoints(checkpoint)
    except ValueError as error:
        raise ValueError(
            f"--run={checkpoint}: neither a checkpoint (PREFIX of PREFIX.index) nor a folder with one"
        ) from error
    make_config(described_config(checkpoint).flat() | dict(settings))


def predict(
    checkpoint: str,
    source: str,
    output: pathlib.Path,
    num_points: int,
    settings: Mapping[str, Any] | None = None,
    up: str = "y",
) -> None:
    """Reads, segments, writes; what is cheap to find wrong is found first.

    Args:
        settings: of the system, in place of those the run had: {"bandwidth": 0.05}.

    Raises:
        ValueError: names the file or flag that is wrong.
    """
    check_source(source)
    check_output(output)
    check_run(checkpoint, settings or {})
    points, normals = read_cloud(source, num_points)
    turn = UPRIGHT[up].T

    # TensorFlow takes ten seconds to load, which the errors above need not wait for.
    from instance_seg.experiment import segment_cloud

    directions = np.float32(normals @ turn)
    task, levels = segment_cloud(points @ turn, directions, checkpoint, settings or {})
    shape, columns = in_unit_box(points) @ turn, []
    for k in task.scored:
        level, instance = task.levels[k], levels[k].proposals.instance(len(points))
        write_labels(output / f"level_{level.number}.ply", points, levels[k].semantic, instance)
        columns.append((capitalized(level.name), shape, instance, directions))
    write_text(output / "parts.md", parts_table(task, levels) + "\n")
    write_png(output / "picture.png", render_panel(columns))


@ending_at_signals("stopped; the same command starts again")
def main(_) -> None:
    """Segments what the flags name."""
    try:
        given = {flag.name: flag.value for flag in (_BANDWIDTH, _PUSH) if flag.value is not None}
        predict(_RUN.value, _INPUT.value, pathlib.Path(_OUTPUT.value), _NUM_POINTS.value, given, _UP.value)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    print(f"{_OUTPUT.value}: level_<k>.ply, parts.md, picture.png")


if __name__ == "__main__":
    app.run(main)

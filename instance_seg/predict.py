"""Segments a point cloud or mesh of your own with a trained network.

    python -m instance_seg.predict --run=RUN_DIR --input=chair.ply --output=OUT_DIR

Category and network come from the checkpoint (a run's folder or a checkpoint prefix). The points are moved and scaled
into the unit sphere as in training; y points up. OUT_DIR then holds level_<k>.ply with the properties `semantic` and
`instance` and a color for each instance, parts.md with the parts found, and picture.png.
"""

import dataclasses
import pathlib
import sys

import numpy as np
from absl import app, flags
from plyfile import PlyData, PlyElement

from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import segment_levels
from instance_seg.config import Config, make_config
from instance_seg.data.cloud_file import read_cloud
from instance_seg.data.dataset import PartNetDataset, prepare_stored
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.data.stored_shape import StoredLevel, StoredShape
from instance_seg.data.taxonomy import Taxonomy, load_taxonomy
from instance_seg.files import replacing
from instance_seg.interrupt import ending_at_signals
from instance_seg.metrics.matching import find_instances
from instance_seg.report.pictures import colors_for, render_panel, write_png
from instance_seg.report.table import level_name, markdown, write_text
from instance_seg.training.checkpoint_files import read_description
from instance_seg.training.experiment import octree_config, restore_network
from instance_seg.training.segment import Predictor

_RUN = flags.DEFINE_string("run", None, "run folder or checkpoint prefix", required=True)
_INPUT = flags.DEFINE_string("input", None, "PLY, OBJ, STL, OFF, GLB, NPZ or text file", required=True)
_OUTPUT = flags.DEFINE_string("output", None, "folder for the results", required=True)
_NUM_POINTS = flags.DEFINE_integer("num_points", 10_000, "points sampled from a mesh", lower_bound=100)
_BANDWIDTH = flags.DEFINE_float("bandwidth", ClusterConfig.bandwidth, "radius of mean-shift's flat kernel")
_PUSH = flags.DEFINE_float("semantic_center_offset", ClusterConfig.semantic_center_offset, "lambda of Eq. 7")


def segment_cloud(points: np.ndarray, normals: np.ndarray, checkpoint: str, cluster: ClusterConfig):
    """Segments one cloud.

    Args:
        points, normals: [N, 3] float32, any position and scale, y up.
        checkpoint: run folder or checkpoint prefix.

    Returns:
        the taxonomy, and for every level the network has: level index -> (semantic [N] int32, instance [N] int32).
    """
    config, taxonomy = described_run(checkpoint)
    network = restore_network(config, taxonomy, checkpoint)
    nothing = StoredLevel(np.zeros(len(points), np.int32), np.full(len(points), -1, np.int32))
    shape = prepare_stored(StoredShape(points, normals, (nothing,) * len(taxonomy.levels), "", ""), taxonomy)
    batches = evaluation_dataset(PartNetDataset(taxonomy.category, "test", (shape,)), 1, octree_config(config))
    levels = Predictor(network, batches.element_spec)(next(iter(batches)))[0]
    chosen = [levels[k].points for k in taxonomy.real_levels]
    instances = segment_levels(chosen, cluster)
    return taxonomy, {k: (p.semantic, ids) for k, p, ids in zip(taxonomy.real_levels, chosen, instances)}


def described_run(checkpoint: str) -> tuple[Config, Taxonomy]:
    """Settings and taxonomy of the network a checkpoint belongs to."""
    description = read_description(checkpoint)
    taxonomy = load_taxonomy(description["category"])
    level = description.get("level", 0)
    config = make_config(description["network"])
    data = dataclasses.replace(config.data, category=taxonomy.category, level=level)
    return dataclasses.replace(config, data=data), taxonomy.only(level - 1) if level else taxonomy


def write_labels(path: pathlib.Path, points: np.ndarray, semantic: np.ndarray, instance: np.ndarray) -> None:
    """A PLY with properties x y z red green blue semantic instance."""
    rows = np.empty(
        len(points),
        [
            *((c, "f4") for c in "xyz"),
            *((c, "u1") for c in ("red", "green", "blue")),
            ("semantic", "i4"),
            ("instance", "i4"),
        ],
    )
    for axis, name in enumerate("xyz"):
        rows[name] = points[:, axis]
    for channel, name in enumerate(("red", "green", "blue")):
        rows[name] = np.round(255 * colors_for(instance)[:, channel])
    rows["semantic"], rows["instance"] = semantic, instance
    with replacing(path) as temporary:
        PlyData([PlyElement.describe(rows, "vertex")]).write(str(temporary))


def parts_table(taxonomy: Taxonomy, levels) -> str:
    """Every part found, level by level."""
    rows = []
    for k, (semantic, instance) in levels.items():
        names = taxonomy.levels[k].names
        found = find_instances(instance, semantic, len(names))
        rows += [[level_name(k), i, names[c], n] for i, c, n in zip(found.ids, found.label, found.size)]
    return markdown(["Level", "Instance", "Part", "Points"], rows, num_names=1)


def predict(checkpoint: str, source: str, output: pathlib.Path, num_points: int, cluster: ClusterConfig) -> None:
    """Reads, segments, writes."""
    points, normals = read_cloud(source, num_points)
    taxonomy, levels = segment_cloud(points, normals, checkpoint, cluster)
    for k, (semantic, instance) in levels.items():
        write_labels(output / f"level_{k + 1}.ply", points, semantic, instance)
    write_text(output / "parts.md", parts_table(taxonomy, levels) + "\n")
    columns = [(level_name(k), points, instance, normals) for k, (_, instance) in levels.items()]
    write_png(output / "picture.png", render_panel(columns))


@ending_at_signals("stopped; the same command starts again")
def main(_) -> None:
    cluster = ClusterConfig(bandwidth=_BANDWIDTH.value, semantic_center_offset=_PUSH.value)
    try:
        predict(_RUN.value, _INPUT.value, pathlib.Path(_OUTPUT.value), _NUM_POINTS.value, cluster)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"{_OUTPUT.value}: level_<k>.ply, parts.md, picture.png")


if __name__ == "__main__":
    app.run(main)

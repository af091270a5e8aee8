"""Makes of a trained network what others can use: weights to give away, and a SavedModel.

    python tools/export.py --run=RUN --output=DIR [--half] [--saved_model]

DIR then holds `weights.safetensors`, `network.yaml` and what instance_seg.calibrate has kept of the run; `predict
--run=DIR` takes it as it takes a run. With --saved_model also

    saved_model/   points [N, 3] of one cloud, y up, of any place and size, and their normals [N, 3] -> a dict of arrays
    load.py        loads it: `from load import network; network(points, normals)` needs TensorFlow and nothing else
    lib*.so        the octree operations, for the TensorFlow they were built for
"""

import pathlib
import shutil
import sys

from absl import app, flags

import instance_seg  # noqa: F401  # isort: skip  # before TensorFlow, whose notes it turns off
import tensorflow as tf

import ocnn_tf_ops
from instance_seg.building import build_system, make_data_set
from instance_seg.clustering import across, by_class
from instance_seg.data.partnet.dataset import RADIUS_MARGIN
from instance_seg.flags import refuse_arguments
from instance_seg.structures import Points
from instance_seg.systems.offset_system import OffsetSystem
from instance_seg.training.checkpoint import Checkpoints, describe_system
from instance_seg.training.checkpoint_files import checkpoint_folder, described_config, find_checkpoints
from instance_seg.training.optimizers import make_optimizer
from instance_seg.training.weights_folder import write_weights_folder

LIBRARIES = ("libocnn_kernels.so", "libocnn_tf_ops.so")
LOADER = """import pathlib

import tensorflow as tf

FOLDER = pathlib.Path(__file__).resolve().parent
tf.load_op_library(str(FOLDER / "libocnn_tf_ops.so"))
network = tf.saved_model.load(str(FOLDER / "saved_model"))
"""
MOST_STEPS, GAP = 10_000, 1e-9  # of the search for the sphere: at most so many, until so near (relative, squared)

FLAGS = flags.FLAGS


def in_unit_sphere(points: tf.Tensor) -> tf.Tensor:
    """Points [N, 3] float32, moved and scaled so that their smallest enclosing sphere is the unit sphere.

    The center is the mean of the points with weights u, in the end of those on the sphere; each step moves weight to
    the farthest point, or away from the nearest one that has any (Yildirim, Two algorithms for the minimum enclosing
    ball problem, 2008). It is the sphere of `data.bounding_sphere` to GAP, in operations that a SavedModel can hold.
    """
    low, high = tf.reduce_min(points, axis=0), tf.reduce_max(points, axis=0)
    p = tf.cast((points - (low + high) / 2) / tf.reduce_max(high - low), tf.float64)
    norms = tf.reduce_sum(p * p, axis=1)

    def squared(center):
        return tf.reduce_sum((p - center) ** 2, axis=1)

    def gaps(u, center):
        """How far beyond the sphere the farthest point is, and how far inside the nearest one with weight."""
        distance, radius = squared(center), tf.tensordot(u, norms, 1) - tf.tensordot(center, center, 1)
        far = tf.argmax(distance)
        near = tf.argmin(tf.where(u > 0, distance, tf.constant(float("inf"), tf.float64)))
        return far, distance[far] / radius - 1, near, 1 - distance[near] / radius

    def step(u, center):
        far, beyond, near, inside = gaps(u, center)
        weight = u[near]
        back = -tf.minimum(inside / (2 * (1 - inside)), weight / (1 - weight))
        chosen, length = tf.cond(beyond >= inside, lambda: (far, beyond / (2 * (1 + beyond))), lambda: (near, back))
        moved = tf.tensor_scatter_nd_add((1 - length) * u, [[chosen]], [length])
        return tf.maximum(moved, 0.0), (1 - length) * center + length * p[chosen]

    def goes_on(u, center):
        _, beyond, _, inside = gaps(u, center)
        return tf.maximum(beyond, inside) > GAP

    first = tf.argmax(squared(p[0]))
    second = tf.argmax(squared(p[first]))
    u = tf.tensor_scatter_nd_add(tf.zeros_like(norms), [[first], [second]], tf.constant([0.5, 0.5], tf.float64))
    u, center = tf.while_loop(goes_on, step, [u, (p[first] + p[second]) / 2], maximum_iterations=MOST_STEPS)
    radius = tf.sqrt(tf.reduce_max(squared(center)))
    return tf.cast((p - center) / (radius + RADIUS_MARGIN), tf.float32)


def as_module(system: OffsetSystem) -> tf.Module:
    """A system that says class and two offsets of each point, as a function of the points and normals of one cloud.

    It gives {"level_1/semantic": [N] int32, ".../instance_offset", ".../region_offset": [N, 3], ".../certainty": [N],
    ".../probabilities": [N, S]}, and so on for each level that is scored, and "xyz", the points in the unit sphere, of
    whose radius all lengths are.
    """

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)] * 2)
    def labels(points, normals):
        xyz = in_unit_sphere(points)
        cloud = Points(xyz, normals, tf.stack([0, tf.shape(points)[0]]))
        found = {"xyz": xyz}
        levels = system.readout(system.infer(cloud, system.tables(cloud, cloud)))
        for k in system.task.scored:
            prefix = f"level_{system.task.levels[k].number}"
            found |= {f"{prefix}/{name}": value for name, value in levels[k]._asdict().items()}
        return found

    module = tf.Module()  # has the variables and not the layers, each of which Keras would try to trace alone
    module.weights, module.__call__ = [v.value for v in system.variables], labels
    return module


def export(run: str, output: pathlib.Path, half: bool, saved_model: bool) -> None:
    """Writes the files.

    Raises:
        ValueError: the run cannot be read, or its system cannot be a SavedModel.
    """
    find_checkpoints(run, "--run")
    config = described_config(run)
    task = make_data_set(config).task()
    system = build_system(config, task)
    if saved_model and (task.dataset != "partnet" or not isinstance(system, OffsetSystem)):
        raise ValueError(f"--saved_model: of {config.system} on {task.dataset} there is no SavedModel; leave it out")
    description = describe_system(config, task)
    checkpoints = Checkpoints(output, system, make_optimizer(config.schedule, []), description)
    progress = checkpoints.restore_weights(run)
    output.mkdir(parents=True, exist_ok=True)
    if saved_model:
        tf.saved_model.save(as_module(system), str(output / "saved_model"))
        for name in LIBRARIES:
            shutil.copy2(pathlib.Path(ocnn_tf_ops.__file__).parent / name, output)
        (output / "load.py").write_text(LOADER)
    weights = {name: value.numpy() for name, value in checkpoints.weights.items()}
    trained = {"iterations": progress.step, "seconds": round(progress.seconds, 1)}
    for name in (across.FILE_NAME, by_class.FILE_NAME):
        if (measured := checkpoint_folder(run) / name).exists():
            shutil.copy2(measured, output)
        else:  # one of an earlier export to the same place is of other weights
            (output / name).unlink(missing_ok=True)
    write_weights_folder(output, weights, description | {"trained": trained}, half)


def main(argv: list[str]) -> None:
    """Exports what the flags name."""
    refuse_arguments(argv)
    try:
        export(FLAGS.run, pathlib.Path(FLAGS.output), FLAGS.half, FLAGS.saved_model)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    print(f"{FLAGS.output}: {', '.join(sorted(path.name for path in pathlib.Path(FLAGS.output).iterdir()))}")


flags.DEFINE_string("run", None, "run folder, checkpoint prefix or folder of weights", required=True)
flags.DEFINE_string("output", None, "folder to make", required=True)
flags.DEFINE_bool("half", False, "keep weights in half precision")
flags.DEFINE_bool("saved_model", False, "also write a SavedModel, the operations and what loads them")

if __name__ == "__main__":
    app.run(main)

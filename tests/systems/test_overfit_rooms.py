"""Systems that propose instances learn a procedural room by heart: what is in it, and each thing for itself.

The voxels are about as wide as the vertices are apart, as on ScanNet. In wider ones a voxel holds vertices of several
things, and in as many steps the network does not tell a sink from the cabinet below it.
"""

import functools
import math

import keras
import pytest
import tensorflow as tf

from instance_seg.data.batches import Split, evaluation_batch
from instance_seg.data.pipeline import build_batch
from instance_seg.data.scannet.scannet import ScanNet
from instance_seg.initializers import SPCONV
from instance_seg.metrics.scannet import ScanNetAP
from instance_seg.nesting import make_settings
from instance_seg.procedural.rooms import make_room
from instance_seg.procedural.rooms.scannet_files import write_label_table, write_lists, write_scan
from instance_seg.structures import Labels
from instance_seg.systems.hais import Hais
from instance_seg.systems.pointgroup import PointGroup
from instance_seg.training.optimizers import Adam
from instance_seg.training.step import Step

pytestmark = pytest.mark.slow
RATE = 0.02
SMALL = {"voxel_edge": 0.06, "sparse_channels": (16, 32, 48, 64), "sparse_blocks": 1, "head_width": 16}
SMALL |= {"group_radius": 0.12, "grid_scale": 12.0}
CASES = {
    PointGroup: {"prepare_iter": 60, "group_min_points": 20},
    Hais: {"prepare_iter": 45, "filter_iter": 75, "class_points": (), "class_radius": ()},
}
STEPS = {PointGroup: 130, Hais: 100}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A split of one room of 5,598 vertices 8 cm apart, and the task."""
    root = tmp_path_factory.mktemp("rooms")
    write_scan(root, "train", "scene0000_00", make_room(0, 1, spacing=0.08, scale=0.5, kind="bathroom"))
    write_label_table(root)
    write_lists(root, {"train": ["scene0000_00"], "val": [], "test": []})
    data_set = ScanNet(ScanNet.Settings())
    return data_set.split(str(root), "train"), data_set.task()


def train(system, batch, steps):
    """The rate falls along half a cosine. Returns the terms of the loss after the last step."""
    step, updates = Step(system, Adam([v.value for v in system.trainable_variables])), {}
    for i in range(steps):
        phase = system.phase(i)
        if phase not in updates:
            updates[phase] = tf.function(functools.partial(step.update, batch, phase=phase))
        terms, _ = updates[phase](tf.constant(RATE * 0.5 * (1 + math.cos(math.pi * i / steps)), tf.float32))
    return {name: float(value) for name, value in terms.items()}


@pytest.mark.parametrize("fusion", ["none", "own"])
@pytest.mark.parametrize("kind", CASES)
def test_a_system_learns_a_room_by_heart(kind, fusion, room):
    clouds, task = room
    keras.utils.set_random_seed(0)
    system = kind(make_settings(kind.Settings, SMALL | CASES[kind] | {"fusion": fusion}), task, SPCONV)
    batch = build_batch(tf.nest.map_structure(tf.constant, evaluation_batch(Split(clouds, task), 0, 1)), system.tables)
    system(batch.points, batch.tables, training=False)
    system.calibrate(clouds)
    terms = train(system, batch, STEPS[kind])
    found = tf.function(lambda: system.readout(system(batch.points, batch.tables, training=False)))()
    found, points, (labels,) = tf.nest.map_structure(lambda x: x.numpy(), (found, batch.points, batch.labels))
    (reading,) = system.readings(system.settings).values()
    ((segmented,),) = system.segment(found, points, reading)
    metric = ScanNetAP(task.levels[0])
    metric.add(Labels(*labels), segmented)
    measured = metric.result()
    things = {name: each["instances"] for name, each in measured["per_class"].items() if each["instances"]}
    assert things == dict.fromkeys(["cabinet", "door", "shower curtain", "toilet", "sink", "bathtub"], 1)
    assert measured["AP50"] > 90, (terms, measured["per_class"])

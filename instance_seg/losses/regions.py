"""What mean-shift sees of predicted classes, for losses that teach a clustering (modes.py): points of each in a shape.

R: regions. Everything is computed in the graph, and the offsets get its gradient.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.components import splits_to_ids
from instance_seg.structures import Labels, Level, LevelReadout, Points, Tensor

NUM_POINTS, NUM_INSTANCES = 256, 12  # of a region; the largest instances
_SHORTEST = 1e-3  # shorter differences of the offsets fade: a direction has no gradient at 0


class Regions(NamedTuple):
    """The points of one predicted class in one shape each, padded, in random order."""

    thing: Tensor  # [R] int32, place of the class in level.things
    center: Tensor  # [R, NUM_POINTS, 3] float32, p + O_I
    direction: Tensor  # [R, NUM_POINTS, 3] float32, of the push of Eq. 7: of length 1, or 0 where it has none
    instance: Tensor  # [R, NUM_POINTS] int32, true instance of that class; -1: of none, or of a small one
    valid: Tensor  # [R, NUM_POINTS] bool


def regions_of(readout: LevelReadout, labels: Labels, points: Points, level: Level) -> Regions:
    """The regions of a batch at a level that hold points of true instances of their class.

    Which points of a large region are chosen depends on nothing but their places in the batch.
    """
    num_things = len(level.things)
    num_regions = (tf.size(points.row_splits) - 1) * num_things
    places = np.full(len(level.classes), -1, np.int32)
    places[list(level.things)] = np.arange(num_things)
    thing = tf.gather(places, readout.semantic)
    region = tf.where(thing >= 0, splits_to_ids(points.row_splits) * num_things + thing, num_regions)
    is_true = (thing >= 0) & (labels.semantic == readout.semantic) & (labels.instance >= 0)
    truth, most = tf.where(is_true, labels.instance, -1), tf.maximum(tf.reduce_max(labels.instance) + 1, 1)
    cell = tf.where(is_true, region * most + truth, -1)  # a sum leaves out what is in none
    counts = tf.math.unsorted_segment_sum(tf.ones_like(cell), cell, num_regions * most)
    counts = tf.reshape(counts, [num_regions, most])
    kept = tf.cast(tf.where(tf.reduce_any(counts > 0, axis=1))[:, 0], tf.int32)
    size, largest = tf.math.top_k(tf.gather(counts, kept), tf.minimum(most, NUM_INSTANCES))

    rows = _random_rows(region, kept, num_regions)
    at, valid = tf.maximum(rows, 0), rows >= 0
    same = (tf.gather(truth, at)[..., None] == largest[:, None]) & (size > 0)[:, None]
    rank = tf.argmax(tf.cast(same, tf.int32), axis=2, output_type=tf.int32)
    instance = tf.where(tf.reduce_any(same, axis=2) & valid, rank, -1)
    apart = readout.instance_offset - readout.region_offset
    direction = tf.math.l2_normalize(apart, axis=1, epsilon=_SHORTEST**2)
    vectors = points.xyz + readout.instance_offset, direction
    center, direction = (tf.where(valid[..., None], tf.gather(x, at), 0.0) for x in vectors)
    return Regions(kept % num_things, center, direction, instance, valid)


def _random_rows(region: tf.Tensor, kept: tf.Tensor, num_regions: tf.Tensor) -> tf.Tensor:
    """[R, NUM_POINTS] int32, points of the regions `kept` [R] in random order; -1: there are no more."""
    places = tf.scatter_nd(kept[:, None], 1 + tf.range(tf.size(kept)), [num_regions + 1]) - 1
    order = tf.argsort(tf.random.stateless_uniform(tf.shape(region), [0, 0]))
    place = tf.gather(places, tf.gather(region, order))  # -1 outside of them
    by_place = tf.argsort(place, stable=True)
    rows, place = tf.gather(order, by_place), tf.gather(place, by_place)
    rows, place = (tf.boolean_mask(x, place >= 0) for x in (rows, place))
    found = tf.RaggedTensor.from_value_rowids(rows, place, tf.size(kept), validate=False)
    return found.to_tensor(-1, shape=[None, NUM_POINTS])

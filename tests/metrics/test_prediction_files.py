"""Predictions written to PartNet's files and read back are measured as the shapes they came from."""

import numpy as np
import pytest
from metrics.reference_metrics import official_instances, part_aps, shape_ap
from partitions import Partition, measured

from instance_seg.clustering.partition import find_instances
from instance_seg.data.partnet.formats.predictions_h5 import PredictionWriter, proposals_to_masks, read_predictions
from instance_seg.metrics.partnet import MaskShape, evaluate_official

NAMES = ("other", "a", "b", "c")


def random_shape(rng, unlabeled):
    """400 points, instances of about 40, of which the prediction confuses some."""
    gt_instance = rng.integers(0, 10, 400)
    gt_semantic = rng.integers(1, len(NAMES), 10)[gt_instance]
    instance = np.where(rng.random(400) < 0.2, rng.integers(0, 12, 400), gt_instance // rng.integers(1, 3))
    semantic = rng.integers(0, len(NAMES), 12)[instance]
    semantic = np.where(instance % 3 > 0, gt_semantic, semantic)
    blank = rng.random(400) < unlabeled
    gt_semantic, gt_instance = np.where(blank, 0, gt_semantic), np.where(blank, -1, gt_instance)
    return Partition(gt_semantic, gt_instance, semantic, instance, rng.random(400).astype(np.float32))


def through_files(folder, shapes):
    """The shapes as PartNet's script sees them: predictions from files, ground truth as masks."""
    with PredictionWriter(folder, shapes_per_file=3) as writer:
        for shape in shapes:
            writer.append(proposals_to_masks(shape.segmented().proposals, len(shape.semantic)))
    for shape, predicted in zip(shapes, read_predictions(folder, num_labels=len(NAMES) - 1), strict=True):
        gt = find_instances(shape.gt_instance, shape.gt_semantic, len(NAMES))
        gt_mask = gt.index == np.flatnonzero(gt.ids >= 0)[:, None]
        labels = gt.label[gt.ids >= 0] - 1
        valid = np.ones(len(labels), bool)
        yield MaskShape(*predicted, gt_mask=gt_mask, gt_label=labels, gt_valid=valid, gt_other=shape.gt_semantic == 0)


def test_both_variants_agree_where_every_point_is_labeled(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [random_shape(rng, unlabeled=0.0) for _ in range(8)]
    official = evaluate_official(through_files(tmp_path, shapes), NAMES)
    own = measured(shapes, NAMES)
    assert official[:4] == pytest.approx(own[:4], abs=1e-9)
    assert 5 < own.AP50 < 95  # the case is neither trivial nor hopeless


def test_official_variant_from_files_equals_the_plain_implementation(tmp_path):
    rng = np.random.default_rng(1)
    shapes = list(through_files(tmp_path, [random_shape(rng, unlabeled=0.2) for _ in range(8)]))
    metrics = evaluate_official(shapes, NAMES)
    instances = [official_instances(shape) for shape in shapes]
    expected = part_aps(instances, len(NAMES), 0.5)
    assert metrics.AP50 == pytest.approx(np.mean([ap for ap, _ in expected.values()]), abs=1e-6)
    assert metrics.sAP50 == pytest.approx(shape_ap(instances), abs=1e-6)

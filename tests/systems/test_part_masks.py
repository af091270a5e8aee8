"""Detection by segmentation as a system."""

import numpy as np
import pytest
from systems import overfit

from instance_seg.nesting import make_settings
from instance_seg.systems.comparison.part_masks import PartMasks


@pytest.fixture(scope="module")
def system():
    return overfit.make(PartMasks, num_masks=8)


def test_every_point_is_shared_out_among_masks_and_other(system):
    outputs, (points, _) = overfit.readout(system)
    assert outputs.logits.shape == (len(points.xyz), 3) and outputs.masks.shape == (len(points.xyz), 9)
    np.testing.assert_allclose(outputs.masks.sum(axis=1), 1, rtol=1e-5)
    assert outputs.confidence.shape == (4, 8) and 0 < outputs.confidence.min() <= outputs.confidence.max() < 1


def test_shapes_do_not_see_each_other(system):
    together, (points, _) = overfit.readout(system)
    first = points.row_splits[1]
    alone = system(
        points._replace(xyz=points.xyz[:first], features=points.features[:first], row_splits=points.row_splits[:2]), ()
    )
    np.testing.assert_allclose(alone.masks, together.masks[:first], atol=1e-5)
    np.testing.assert_allclose(alone.confidence[0], together.confidence[0], atol=1e-5)


def test_several_levels_are_refused():
    task = overfit.TASK._replace(levels=overfit.TASK.levels * 2)
    with pytest.raises(ValueError, match="one network per level"):
        PartMasks(make_settings(PartMasks.Settings, overfit.TINY), task)


def test_another_backbone_is_refused():
    with pytest.raises(ValueError, match="part masks need pointnet2"):
        make_settings(PartMasks.Settings, {"backbone": "octree_unet"})


@pytest.mark.slow
def test_four_shapes_are_learned(system):
    losses = overfit.train(system, 800)  # moving statistics need that many
    assert losses[-1] < losses[0] - 2
    assert overfit.average_precision(system) > 90

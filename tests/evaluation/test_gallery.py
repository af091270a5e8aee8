"""Which clouds of an evaluation are shown."""

import numpy as np
import pytest
from viewer.small_scene import TASK, chair

from instance_seg.evaluation.gallery import Gallery
from instance_seg.structures import Labels


class Shown:
    """A segmentation as an evaluation keeps it."""

    def __init__(self, segmented):
        self.segmented = segmented


def sample(share):
    """A cloud of which a share of the points is right, at every level."""
    made, levels = chair("a"), {}
    for name, (truth, ((_, segmented, _),)) in made.levels.items():
        semantic, instance = np.maximum(truth.semantic, 1), np.zeros(500, np.int32)
        found = semantic.copy()
        found[round(share * 500) :] += 1
        proposals = segmented.proposals._replace(
            points=np.arange(500), row_splits=np.array([0, 500]), label=np.array([1]), score=np.ones(1)
        )
        kept = [Shown(segmented._replace(semantic=found, proposals=proposals))]
        levels[name] = Labels(semantic, instance), kept
    return made.xyz, made.normals, levels


class Sample(tuple):
    """As evaluate.Sample, without TensorFlow."""

    levels = property(lambda self: self[2])


def shown(shares):
    gallery = Gallery(TASK)
    for share in shares:
        gallery.add(Sample(sample(share)))
    return gallery, [shape.title for shape in gallery.shapes()]


def test_best_middle_and_worst():
    _, titles = shown([0.5, 0.2, 0.9, 0.6, 0.1])
    assert titles == ["best: number 3, 90% right", "middle: number 1, 50% right", "worst: number 5, 10% right"]


@pytest.mark.parametrize("shares, names", [([], []), ([0.5], ["best"]), ([0.5, 0.7], ["best", "worst"])])
def test_few_clouds(shares, names):
    assert [title.partition(":")[0] for title in shown(shares)[1]] == names


def test_memory_is_bounded_and_the_extremes_are_exact():
    shares = np.random.default_rng(0).permutation(100) / 100
    gallery, (best, middle, worst) = shown(shares)
    assert len(gallery._samples) <= 18
    assert best.startswith(f"best: number {shares.argmax() + 1},")
    assert worst.startswith(f"worst: number {shares.argmin() + 1},")
    assert 0.35 < float(middle.split()[-2].rstrip("%")) / 100 < 0.65


def test_clouds_without_ground_truth_are_left_out():
    nothing = Sample(sample(0.5))
    for truth, _ in nothing.levels.values():
        truth.semantic[:] = 0
    gallery = Gallery(TASK)
    gallery.add(nothing)
    assert gallery.shapes() == []
    gallery.add(Sample(sample(0.4)))
    assert [shape.title for shape in gallery.shapes()] == ["best: number 2, 40% right"]

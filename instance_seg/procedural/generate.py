"""Shapes by category, seed and index."""

import zlib

import numpy as np

from instance_seg.data.partnet.shape import LabeledShape
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.data.partnet.taxonomy import check_category
from instance_seg.procedural.assemble import plaques, to_shape
from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars import GRAMMARS
from instance_seg.procedural.grammars.sturdy import STURDY
from instance_seg.procedural.nodes import node


def available_categories() -> tuple[str, ...]:
    """The categories that have a grammar, in alphabetic order."""
    return tuple(GRAMMARS)


def generate_shape(category: str, seed: int, index: int, num_points: int = 10000, sturdy: float = 0.0) -> LabeledShape:
    """Makes one shape; the same arguments give the same shape, any other index or seed another one.

    Args:
        seed: of the whole set, >= 0.
        index: of the shape in the set, >= 0.
        num_points: points drawn, uniform by area.
        sturdy: share of shapes of the styles in grammars.sturdy, of a category that has them.

    Raises:
        ValueError: unknown category, a negative seed or index, or no point wanted.
    """
    check_category(category)
    if min(seed, index) < 0 or num_points < 1:
        raise ValueError(f"seed {seed}, index {index}, num_points {num_points}: expected >= 0, >= 0 and >= 1")
    draw = Draw(np.random.default_rng([zlib.crc32(category.encode()), seed, index]))
    is_sturdy = sturdy > 0 and category in STURDY and draw.chance(sturdy)
    root = (STURDY if is_sturdy else GRAMMARS)[category](draw)
    if draw.chance(0.5):
        root = node(root.name, root.children, plaques(root, draw.rng, draw.between(0.002, 0.03), draw.count(1, 5)))
    return to_shape(root, draw.rng, num_points, ShapeId(f"procedural-{category}-{seed}-{index}", str(index)))

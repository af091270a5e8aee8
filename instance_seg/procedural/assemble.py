"""From a part tree to a labeled point cloud as PartNet stores it."""

import itertools
from collections.abc import Iterator

import numpy as np

from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.procedural.frames import along
from instance_seg.procedural.nodes import Node, leaf
from instance_seg.procedural.solids import disc, moved
from instance_seg.procedural.surfaces import Sample

UNLISTED = "other_leaf"  # PartNet's name of a part that no level lists


def leaves(root: Node) -> Iterator[Node]:
    """The leaf parts of a tree, depth first."""
    if not root.children:
        yield root
    for child in root.children:
        yield from leaves(child)


def sample_surfaces(parts: list[Node], rng: np.random.Generator, num_points: int) -> tuple[Sample, np.ndarray]:
    """Draws points over the surfaces of leaf parts, uniform by area.

    Returns:
        points [num_points, 3] and normals [num_points, 3], float64; index of each point's part [num_points] int.
    """
    surfaces = [surface for part in parts for surface in part.surfaces]
    owner = np.repeat(np.arange(len(parts)), [len(part.surfaces) for part in parts])
    areas = np.array([surface.area for surface in surfaces])
    counts = rng.multinomial(num_points, areas / areas.sum())
    samples = [surface.sample(rng, count) for surface, count in zip(surfaces, counts) if count]
    points, normals = (np.concatenate(arrays) for arrays in zip(*samples))
    return (points, normals), np.repeat(owner, counts)


def plaques(root: Node, rng: np.random.Generator, share: float, count: int) -> list[Node]:
    """Small round plates (badges, screw heads, price tags) on the surface, parts that no level lists.

    Args:
        share: area of all `count` plates, their undersides included, in parts of the shape's own area.
    """
    parts = list(leaves(root))
    (points, normals), _ = sample_surfaces(parts, rng, count)
    area = sum(surface.area for part in parts for surface in part.surfaces)
    radius = np.sqrt(share * area / (count * 2.6 * np.pi))  # a disc of height 0.3 r has the area 2.6 pi r^2
    plate = disc((0.0, 0.0, 0.0), radius, 0.3 * radius)
    return [leaf(UNLISTED, moved(plate, along(p, p + n))) for p, n in zip(points, normals)]


def list_parts(root: Node, leaf_ids: Iterator[int], present: set[int], prefix: str = "") -> list[Part]:
    """Every node of the tree that has points, parents before their children, with the leaf labels below it.

    Args:
        leaf_ids: labels for the leaves, consumed depth first.
        present: the labels that occur on points; other leaves, and nodes left without any, are not listed.
    """
    name = prefix + root.name
    if not root.children:
        label = next(leaf_ids)
        return [Part(name, (label,))] if label in present else []
    below = [list_parts(child, leaf_ids, present, name + "/") for child in root.children]
    owned = tuple(label for parts in below if parts for label in parts[0].leaf_ids)
    return [Part(name, owned)] + [part for parts in below for part in parts] if owned else []


def normalize(points: np.ndarray) -> np.ndarray:
    """Points with the middle of their bounding box at the origin and the largest norm 1, float32."""
    points = points - 0.5 * (points.min(axis=0) + points.max(axis=0))
    return (points / np.sqrt(np.square(points).sum(axis=1).max())).astype(np.float32)


def to_shape(root: Node, rng: np.random.Generator, num_points: int, name: ShapeId) -> LabeledShape:
    """Samples a part tree. Leaf labels are 1, 2, ... in the order of `leaves`; rows are in random order."""
    (points, normals), owner = sample_surfaces(list(leaves(root)), rng, num_points)
    order = rng.permutation(num_points)
    leaf_label = (owner[order] + 1).astype(np.int32)
    parts = list_parts(root, itertools.count(1), set(np.unique(leaf_label).tolist()))
    points, normals = normalize(points[order]), normals[order].astype(np.float32)
    return LabeledShape(points, normals, leaf_label, tuple(parts), name)

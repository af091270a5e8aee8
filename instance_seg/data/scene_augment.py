"""Random variation of a scene in meters, z up, as PointGroup varies it: a linear motion, colors, distortion, a crop.

The elastic distortion changes only where the tables of a backbone see the points, and so the voxel a point falls in.
Coordinates, offsets and losses stay those of the undistorted scene.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates, uniform_filter1d

from instance_seg.data.augment import Motion, Variation
from instance_seg.options import LARGEST_COUNT, Settings, option, shown
from instance_seg.structures import Cloud


@dataclass(frozen=True)
class SceneAugmentConfig(Settings):
    """Defaults: PointGroup's, in meters; its voxels have an edge of 2 cm."""

    augment: bool = option(True, "vary training scenes at random")
    test_augment: bool = option(
        True, "flip and turn the scenes of an evaluation, too, each in its own way, which the seed decides"
    )
    jitter: float = option(0.1, "standard deviation of the entries of the matrix that moves a scene", low=0, high=1)
    color_noise: float = option(0.1, "standard deviation of the shift of all colors of a scene", low=0, high=10)
    gray: float = option(
        0.0, "ours: share of training scenes whose points are all gray, as of a scan without colors", low=0, high=1
    )
    elastic_size: tuple[float, ...] = option(
        (0.12, 0.4), "elastic distortions, one after the other: half the distance of their nodes, m", above=0, high=100
    )
    elastic_strength: tuple[float, ...] = option(
        (0.8, 3.2), "how far they move the nodes: factor on smoothed normal noise, m", low=0, high=100
    )
    crop_points: int = option(250_000, "a training scene of more points is cropped", low=1, high=LARGEST_COUNT)
    crop_edge: float = option(10.24, "edge of the first window of the crop, m", above=0, high=1000)
    crop_step: float = option(
        0.64, "the window shrinks by this in x and y while too many points are in it, m", above=0, high=100
    )

    shuffle_points: bool = option(False, "points of a training scene in random order, which decides among groups")

    def __post_init__(self):
        super().__post_init__()
        if len(self.elastic_size) != len(self.elastic_strength):
            raise ValueError(
                f"elastic_strength={shown(self.elastic_strength)}: want a number for each of "
                f"elastic_size={shown(self.elastic_size)}"
            )

    def vary(self, cloud: Cloud, rng: np.random.Generator) -> Variation:
        """Draws how a training scene differs from the stored one; its features are taken for colors."""
        motion = flip_and_turn(rng, self.jitter)
        shift = rng.normal(0, self.color_noise, cloud.features.shape[1]).astype(np.float32)
        moved = motion.move(cloud.xyz).astype(np.float64)
        for size, strength in zip(self.elastic_size, self.elastic_strength):
            moved += elastic(moved, size, strength, rng)
        rows = self.crop(moved, rng)
        if self.shuffle_points:
            rows = rng.permutation(rows)
        if self.gray and rng.uniform() < self.gray:
            shift, cloud = np.zeros_like(shift), cloud._replace(features=np.zeros_like(cloud.features))
        return Variation(motion, rows, shift, seen=moved[rows].astype(np.float32), cloud=cloud)

    def crop(self, xyz: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The rows of xyz [N, 3] in a random window that holds at most `crop_points`, and at least one.

        A window as small as its step that still holds too many gives a random part of them.
        """
        rows = np.arange(len(xyz))
        xyz = xyz - xyz.min(axis=0)
        extent, edge = xyz.max(axis=0), np.full(3, self.crop_edge)
        while len(rows) > self.crop_points:
            corner = np.maximum(extent - edge, 0) * rng.uniform(size=3)
            rows = _inside(xyz, corner, edge)
            if not len(rows):  # a hole of the scene
                rows = _inside(xyz, xyz[rng.integers(len(xyz))] - edge / 2, edge)
            if edge[0] <= self.crop_step:
                return np.sort(rng.choice(rows, min(len(rows), self.crop_points), replace=False))
            edge[:2] -= self.crop_step
        return rows


def _inside(xyz: np.ndarray, corner: np.ndarray, edge: np.ndarray) -> np.ndarray:
    return np.flatnonzero(((xyz >= corner) & (xyz < corner + edge)).all(axis=1))


def flip_and_turn(rng: np.random.Generator, jitter: float = 0.0) -> Motion:
    """(I + jitter) with x flipped by half a chance, then turned about z by any angle.

    Rows are points: p' = p M, as in the released programs.
    """
    matrix = np.eye(3) + jitter * rng.normal(size=(3, 3))
    flip = np.diag([2.0 * rng.integers(2) - 1, 1.0, 1.0])
    angle = 2 * np.pi * rng.uniform()
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    return Motion((flip @ turn).T, (flip @ matrix @ turn).T, np.zeros(3))


def elastic(xyz: np.ndarray, size: float, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth random displacements [N, 3] float64 of points: noise at nodes 2 `size` apart, interpolated linearly.

    The noise is normal, and smoothed by two rounds of means over three nodes along each axis, 0 beyond the last.
    """
    nodes = (np.abs(xyz).max(axis=0) // size).astype(int) + 3
    noise = rng.normal(size=(*nodes, 3)).astype(np.float32)
    for axis in (0, 1, 2, 0, 1, 2):
        noise = uniform_filter1d(noise, 3, axis=axis, mode="constant")
    places = (xyz / size + nodes - 1).T / 2  # node 0 lies at -(nodes - 1) size
    moves = [map_coordinates(channel, places, np.float64, order=1) for channel in np.moveaxis(noise, 3, 0)]
    return strength * np.stack(moves, axis=1)

"""Random rotation, scale and translation of a training shape (paper, Section 4.1); warps and poor scans (ours)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from instance_seg.data.bounding_sphere import bounding_sphere
from instance_seg.data.warp import random_warp
from instance_seg.options import Settings, option
from instance_seg.structures import Cloud

ROT_MODES = ("uniform", "int", "normal")
ORDERS = ("released", "listed", "partnet")


@dataclass(frozen=True)
class AugmentConfig(Settings):
    """How training shapes are varied.

    rot_mode "int" draws whole degrees -d..d-1, as the released code does; "uniform" draws from (-d, d); "normal" draws
    from a normal distribution of deviation d / 3, cut off at -d and d. augment_order "released" rotates, translates,
    then scales, so that the shift is scaled as well; "listed" scales, rotates, then translates, the order in which the
    paper's text names them; "partnet" translates, scales, then rotates. Jitter comes before all of them. PartNet's
    experiments have jitter 0.01, translation 0.1, scales 0.8 to 1.25 and normal angles up to 0.18 rad.

    Warps, noisy normals and uneven sampling are ours, and come before all others; the unit sphere is that of the warped
    shape.
    """

    augment: bool = option(True, "rotate, scale and translate training shapes at random")
    rotation_degrees: float = option(10.0, "largest angle about each axis, degrees", low=0, high=360)
    rot_mode: str = option(
        "uniform",
        "real-valued angles, whole degrees (released code), or normal: mostly small ones",
        ROT_MODES,
    )
    scale_min: float = option(0.75, "smallest scale", above=0, high=100)
    scale_max: float = option(1.25, "largest scale", above=0, high=100)
    translation: float = option(0.125, "largest shift along each axis, in radii of the shape", low=0, high=100)
    augment_crop: bool = option(True, "points that leave [-1, 1]^3 are dropped; off for clouds in meters")
    augment_order: str = option(
        "released", "released: the shift is scaled too; listed: it is not; partnet: it is scaled and rotated", ORDERS
    )
    jitter: float = option(0.0, "standard deviation of the noise on every coordinate of every point", low=0, high=1)
    jitter_clip: float = option(0.05, "largest noise on a coordinate", low=0, high=1)
    warp_scale: float = option(0.0, "largest logarithm of a scale of its own for each axis", low=0, high=2)
    warp_taper: float = option(0.0, "largest change of width from the middle to the top", low=0, below=1)
    warp_bend: float = option(0.0, "largest bend of the upright axis, in radii of the shape", low=0, high=1)
    normal_noise: float = option(0.0, "standard deviation of the noise on unit normals", low=0, high=1)
    uneven: float = option(0.0, "largest part of the points that one end of a shape lacks", low=0, below=1)

    def __post_init__(self):
        super().__post_init__()
        if self.rot_mode == "int" and self.rotation_degrees != int(self.rotation_degrees):
            raise ValueError(f"rot_mode 'int' wants whole rotation_degrees, got {self.rotation_degrees}")
        if self.scale_min > self.scale_max:
            raise ValueError(f"scale_min={self.scale_min}: want at most scale_max={self.scale_max}")

    def vary(self, cloud: Cloud, rng: np.random.Generator) -> "Variation":
        """Moves a cloud at random and drops what leaves [-1, 1]^3.

        A cloud that leaves the cube altogether is taken unmoved: a batch must not lose one.
        """
        noise = None
        if self.jitter:
            drawn_noise = rng.normal(0, self.jitter, cloud.xyz.shape)
            noise = np.clip(drawn_noise, -self.jitter_clip, self.jitter_clip).astype(np.float32)
        drawn, rows = random_motion(self, rng), np.arange(len(cloud.xyz))
        distorted = None
        if self.warp_scale or self.warp_taper or self.warp_bend or self.normal_noise:
            distorted = cloud = self._distorted(cloud, rng)
        if self.uneven:
            place = cloud.xyz @ unit_vector(rng) / 2 + 0.5  # from 0 to 1 along a random direction
            rows = np.flatnonzero(rng.random(len(rows)) >= rng.uniform(0, self.uneven) * place)
        xyz = cloud.xyz if noise is None else cloud.xyz + noise
        inside = rows[inside_cube(drawn.move(xyz[rows]))] if self.augment_crop else rows
        if not inside.size:
            drawn, inside = STILL, rows
        return Variation(drawn, inside, noise=noise, cloud=distorted)

    def _distorted(self, cloud: Cloud, rng: np.random.Generator) -> Cloud:
        """The cloud warped and in the unit sphere again, its normals, the first features, noisy."""
        warp = random_warp(self.warp_scale, self.warp_taper, self.warp_bend, rng)
        xyz, normals = warp.points(cloud.xyz), warp.normals(cloud.xyz, cloud.features[:, :3])
        normals += rng.normal(0, self.normal_noise, normals.shape)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        center, radius = bounding_sphere(xyz)
        features = np.hstack([normals, cloud.features[:, 3:]])
        return cloud._replace(xyz=np.float32((xyz - center) / radius), features=np.float32(features))


class Motion(NamedTuple):
    """p' = linear p + shift for positions, rotation n for normals."""

    rotation: np.ndarray  # [3, 3] float64, orthogonal
    linear: np.ndarray  # [3, 3] float64, the rotation times the scale
    shift: np.ndarray  # [3] float64

    def move(self, positions: np.ndarray) -> np.ndarray:
        """Positions [N, 3] float32 -> [N, 3] float32."""
        return positions @ self.linear.T.astype(np.float32) + self.shift.astype(np.float32)

    def turn(self, features: np.ndarray, directions: int = 1) -> np.ndarray:
        """Features [N, F] float32 whose first `directions` triples are vectors -> [N, F] float32."""
        turn = self.rotation.T.astype(np.float32)
        vectors = [features[:, 3 * i : 3 * i + 3] @ turn for i in range(directions)]
        return np.hstack([*vectors, features[:, 3 * directions :]])


STILL = Motion(np.eye(3), np.eye(3), np.zeros(3))


class Variation(NamedTuple):
    """How a cloud of a batch differs from the stored one."""

    motion: Motion
    rows: np.ndarray | slice  # the points that are kept
    shift: np.ndarray | float = 0.0  # [F] float32, added to the features
    noise: np.ndarray | None = None  # [N, 3] float32, added to the coordinates of all points before they move
    seen: np.ndarray | None = None  # [len(rows), 3] float32, where the tables see the kept points; None: where they are
    cloud: Cloud | None = None  # takes the place of the stored one; None: that


def random_motion(config: AugmentConfig, rng: np.random.Generator) -> Motion:
    """Draws the motion of one shape."""
    degrees = config.rotation_degrees
    if config.rot_mode == "int":
        angles = rng.integers(-int(degrees), int(degrees), size=3) if degrees else np.zeros(3)
    elif config.rot_mode == "normal":
        angles = np.clip(rng.normal(0, degrees / 3, size=3), -degrees, degrees)
    else:
        angles = rng.uniform(-degrees, degrees, size=3)
    scale = rng.uniform(config.scale_min, config.scale_max)
    translation = rng.uniform(-config.translation, config.translation, size=3)
    return motion(angles, scale, translation, config.augment_order)


def motion(degrees: np.ndarray, scale: float, translation: np.ndarray, order: str) -> Motion:
    """The motion of given angles about x, y, z (degrees), scale and translation; `order` as in AugmentConfig."""
    rotation = rotation_matrix(np.deg2rad(degrees))
    shift = np.asarray(translation, np.float64)
    if order == "partnet":
        return Motion(rotation, scale * rotation, scale * rotation @ shift)
    return Motion(rotation, scale * rotation, scale * shift if order == "released" else shift)


def rotation_matrix(radians: np.ndarray) -> np.ndarray:
    """Rz Rx Ry for angles about x, y, z; column vectors, positive angles turn clockwise as the axis points at you."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(radians), np.sin(radians)
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def unit_vector(rng: np.random.Generator) -> np.ndarray:
    """A random direction, [3] float64."""
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def inside_cube(points: np.ndarray) -> np.ndarray:
    """Which of points [N, 3] lie in [-1, 1]^3, faces included: [N] bool."""
    return np.abs(points).max(axis=1) <= 1

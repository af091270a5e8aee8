"""Random rotation, scale and translation of a training shape (paper, Section 4.1)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ROT_MODES = ("uniform", "int")
ORDERS = ("released", "listed")


@dataclass(frozen=True)
class AugmentConfig:
    """How training shapes are varied.

    Attributes:
        augment: False leaves them as they are.
        rotation_degrees: d; each angle lies in (-d, d).
        rot_mode: "uniform" draws real-valued angles; "int" draws whole degrees -d..d-1, as the released code does.
        scale_min, scale_max: range of the one factor for all axes.
        translation: t; each component of the shift lies in (-t, t), where the unit sphere has radius 1.
        augment_order: "released": rotate, translate, then scale, so the shift is scaled as well;
            "listed": scale, rotate, then translate, the order in which the paper's text names them.
    """

    augment: bool = True
    rotation_degrees: float = 10.0
    rot_mode: str = "uniform"
    scale_min: float = 0.75
    scale_max: float = 1.25
    translation: float = 0.125
    augment_order: str = "released"

    def __post_init__(self):
        if self.rot_mode not in ROT_MODES:
            raise ValueError(f"rot_mode is {self.rot_mode!r}, choose one of {', '.join(ROT_MODES)}")
        if self.augment_order not in ORDERS:
            raise ValueError(f"augment_order is {self.augment_order!r}, choose one of {', '.join(ORDERS)}")
        if self.rot_mode == "int" and self.rotation_degrees != int(self.rotation_degrees):
            raise ValueError(f"rot_mode 'int' wants whole rotation_degrees, got {self.rotation_degrees}")
        if self.rotation_degrees < 0 or self.translation < 0:
            raise ValueError("rotation_degrees and translation must not be negative")
        if not 0 < self.scale_min <= self.scale_max:
            raise ValueError(f"0 < scale_min <= scale_max is wanted, got {self.scale_min} and {self.scale_max}")


class Motion(NamedTuple):
    """p' = linear p + shift for positions, rotation n for normals."""

    rotation: np.ndarray  # [3, 3] float64, orthogonal
    linear: np.ndarray  # [3, 3] float64, the rotation times the scale
    shift: np.ndarray  # [3] float64

    def move(self, positions: np.ndarray) -> np.ndarray:
        """Positions [N, 3] float32 -> [N, 3] float32."""
        return positions @ self.linear.T.astype(np.float32) + self.shift.astype(np.float32)

    def turn(self, normals: np.ndarray) -> np.ndarray:
        """Normals [N, 3] float32 -> [N, 3] float32."""
        return normals @ self.rotation.T.astype(np.float32)


STILL = Motion(np.eye(3), np.eye(3), np.zeros(3))


def random_motion(config: AugmentConfig, rng: np.random.Generator) -> Motion:
    """Draws the motion of one shape."""
    degrees = config.rotation_degrees
    if config.rot_mode == "int":
        angles = rng.integers(-int(degrees), int(degrees), size=3) if degrees else np.zeros(3)
    else:
        angles = rng.uniform(-degrees, degrees, size=3)
    scale = rng.uniform(config.scale_min, config.scale_max)
    translation = rng.uniform(-config.translation, config.translation, size=3)
    return motion(angles, scale, translation, config.augment_order)


def motion(degrees: np.ndarray, scale: float, translation: np.ndarray, order: str) -> Motion:
    """The motion of given angles about x, y, z (degrees), scale and translation; `order` as in AugmentConfig."""
    rotation = rotation_matrix(np.deg2rad(degrees))
    shift = np.asarray(translation, np.float64)
    return Motion(rotation, scale * rotation, scale * shift if order == "released" else shift)


def rotation_matrix(radians: np.ndarray) -> np.ndarray:
    """Rz Rx Ry for angles about x, y, z; column vectors, positive angles turn clockwise as the axis points at you."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(radians), np.sin(radians)
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def inside_cube(points: np.ndarray) -> np.ndarray:
    """Which of points [N, 3] lie in [-1, 1]^3, faces included: [N] bool."""
    return np.abs(points).max(axis=1) <= 1

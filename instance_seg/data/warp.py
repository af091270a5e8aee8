"""Warps of a shape: scales along the axes, a taper and a bend, so that training sees proportions it has not (ours).

A point p becomes s p (each axis for itself), then (f p_x, p_y, f p_z) with f = 1 + taper * p_y, then its x and z move
by bend * p_y^2. Normals follow by the inverse transpose of the Jacobian.
"""

from typing import NamedTuple

import numpy as np


class Warp(NamedTuple):
    """A smooth map of space that keeps y upright and horizontal planes horizontal."""

    scale: np.ndarray  # [3] > 0
    taper: float  # smaller than 1 / (largest scaled |p_y|) in size, so that nothing folds over
    bend: np.ndarray  # [2], of x and of z

    def points(self, xyz: np.ndarray) -> np.ndarray:
        """Positions [N, 3] -> [N, 3] float64."""
        p = xyz * self.scale
        p[:, [0, 2]] = p[:, [0, 2]] * self._widening(p) + self.bend * p[:, [1]] ** 2
        return p

    def normals(self, xyz: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Normals [N, 3] at positions [N, 3] before the warp -> those after it, [N, 3] float64 of unit length.

        The Jacobian of taper and bend is [[f, u, 0], [0, 1, 0], [0, w, f]] with u, w the slopes of x and z along y.
        """
        p = xyz * self.scale
        n = normals / self.scale
        slopes = self.taper * p[:, [0, 2]] + 2 * self.bend * p[:, [1]]
        sideways = n[:, [0, 2]] / self._widening(p)
        turned = np.insert(sideways, 1, n[:, 1] - (slopes * sideways).sum(axis=1), axis=1)
        length = np.linalg.norm(turned, axis=1, keepdims=True)
        return turned / np.where(length > 0, length, 1)

    def _widening(self, scaled: np.ndarray) -> np.ndarray:
        return 1 + self.taper * scaled[:, [1]]


def random_warp(scale: float, taper: float, bend: float, rng: np.random.Generator) -> Warp:
    """Draws a warp.

    Args:
        scale: the largest logarithm of an axis' scale. Scales are relative to the largest of the three.
        taper: the largest taper, below 1.
        bend: the largest bend of either axis.
    """
    axes = np.exp(rng.uniform(-scale, scale, 3))
    return Warp(axes / axes.max(), rng.uniform(-taper, taper), rng.uniform(-bend, bend, 2))

"""What points and normals may be, whatever file they come from: complaints, not errors, so that all are found."""

from collections.abc import Iterator

import numpy as np

MAX_COORDINATE = 1e4  # PartNet's shapes have norms up to 1
NORMAL_TOLERANCE = 0.1  # how far from 1 the length of a normal may be


def point_complaints(points: np.ndarray) -> Iterator[str]:
    """What is wrong with points [N, 3]."""
    finite = np.isfinite(points).all(axis=1)
    if bad := int((~finite).sum()):
        yield f"NaN or infinite points ({bad} of {len(points)})"
    elif far := int((np.abs(points) > MAX_COORDINATE).any(axis=1).sum()):
        yield f"points beyond {MAX_COORDINATE:g} in some coordinate ({far} of {len(points)})"
    elif len(points) > 1 and (points == points[0]).all():
        yield f"{len(points)} points in one place"


def normal_complaints(normals: np.ndarray, missing: float = 0.0) -> Iterator[str]:
    """What is wrong with normals [N, 3].

    `missing`: share of the normals that may be too short, as those of faces without area are.
    """
    finite = np.isfinite(normals).all(axis=1)
    if bad := int((~finite).sum()):
        yield f"NaN or infinite normals ({bad} of {len(normals)})"
        return
    lengths = np.linalg.norm(normals.astype(np.float64), axis=1)
    short, long = lengths < 1 - NORMAL_TOLERANCE, lengths > 1 + NORMAL_TOLERANCE
    if long.any() or short.sum() > missing * len(normals):
        odd = lengths[short | long]
        yield f"normals whose length is not 1 ({len(odd)} of {len(normals)}, such as one of {odd[0]:.3g})"

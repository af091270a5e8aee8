"""Which columns of a table are coordinates, which are normals: by their names, or by what is in them."""

from collections.abc import Callable, Sequence

import numpy as np

from instance_seg.data.files.clouds.geometry import Cloud, UnreadableError, as_numbers, color_bytes
from instance_seg.data.files.clouds.normals import NEARLY_ALL, are_normals

POINT_NAMES = (("x", "y", "z"), ("points_x", "points_y", "points_z"), ("x_coordinate", "y_coordinate", "z_coordinate"))
NORMAL_NAMES = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"), ("normalx", "normaly", "normalz"))
COLOR_NAMES = (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"))
_FLAT = 0.01  # of the extent


def find_columns(names: Sequence[str], wanted: Sequence[tuple[str, ...]]) -> list[int] | None:
    """Positions of the first triple of names that is there whole; None if none is."""
    bare = (name.strip().strip("\"'#/%()[]").strip() for name in names)  # '//X', '"Normal X"'
    plain = [name.lower().replace(" ", "_") for name in bare]
    return next(([plain.index(n) for n in triple] for triple in wanted if set(triple) <= set(plain)), None)


def cloud_from_names(names: Sequence[str], column: Callable[[int], np.ndarray]) -> Cloud:
    """The cloud of a table whose columns have names, such as the vertices of a PLY.

    Args:
        column: position of a name -> its values [N].

    Raises:
        UnreadableError: there is no x, y and z.
    """
    points = find_columns(names, POINT_NAMES)
    if points is None:
        raise UnreadableError(f"no columns x, y and z; it has {', '.join(map(str, names)) or 'no columns'}")
    normals, colors = (find_columns(names, wanted) for wanted in (NORMAL_NAMES, COLOR_NAMES))
    stacked = [
        np.stack([as_numbers(column(i), f"column {names[i]}") for i in found], axis=1) if found else None
        for found in (points, normals)
    ]
    return Cloud(*stacked, color_bytes(np.stack([column(i) for i in colors], axis=1)) if colors else None)


def cloud_from_table(values: np.ndarray) -> Cloud:
    """The cloud of a table [N, C] without names: x y z first, then anything.

    Normals are the first three neighboring columns that hold unit vectors in nearly every row: behind the coordinates,
    or behind an intensity or colors. Raises UnreadableError if it has fewer than three columns or is the transpose of a
    cloud.
    """
    rows, columns = values.shape
    if rows == 3 and columns > 3:
        raise UnreadableError(f"3 rows of {columns} numbers: a transposed cloud? want one point in each row")
    if columns < 3:
        raise UnreadableError(f"{rows} rows of {columns} numbers; want x, y and z in each row")
    points = values[:, :3]
    windows = (values[:, first : first + 3] for first in range(3, columns - 2))
    return Cloud(points, next((w for w in windows if are_normals(w) and not _is_color(w, points)), None))


def _is_color(vectors: np.ndarray, points: np.ndarray) -> bool:
    """Colors may have length 1, too: shades of gray, or one color for all points, which is no plane's normal."""
    if (vectors == vectors[:, :1]).all(axis=1).mean() >= NEARLY_ALL:
        return True
    if (vectors == vectors[:1]).all(axis=1).mean() < NEARLY_ALL or not np.isfinite(points).all():
        return False
    along = (points - points.mean(axis=0)) @ np.median(vectors, axis=0)
    return np.ptp(along) > _FLAT * np.ptp(points, axis=0).max()

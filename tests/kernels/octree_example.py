"""A small octree worked out by hand: two shapes, depth 3, full depth 2.

Shape 0 has the points A, B (one octant) and C, shape 1 the points D and E.
"""

import numpy as np

DEPTH, FULL_DEPTH = 3, 2
XYZ = np.array([[-0.9, -0.9, -0.9], [-0.8, -0.95, -0.85], [0.3, 0.6, -0.2], [0.55, -0.7, 0.1], [0, 0, 0]], np.float32)
NORMALS = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0.6, 0.8], [-1, 0, 0]], np.float32)
ROW_SPLITS = np.array([0, 3, 5], np.int32)
SHAPE_1 = 1 << 48  # where the keys of the second shape begin

KEYS_3 = np.array(
    [*range(0, 8), *range(408, 416), *(SHAPE_1 + k for k in range(352, 360)), *(SHAPE_1 + k for k in range(448, 456))]
)
CHILDREN_2 = {0: 0, 51: 1, 108: 2, 120: 3}  # octant -> running number; the others are empty
CHILDREN_3 = {0: 0, 13: 1, 18: 2, 24: 3}
NEIGHBORS_0 = {13: 0, 14: 1, 16: 2, 17: 3, 22: 4, 23: 5, 25: 6, 26: 7}  # kernel cell -> octant, of octant 0
NEIGHBORS_13 = {3: 8, 4: 9, 6: 10, 7: 11, 12: 12, 13: 13, 15: 14, 16: 15}
FEATURES = {
    0: (0, 0.70710677, 0.70710677, -0.16329919),
    13: (1, 0, 0, -0.34641024),
    18: (0, 0.6, 0.8, -0.30022189),
    24: (-1, 0, 0, 0.57735002),
}
FEATURES_WITHOUT_NORMALS = {0: (0.1, -0.2, 0, 1.1547), 13: (-0.3, -0.1, -0.3, 1.1547)}

# Below: shape 0 alone, x[i] = i + 1 on its 16 finest octants.
X = np.arange(1, 17, dtype=np.float32)[:, None]
CONV = (788, 752, 680, 644, 464, 428, 356, 320, 2036, 1936, 1736, 1636, 1136, 1036, 836, 736)  # weights[k] = k
DOWNSAMPLE = {0: 168, 51: 392}  # weights[k] = k
MAX_POOL = {0: 8, 51: 16}
UPSAMPLE_INPUT = {0: 1, 51: 10}  # 777 at every empty octant
UPSAMPLE = (*range(1, 9), *range(10, 90, 10))  # weights[k] = k + 1
INTERPOLATED = (1.0, 2.3, 12.5)  # at A, B, C
INTERPOLATED_A_WRAP = 7.3


def dense(entries: dict, rows: int, empty: float, dtype=np.float32) -> np.ndarray:
    """[rows, ...] with `entries` filled in and `empty` elsewhere."""
    values = np.array(list(entries.values()), dtype)
    array = np.full((rows, *values.shape[1:]), empty, dtype)
    array[list(entries)] = values
    return array

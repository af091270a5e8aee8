"""Small rooms in S3DIS' raw layout: a floor, two walls, and boxes as chairs."""

import numpy as np


def write_object(path, points, color):
    rows = np.column_stack([points, np.broadcast_to(color, (len(points), 3))])
    np.savetxt(path, rows, fmt="%.3f %.3f %.3f %d %d %d")


def write_box(folder, size=2.0, chairs=3, seed=0):
    """A room of `size` x `size` x 1 meters with chairs in a row."""
    rng = np.random.default_rng(seed)
    annotations = folder / "Annotations"
    annotations.mkdir(parents=True, exist_ok=True)
    floor = rng.uniform(0, size, (800, 3)) * [1, 1, 0]
    write_object(annotations / "floor_1.txt", floor, [120, 100, 80])
    for i in range(2):
        wall = rng.uniform(0, size, (400, 3)) * [1, 0, 1 / size] + [0, i * size, 0]
        write_object(annotations / f"wall_{i + 1}.txt", wall, [230, 230, 220])
    for i in range(chairs):
        chair = rng.uniform(-0.15, 0.15, (300, 3)) + [0.3 + 0.5 * i, size / 2, 0.2]
        write_object(annotations / f"chair_{i + 1}.txt", chair, [200, 30, 30])


def write_area(root, area, num_rooms):
    for i in range(num_rooms):
        write_box(root / f"Area_{area}" / f"room_{i}", seed=[area, i])

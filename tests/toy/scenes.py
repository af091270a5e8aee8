"""Writes scenes of colored blobs: python -m toy.scenes FOLDER."""

import pathlib
import sys

import numpy as np


def write_scenes(folder):
    """Scenes of 3 to 5 blobs, 4 m apart and 1 m wide, somewhere in a field of 30 m."""
    for split, size in {"train": 4, "test": 3}.items():
        for i in range(size):
            rng = np.random.default_rng([i, size])
            count = rng.integers(3, 6)
            places = np.stack(np.meshgrid(range(5), range(5)), axis=-1).reshape(-1, 2)
            centers = 4.0 * rng.permutation(places)[:count] + 10
            blob = np.repeat(np.arange(count), 50)
            plane = centers[blob] + rng.uniform(-0.5, 0.5, (len(blob), 2))
            xyz = np.column_stack([plane, np.zeros(len(blob))]).astype(np.float32)
            np.savez(folder / f"{split}-{i}.npz", xyz=xyz, blob=blob, color=rng.integers(0, 3, count)[blob])


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    write_scenes(pathlib.Path(sys.argv[1]))

"""A small procedural data set in PartNet's layout, for tests and for the golden runs."""

from instance_seg.data.partnet.hdf5.paths import split_files
from instance_seg.data.partnet.hdf5.trees import TREE, read_file, write_split
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

SPLIT_SIZES = {"train": 6, "val": 2, "test": 3}


def read_split(root, category, split):
    """The shapes of a split of ins_seg_h5, in the order of their files."""
    return [shape for path in split_files(root, TREE, category, split) for shape in read_file(path)]


def write_small_partnet(root):
    """Writes 6 / 2 / 3 shapes of 400 points of Chair (three levels) and Scissors (one) into `root`, and returns it."""
    for category in ("Chair", "Scissors"):
        first = 0
        for split, size in SPLIT_SIZES.items():
            shapes = [generate_shape(category, 0, first + i, num_points=400) for i in range(size)]
            write_split(root, category, split, shapes, load_taxonomy(category))
            first += size
    return root

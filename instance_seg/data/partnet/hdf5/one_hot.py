"""PartNet's files for SGPN: a class and an instance of each point as rows of flags, and weights of the points.

    ins_seg_h5_for_sgpn/<Category>-<k>/<split>-NN.h5
        pts [B, N, 3], semseg_one_hot [B, N, C] bool, semseg_mask [B, N] float32, insseg_one_hot [B, N, 200] bool,
        insseg_mask [B, N] float32

Classes leave out "other", whose points have no flag and weight 0. Weights are inverse to how many points of the file
have the same class, and the same number of an instance. Instances are numbered as the masks of the split are.
"""

import os
from collections.abc import Iterator, Sequence

import numpy as np

from instance_seg.data.files.checked_h5 import Field, reject_rows, write_h5
from instance_seg.data.files.checksums import forget_checksums
from instance_seg.data.partnet.hdf5.masks import MAX_INSTANCES
from instance_seg.data.partnet.hdf5.paths import h5_path, level_folder, split_files
from instance_seg.data.partnet.rows import count_rows, read_rows, reject_values, strict
from instance_seg.data.partnet.shape import LabeledShape
from instance_seg.data.partnet.stored_shape import level_rows
from instance_seg.data.partnet.taxonomy import Taxonomy
from instance_seg.files import replacing
from instance_seg.structures import Labels

ONE_HOT_TREE = "ins_seg_h5_for_sgpn"


def write_one_hot(
    root: str | os.PathLike,
    category: str,
    split: str,
    index: int,
    shapes: Sequence[LabeledShape],
    taxonomy: Taxonomy,
) -> None:
    """Writes the `index`-th file of a split for each level that exists in the category."""
    for k in taxonomy.real_levels:
        level = taxonomy.levels[k]
        labels = [level_rows(shape, level, split) for shape in shapes]
        of_class = _weights([each.semantic - 1 for each in labels], level.num_classes - 1)
        of_instance = _weights([each.instance for each in labels], MAX_INSTANCES)
        rows = (
            {
                "pts": np.float32(shape.points),
                "semseg_one_hot": semantic[:, None] - 1 == np.arange(level.num_classes - 1),
                "semseg_mask": of_class[semantic - 1],
                "insseg_one_hot": instance[:, None] == np.arange(MAX_INSTANCES),
                "insseg_mask": of_instance[instance],
            }
            for shape, (semantic, instance) in zip(shapes, labels)
        )
        path = h5_path(root, ONE_HOT_TREE, level_folder(category, k), split, index)
        forget_checksums([path])
        with replacing(path) as temporary:
            write_h5(temporary, len(shapes), rows)


def read_one_hot(
    root: str | os.PathLike, category: str, level: int, split: str, taxonomy: Taxonomy
) -> Iterator[tuple[np.ndarray, Labels]]:
    """Points [N, 3] and labels of a level (0 = coarsest). ValueError naming file and row for what is amiss."""
    fields = {
        "pts": Field((None, None, 3), np.floating, written="rows"),
        "semseg_one_hot": Field((None, None, taxonomy.levels[level].num_classes - 1), np.bool_),
        "insseg_one_hot": Field((None, None, MAX_INSTANCES), np.bool_),
    }
    for path in split_files(root, ONE_HOT_TREE, level_folder(category, level), split):
        number = count_rows(path, fields, sealed=True)
        for first, (points, *flags) in strict(read_rows(path, fields, range(number))):
            reject_values(path, {"pts": points}, first)
            for name, each in zip(("semseg_one_hot", "insseg_one_hot"), flags):
                reject_rows(
                    path, np.count_nonzero(each, axis=2) > 1, f"has a point of several flags in {name!r}", first
                )
            semantic, instance = (
                np.where(each.any(axis=2), each.argmax(axis=2), -1).astype(np.int32) for each in flags
            )
            yield from zip(points.astype(np.float32), map(Labels, semantic + 1, instance))


def _weights(ids: Sequence[np.ndarray], number: int) -> np.ndarray:
    """[number + 1] float32: how many points have an id in all, over how many have each; 0 for -1, which comes last."""
    counts = np.sum([np.bincount(each[each >= 0], minlength=number) for each in ids], axis=0)
    weights = np.divide(counts.sum(), counts, out=np.zeros(number), where=counts > 0)
    return np.append(weights, 0.0).astype(np.float32)

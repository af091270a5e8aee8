"""Scores predictions in PartNet's own files, by this or any other program, with PartNet's official measure."""

import os
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from instance_seg.data.partnet.formats.predictions_h5 import read_predictions
from instance_seg.data.partnet.hdf5.masks import GT_TREE, read_masks
from instance_seg.data.partnet.taxonomy import LEVEL_NAMES, load_taxonomy
from instance_seg.evaluation.summary import arithmetic_note
from instance_seg.metrics.average_precision import PUBLISHED
from instance_seg.metrics.partnet import LevelMetrics, MaskShape, evaluate_official
from instance_seg.tables import capitalized, markdown, percent

_LEVEL_FOLDER = re.compile(r"(?P<category>\w+)-(?P<level>\d)")
_MEASURES = ("AP25", "AP50", "AP75", "sAP50")  # masks carry no label per point, hence no mIoU


def score_predictions(
    predictions: str | os.PathLike, ground_truth: str | os.PathLike, arithmetic: str = PUBLISHED
) -> dict[tuple[str, int], LevelMetrics]:
    """Measures every level that has predictions.

    Args:
        predictions: holds <Category>-<level>/test-NN.h5.
        ground_truth: PartNet's ins_seg_h5_gt, or the folder above it.
        arithmetic: of average precision, "float32" (published) or "float64".

    Returns:
        (category, level index from 0) -> measures in percent.

    Raises:
        ValueError: no predictions, no ground truth for them, another number of shapes or points; names the folder.
    """
    scores = {}
    for (category, level), folder in level_folders(Path(predictions)).items():
        pairs = level_pairs(folder, Path(ground_truth), category, level)
        scores[category, level] = evaluate_official(pairs, load_taxonomy(category).levels[level].names, arithmetic)
    return scores


def score_table(scores: dict[tuple[str, int], LevelMetrics], arithmetic: str = PUBLISHED) -> str:
    """The measures as a Markdown table, one row a level, and the arithmetic they were computed in."""
    rows = [
        [category, capitalized(LEVEL_NAMES[level]), *(percent(getattr(metrics, name)) for name in _MEASURES)]
        for (category, level), metrics in scores.items()
    ]
    return f"{markdown(['Category', 'Level', *_MEASURES], rows, num_names=2)}\n\n{arithmetic_note(arithmetic)}"


def level_folders(predictions: Path) -> dict[tuple[str, int], Path]:
    """The folders of prediction files by category and level, from 0. ValueError if there is none, or no such level."""
    found = {}
    for folder in sorted(predictions.iterdir()) if predictions.is_dir() else []:
        match = _LEVEL_FOLDER.fullmatch(folder.name)
        if match and folder.is_dir():
            category, level = match["category"], int(match["level"]) - 1
            if level not in load_taxonomy(category).real_levels:
                raise ValueError(f"{folder}: {category} has no level {level + 1} in PartNet")
            found[category, level] = folder
    if not found:
        raise ValueError(f"{predictions}: no folder <Category>-<level>, such as Chair-1, with prediction files in it")
    return found


def level_pairs(folder: Path, ground_truth: Path, category: str, level: int) -> Iterator[MaskShape]:
    """The predictions of a level beside the ground truth, shape by shape; arguments and errors as above."""
    root = ground_truth.parent if ground_truth.name == GT_TREE else ground_truth
    predictions = read_predictions(folder, num_labels=load_taxonomy(category).levels[level].num_classes - 1)
    for row, (predicted, gt) in enumerate(zip_longest(predictions, read_masks(root, category, level, "test"))):
        if predicted is None or gt is None:
            number = "more" if gt is None else "fewer"
            raise ValueError(f"{folder}: {number} shapes than the ground truth in {root}, which shows at row {row}")
        if predicted.mask.shape[1] != gt.masks.shape[1]:
            sizes = f"{predicted.mask.shape[1]} points, the ground truth {gt.masks.shape[1]}"
            raise ValueError(f"{folder}: the masks of row {row} have {sizes}")
        yield MaskShape(*predicted, gt.masks, gt.classes, gt.valid, gt.other)

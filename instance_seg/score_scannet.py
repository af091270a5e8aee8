"""Scores predictions in the files of ScanNet's benchmark, by this or any other program, as its script does."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from instance_seg.data.scannet.classes import LEVEL
from instance_seg.data.scannet.prepared import list_path, open_split
from instance_seg.data.scannet.submission import read_ground_truth, read_proposals, scenes_in
from instance_seg.metrics.scannet import ScanNetAP, find_truth
from instance_seg.structures import Labels
from instance_seg.tables import markdown, percent

_MEASURES = ("AP", "AP50", "AP25")  # masks carry no label per vertex, hence no mIoU


def is_submission(predictions: str | os.PathLike) -> bool:
    """Whether a folder has ScanNet's files in it."""
    return bool(scenes_in(Path(predictions)))


def score_submission(
    predictions: str | os.PathLike, ground_truth: str | os.PathLike, split: str = "val", overlapping: bool = False
) -> dict[str, Any]:
    """Measures the scenes of a folder.

    Args:
        predictions: holds <scene>.txt and the masks that they name.
        ground_truth: holds <scene>.txt with a line for each vertex, or is the folder of the data set.
        split: of the data set.
        overlapping: masks may share vertices.

    Returns:
        measures in percent, as ScanNetAP gives them.

    Raises:
        ValueError: other scenes than those of the ground truth, or a file that is wrong; names it.
    """
    folder = Path(predictions)
    found, wanted, truth_of = scenes_in(folder), *_truths(Path(ground_truth), split)
    for scenes, others, what in ((wanted, found, "no"), (found, wanted, "a")):
        if strange := sorted(set(scenes) - set(others)):
            raise ValueError(
                f"{folder}: has {what} {strange[0]}.txt, unlike the ground truth in {ground_truth}"
                f"{f', and {len(strange) - 1} more' if len(strange) > 1 else ''}; want a file for each of its scenes"
            )
    metric = ScanNetAP(LEVEL)
    for scene in tqdm(found, desc="scoring", unit="scene", delay=2, leave=False):
        truth = truth_of(scene)
        metric.add_proposals(find_truth(truth, LEVEL), read_proposals(folder, scene, len(truth.semantic), overlapping))
    return metric.result()


def submission_table(result: dict[str, Any]) -> str:
    """The measures as a Markdown table, the mean first, then a row for each class of the ground truth."""
    rows = [["mean", *(percent(result[name]) for name in _MEASURES)]]
    rows += [[name, *(percent(each[m]) for m in _MEASURES)] for name, each in result["per_class"].items()]
    return markdown(["Class", *_MEASURES], rows, num_names=1, bold=[0])


def _truths(folder: Path, split: str) -> tuple[list[str], Callable[[str], Labels]]:
    """The scenes of the ground truth, and their labels by name."""
    if not list_path(folder, split).is_file():
        scenes = scenes_in(folder)
        if not scenes:
            raise ValueError(
                f"{folder}: has no <scene>.txt, nor is it ScanNet's folder with {list_path(folder, split).name}"
            )
        return scenes, lambda scene: read_ground_truth(folder / f"{scene}.txt")
    clouds = open_split(folder, split)

    def labels_of(scene: str) -> Labels:
        labels = clouds[clouds.names.index(scene)].labels
        if not labels:
            raise ValueError(
                f"{folder}: {scene} of {split} has no labels to be scored against; name another --test_split"
            )
        return labels[0]

    return clouds.names, labels_of

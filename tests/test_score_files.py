"""Prediction files against PartNet's ground-truth files."""

import shutil

import numpy as np
import pytest
from small_data import read_split

from instance_seg.clustering.partition import as_proposals
from instance_seg.data.partnet.formats.predictions_h5 import PredictionWriter, proposals_to_masks
from instance_seg.data.partnet.shape import level_labels
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.score_files import score_predictions, score_table


def write_truth_as_predictions(root, folder, category, keep=lambda row: True):
    """Predicts the ground truth itself, shape by shape; other programs could do no better."""
    taxonomy = load_taxonomy(category)
    for k in taxonomy.real_levels:
        level = taxonomy.levels[k]
        with PredictionWriter(folder / f"{category}-{k + 1}") as writer:
            for row, shape in enumerate(read_split(root, category, "test")):
                if keep(row):
                    semantic, instance = level_labels(shape, level)
                    proposals = as_proposals(instance, semantic, np.zeros(len(instance), np.float32), len(level.names))
                    writer.append(proposals_to_masks(proposals, len(instance), min_points=0))


@pytest.mark.parametrize("root_of", [lambda p: p, lambda p: p / "ins_seg_h5_gt"])
def test_the_truth_scores_one_hundred(small_partnet, tmp_path, root_of):
    write_truth_as_predictions(small_partnet, tmp_path, "Chair")
    scores = score_predictions(tmp_path, root_of(small_partnet))
    assert sorted(scores) == [("Chair", 0), ("Chair", 1), ("Chair", 2)]
    assert scores and all(m.AP25 == m.AP75 == m.sAP50 == pytest.approx(100) for m in scores.values())
    assert score_table(scores).count("100.0") == 12


def test_the_table_says_the_arithmetic(small_partnet, tmp_path):
    write_truth_as_predictions(small_partnet, tmp_path, "Scissors", keep=lambda row: True)
    for arithmetic, whose in (("float32", "that of the published"), ("float64", "not that of the published")):
        scores = score_predictions(tmp_path, small_partnet, arithmetic)
        assert {curve.recall.dtype for m in scores.values() for curves in m.curves.values() for curve in curves} == {
            np.dtype(arithmetic)
        }
        assert f"in {arithmetic} arithmetic, {whose} figures." in score_table(scores, arithmetic)


def test_another_number_of_shapes(small_partnet, tmp_path):
    write_truth_as_predictions(small_partnet, tmp_path, "Scissors", keep=lambda row: row < 2)
    with pytest.raises(ValueError, match="Scissors-1: fewer shapes than the ground truth.*row 2"):
        score_predictions(tmp_path, small_partnet)


def test_what_is_not_there(small_partnet, tmp_path):
    with pytest.raises(ValueError, match="no folder <Category>-<level>"):
        score_predictions(tmp_path, small_partnet)
    write_truth_as_predictions(small_partnet, tmp_path, "Scissors")
    with pytest.raises(ValueError, match="no such folder"):
        score_predictions(tmp_path, tmp_path)
    shutil.move(tmp_path / "Scissors-1", tmp_path / "Scissors-2")
    with pytest.raises(ValueError, match="Scissors has no level 2"):
        score_predictions(tmp_path, small_partnet)

"""Table 7 and Table 8: folds pooled as if their rooms had been evaluated together, and the share of fusion."""

import numpy as np
import pytest

from instance_seg.clustering.partition import as_proposals
from instance_seg.evaluation.results import build_results
from instance_seg.metrics.config import MetricConfig
from instance_seg.metrics.coverage import Coverage
from instance_seg.report.descriptions import description_of, table_of
from instance_seg.report.folds import pooled
from instance_seg.report.frame import make_frame
from instance_seg.report.layouts import Measured, make_table
from instance_seg.structures import Labels, Level, Segmented

LEVEL = Level(1, "classes", ("floor", "chair", "sofa", "lamp"))
SETTINGS = {"embedding_bandwidth": 0.6, "merge_quirks": True, "min_share": 0.25, "every_point": False}


def room(rng):
    """A room of random labels, mostly found; no lamp ever, and a sofa in some rooms alone."""
    semantic = rng.integers(0, rng.integers(2, 4), 60)
    instance = 3 * semantic + rng.integers(0, 3, 60)
    wrong = rng.uniform(size=60) < 0.2
    predicted = np.where(wrong, rng.integers(0, 3, 60), semantic)
    groups = np.where(wrong, rng.integers(0, 9, 60), instance)
    return Labels(semantic, instance), Segmented(predicted, as_proposals(groups, predicted, np.zeros(60), 4))


def measured_of(rooms):
    metric = Coverage(LEVEL, MetricConfig())
    for each in rooms:
        metric.add(*each)
    return metric.result()


def results(area, found, variant="b_asis", clouds=4, seconds=2.0, seed=0):
    run = {
        **{"task": "s3dis", "dataset": "s3dis", "subset": f"area{area}", "variant": variant, "preset": "paper"},
        **{"seed": seed, "iterations": 7, "clouds": clouds},
        "seconds": {"train": 1.0, "predict": seconds, "cluster": 1.0, "metrics": 9.0},
    }
    return build_results(run, {"mean-shift": {"settings": SETTINGS, "levels": {"classes": found}}})


@pytest.fixture(scope="module")
def folds():
    rng = np.random.default_rng(0)
    return [[room(rng) for _ in range(count)] for count in (1, 4, 2, 3, 5, 2)]


def test_pooled_folds_are_one_evaluation_of_all_rooms(folds):
    together = measured_of([room for fold in folds for room in fold])
    frame = make_frame([results(area, measured_of(fold)) for area, fold in enumerate(folds, 1)])
    classes = frame[frame["class"] != ""]
    measures = table_of(description_of("s3dis"), "Table 7")["pooled"]
    found = {measure: pooled(classes, *of) for measure, of in measures.items()}
    assert found == pytest.approx({measure: together[measure] for measure in measures}, abs=1e-9)
    means = {measure: np.mean([measured_of(fold)[measure] for fold in folds]) for measure in measures}
    assert any(abs(found[measure] - means[measure]) > 0.1 for measure in measures)  # which the mean of six is not


def test_table_7_shows_area_5_and_all_folds_beside_the_papers(folds):
    runs = [results(area, measured_of(fold)) for area, fold in enumerate(folds, 1)]
    description = description_of("s3dis")
    rows = make_table(Measured(make_frame(runs), description), table_of(description, "Table 7")).rows
    area_5, together = measured_of(folds[4]), measured_of([room for fold in folds for room in fold])
    assert rows[0][:4] == ["b-ASIS", "0", f"{area_5['mCov']:.1f}({together['mCov']:.1f})", "45.4(49.0)"]
    assert rows[1][:4] == ["ASIS", "-", "-", "45.8(49.4)"]
    rows = make_table(Measured(make_frame(runs[3:5]), description), table_of(description, "Table 7")).rows
    assert rows[0][2] == f"{area_5['mCov']:.1f}"


def test_table_8_shows_what_fusion_adds(folds):
    found = measured_of(folds[4])
    runs = [results(5, found), results(5, found, "asis", seconds=3.0), results(5, found, "jsnet", clouds=8)]
    description = description_of("s3dis")
    rows = make_table(Measured(make_frame(runs), description), table_of(description, "Table 8")).rows
    assert [row[:2] for row in rows[:2]] == [["b-ASIS", "750"], ["ASIS", "1000 (+250, 25 %)"]]
    assert rows[1][2] == "5058 (+1653, 33 %)"
    assert [row[1] for row in rows if row[0] in ("JSNet", "b-JSNet")] == ["-", "375"]

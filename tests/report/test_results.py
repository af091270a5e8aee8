import copy
import json

import numpy as np
import pytest
from report_cases import level_metrics, results, run_info

from instance_seg.metrics.partnet import evaluate_level
from instance_seg.report.results import build_results, find_results, read_results, write_results


def test_schema(tmp_path):
    path = write_results(tmp_path / "Chair", results({0: 80.0, 2: 60.0}, {0: 70.0, 2: 50.0}))
    assert path == tmp_path / "Chair" / "results.json"
    written = json.loads(path.read_text())
    assert written["schema"] == 1
    assert written["run"] == run_info()
    assert list(written["levels"]) == ["1", "3"]
    assert written["levels"]["3"]["per_part"] == {"seat": {"AP25": 65, "AP50": 60, "AP75": 55, "instances": 3}}
    assert written["mean"] == {"AP25": 75, "AP50": 70, "AP75": 65, "sAP50": 70, "mIoU": 70}
    assert written["without_region_centers"]["mean"]["AP50"] == 60
    assert read_results(path) == written


def test_undefined_measures_are_null_and_left_out_of_the_mean(tmp_path):
    nothing = evaluate_level([], ("other", "a"))
    made = build_results(run_info(), {0: level_metrics(40.0), 1: nothing}, {0: nothing, 1: nothing})
    read = read_results(write_results(tmp_path, made))
    assert read["levels"]["2"]["AP50"] is None
    assert read["mean"]["AP50"] == 40
    assert read["without_region_centers"]["mean"]["AP50"] is None


def test_numpy_numbers_become_json(tmp_path):
    metrics = level_metrics(np.float64(40.0))
    assert read_results(write_results(tmp_path, build_results(run_info(), {0: metrics}, {0: metrics})))


@pytest.mark.parametrize(
    "keys, value, message",
    [
        (["schema"], 2, "schema is 2, this program reads 1"),
        (["run"], None, "run is missing"),
        (["run", "category"], None, "run.category is missing"),
        (["run", "seed"], "0", "run.seed is str, expected int"),
        (["run", "seed"], True, "run.seed is bool, expected int"),
        (["run", "seconds", "cluster"], None, "run.seconds.cluster is missing"),
        (["levels", "1", "mIoU"], None, "levels.1.mIoU is missing"),
        (["levels", "1", "AP50"], "high", "levels.1.AP50 is str, expected float"),
        (["levels", "1", "AP50"], 200.0, "levels.1.AP50 is 200.0; expected a percentage"),
        (["levels", "1", "per_part", "seat", "instances"], None, "levels.1.per_part.seat.instances is missing"),
        (["levels", "coarse"], {}, "levels has the key 'coarse'"),
        (["mean", "sAP50"], None, "mean.sAP50 is missing"),
        (["without_region_centers"], None, "without_region_centers is missing"),
        (["without_region_centers", "levels", "1", "AP75"], [], "without_region_centers.levels.1.AP75 is list"),
        (["without_region_centers", "levels", "1"], None, "they must be the same"),
    ],
)
def test_errors_name_file_and_key(tmp_path, keys, value, message):
    broken = copy.deepcopy(results({0: 80.0}))
    *path, last = keys
    inner = broken
    for key in path:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    file = tmp_path / "results.json"
    file.write_text(json.dumps(broken))
    with pytest.raises(ValueError) as error:
        read_results(file)
    assert message in str(error.value) and str(file) in str(error.value)


def test_nothing_is_written_when_results_are_malformed(tmp_path):
    with pytest.raises(ValueError, match="run.seconds is missing"):
        info = run_info()
        del info["seconds"]
        build_results(info, {}, {})
    with pytest.raises(ValueError, match="schema is None"):
        write_results(tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_truncated_file_is_named(tmp_path):
    path = write_results(tmp_path, results({0: 80.0}))
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match="results.json: not valid JSON"):
        read_results(path)


def test_find_results(tmp_path):
    for category in ("Table", "Chair"):
        write_results(tmp_path / "demo" / category, results({0: 80.0}, category=category))
    assert [found["run"]["category"] for found in find_results(tmp_path)] == ["Chair", "Table"]
    with pytest.raises(ValueError, match="no such folder"):
        find_results(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no results.json at or below it"):
        find_results(tmp_path / "empty")

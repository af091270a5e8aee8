import copy
import json
import re

import numpy as np
import pytest
from small_results import SETTINGS, WITH, WITHOUT, level_entry, readings, results, run_info

from instance_seg.evaluation.results import build_results, find_results, find_sweep, read_results, write_results


def one_reading(levels, settings=None):
    return {"all": {"settings": settings or {}, "levels": levels}}


def test_schema(tmp_path):
    path = write_results(tmp_path / "Chair", results({0: 80.0, 2: 60.0}, {0: 70.0, 2: 50.0}))
    assert path == tmp_path / "Chair" / "results.json"
    written = json.loads(path.read_text())
    assert written["schema"] == 2
    assert written["run"] == run_info()
    assert list(written["readings"]) == [WITH, WITHOUT]
    first, second = written["readings"].values()
    assert list(first["levels"]) == ["coarse", "fine"] and first["settings"] == SETTINGS
    assert first["levels"]["fine"]["per_class"] == {"seat": {"AP25": 65, "AP50": 60, "AP75": 55, "instances": 3}}
    assert first["mean"] == {"AP25": 75, "AP50": 70, "AP75": 65, "sAP50": 70, "mIoU": 70}
    assert second["mean"]["AP50"] == 60 and second["settings"]["semantic_center_offset"] == 0
    assert read_results(path) == written


def test_other_systems_have_readings_levels_and_measures_of_their_own(tmp_path):
    rooms = {"mCov": 0.5, "mWCov": 0.25, "per_class": {"chair": {"cov": 0.5, "instances": 7}}}
    run, settings = run_info(task="s3dis", subset=""), {"radius": 0.03, "nms": True}
    read = read_results(write_results(tmp_path, build_results(run, one_reading({"area 5": rooms}, settings))))
    assert read["readings"]["all"]["mean"] == {"mCov": 0.5, "mWCov": 0.25}
    assert read["readings"]["all"]["settings"] == settings


def test_undefined_measures_are_null_and_left_out_of_the_mean(tmp_path):
    nothing = {name: np.nan for name in level_entry(0.0)} | {"per_class": {}}
    made = build_results(run_info(), one_reading({"coarse": level_entry(40.0), "middle": nothing}))
    read = read_results(write_results(tmp_path, made))["readings"]["all"]
    assert read["levels"]["middle"]["AP50"] is None
    assert read["mean"]["AP50"] == 40
    made = build_results(run_info(), one_reading({"middle": nothing}))
    assert made["readings"]["all"]["mean"]["AP50"] is None


def test_numpy_numbers_become_json(tmp_path):
    entry = level_entry(np.float64(40.0))
    entry["per_class"]["seat"]["instances"] = np.int64(3)
    assert read_results(write_results(tmp_path, build_results(run_info(), one_reading({"coarse": entry}))))


def changed(keys, value):
    """Results in which the entry that `keys` lead to is `value`, or gone if that is None."""
    broken = copy.deepcopy(results({0: 80.0}))
    *path, last = keys
    inner = broken
    for key in path:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return broken


def error_of(tmp_path, content):
    file = tmp_path / "results.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError) as error:
        read_results(file)
    assert str(error.value).startswith(str(file)) and "\n" not in str(error.value)
    return str(error.value)


COARSE = ["readings", WITH, "levels", "coarse"]
BY_CLASS = ["readings", WITH, "settings", "by_class"]
SEEN = f"readings.{WITH}.levels.coarse"


@pytest.mark.parametrize(
    "keys, value, message",
    [
        (["schema"], 1, "schema is 1, this program reads 2; evaluate the run again"),
        (["run"], None, "run is missing"),
        (["run", "subset"], None, "run.subset is missing"),
        (["run", "seed"], "0", "run.seed is str, expected int"),
        (["run", "seed"], True, "run.seed is bool, expected int"),
        (["run", "seconds", "cluster"], None, "run.seconds.cluster is missing"),
        (["readings"], None, "readings is missing"),
        (["readings"], {}, "readings is empty"),
        (["readings", WITH], [], f"readings.{WITH} is list, expected dict"),
        (["readings", " "], {}, "readings has an empty key"),
        (["readings", WITH, "settings"], None, f"readings.{WITH}.settings is missing"),
        (["readings", WITH, "settings", "bandwidth"], [], f"readings.{WITH}.settings.bandwidth is list"),
        ([*COARSE, "mIoU"], None, f"{SEEN}.mIoU is missing"),
        ([*COARSE, "AP50"], "high", f"{SEEN}.AP50 is str, expected float"),
        ([*COARSE, "AP50"], True, f"{SEEN}.AP50 is bool, expected float"),
        ([*BY_CLASS], 1.0, f"readings.{WITH}.settings.by_class is float, expected dict"),
        ([*BY_CLASS], {"coarse": {"seat": {"bandwidth": 1.0}}}, "by_class.coarse.seat.lambda is missing"),
        ([*BY_CLASS], {"coarse": {"seat": {"bandwidth": "1", "lambda": 1}}}, "seat.bandwidth is str, expected float"),
        ([*COARSE, "mAP"], 1.0, f"readings.{WITH}.mean.mAP is missing"),
        ([*COARSE, "per_class"], None, f"{SEEN}.per_class is missing"),
        ([*COARSE, "per_class", "seat", "instances"], None, f"{SEEN}.per_class.seat.instances is missing"),
        ([*COARSE, "per_class", "seat", "AP50"], "50", f"{SEEN}.per_class.seat.AP50 is str"),
        ([*COARSE, "per_class", "two\nlines"], {"AP25": np.inf, "instances": 1}, ".AP25 is inf"),
        (["readings", WITH, "levels", ""], {}, f"readings.{WITH}.levels has an empty key"),
        (["readings", WITH, "levels", "\ud800"], {}, "half of a surrogate pair"),
        (["readings", WITH, "mean", "sAP50"], None, "mean.sAP50 is missing"),
        (["readings", WITHOUT, "levels", "coarse"], None, f"readings.{WITHOUT}.levels is empty"),
        (["readings", WITHOUT, "levels", "fine"], level_entry(1.0), "they must be the same"),
    ],
)
def test_errors_name_file_and_key(tmp_path, keys, value, message):
    assert message in error_of(tmp_path, changed(keys, value))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("seed", float("inf"), "run.seed is float"),
        ("iterations", 10**400, "run.iterations is"),
        ("commit", 7, "run.commit is int"),
        ("parameters", "many", "run.parameters is str"),
        ("level", None, "run.level is NoneType"),
        ("variant", " ", "run.variant is empty"),
        ("ap_arithmetic", "float16", "run.ap_arithmetic is unknown"),
        ("dataset", "\ud800", "run.dataset is"),
        ("seconds", {"train": float("nan"), "predict": 1, "cluster": 1, "metrics": 1}, "run.seconds.train is nan"),
    ],
)
def test_damaged_facts_of_a_run(tmp_path, key, value, message):
    content = results({0: 80.0})
    content["run"][key] = value
    assert message in error_of(tmp_path, content)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("keys", [["settings", "bandwidth"], ["levels", "coarse", "AP25"], ["mean", "AP25"]])
def test_numbers_are_finite(tmp_path, keys, value):
    keys = ["readings", WITH, *keys]
    assert f"{'.'.join(keys)} is {value}" in error_of(tmp_path, changed(keys, value))


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{", '{"schema": 2, "run": []}', "\x00"])
def test_a_damaged_file_is_named(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        read_results(path)
    assert "\n" not in str(error.value)


def test_nothing_is_written_when_results_are_malformed(tmp_path):
    with pytest.raises(ValueError, match="run.seconds is missing"):
        info = run_info()
        del info["seconds"]
        build_results(info, readings({0: 1.0}))
    with pytest.raises(ValueError, match="schema is None"):
        write_results(tmp_path, {})
    assert not list(tmp_path.iterdir())


def test_truncated_file_is_named(tmp_path):
    path = write_results(tmp_path, results({0: 80.0}))
    path.write_text(path.read_text()[:100])
    with pytest.raises(ValueError, match="results.json: not valid JSON"):
        read_results(path)


def test_find_results(tmp_path):
    for subset in ("Table", "Chair"):
        write_results(tmp_path / "demo" / subset, results({0: 80.0}, subset=subset))
    assert [found["run"]["subset"] for found in find_results(tmp_path)] == ["Chair", "Table"]
    with pytest.raises(ValueError, match="no such folder"):
        find_results(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no results.json at or below it"):
        find_results(tmp_path / "empty")


def test_sweeps_are_no_runs(tmp_path):
    write_results(tmp_path / "Chair", results({0: 80.0}))
    write_results(tmp_path / "Chair" / "sweep" / "bandwidth_0.05", results({0: 70.0}, bandwidth=0.05))

    def found(these):
        return [each["readings"][WITH]["mean"]["AP50"] for each in these]

    assert found(find_results(tmp_path)) == [80]
    assert found(find_sweep(tmp_path)) == [70]
    assert found(find_results(tmp_path / "Chair" / "sweep" / "bandwidth_0.05")) == [70]

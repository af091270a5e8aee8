import pathlib

import pytest
from small_results import WITH, results
from tools_in_process import call

from instance_seg.evaluation.results import find_results, find_sweep, read_results, write_results
from instance_seg.report.collect import collect
from instance_seg.report.frame import make_frame
from instance_seg.report.report import make_report

RUN = pathlib.Path("cross_level_fusion/Chair/seed_0")


@pytest.fixture
def runs(tmp_path):
    """A run with a sweep and much else in its folder."""
    write_results(tmp_path / "runs" / RUN, results({0: 80.0}))
    write_results(tmp_path / "runs" / RUN / "sweep" / "bandwidth_0.05", results({0: 70.0}, bandwidth=0.05))
    (tmp_path / "runs" / RUN / "losses.csv").write_text("large")
    return tmp_path / "runs"


def test_results_alone_are_copied_and_are_all_a_report_needs(runs, tmp_path):
    kept = tmp_path / "kept"
    assert len(collect(runs, kept)) == 2 and collect(runs, kept) == []
    assert {path.name for path in kept.rglob("*") if path.is_file()} == {"results.json"}
    assert (kept / RUN / "results.json").read_bytes() == (runs / RUN / "results.json").read_bytes()
    reports = [make_report(make_frame(find_results(folder), find_sweep(folder))) for folder in (kept, runs)]
    assert reports[0] == reports[1] and reports[0]


def test_sittings_add_up_and_one_run_can_be_collected_alone(runs, tmp_path):
    later = write_results(tmp_path / "later" / "cross_level_fusion/Chair/seed_1", results({0: 60.0}, seed=1)).parent
    for folder, name in ((runs / RUN, RUN), (later, "cross_level_fusion/Chair/seed_1")):
        collect(folder, tmp_path / "kept" / name)
    assert [found["run"]["seed"] for found in find_results(tmp_path / "kept")] == [0, 1]


def test_other_results_are_replaced_by_force_alone(runs, tmp_path, capsys):
    arguments = "collect_results", str(runs), str(tmp_path / "kept")
    call(*arguments)
    assert "1 runs and 1 sweeps more" in capsys.readouterr().out
    write_results(runs / RUN, results({0: 10.0}))
    write_results(runs / "other", results({0: 5.0}))
    with pytest.raises(SystemExit, match="seed_0/results.json holds other results than .*; --force replaces them"):
        call(*arguments)
    assert read_results(tmp_path / "kept" / RUN / "results.json")["readings"][WITH]["mean"]["AP50"] == 80
    assert not (tmp_path / "kept" / "other").exists()  # all or nothing
    call(*arguments, "--force")
    assert read_results(tmp_path / "kept" / RUN / "results.json")["readings"][WITH]["mean"]["AP50"] == 10


def test_a_damaged_file_and_a_missing_folder_are_named(runs, tmp_path):
    (runs / RUN / "results.json").write_text("{")
    with pytest.raises(SystemExit, match="seed_0/results.json: not valid JSON"):
        call("collect_results", str(runs), str(tmp_path / "kept"))
    with pytest.raises(SystemExit, match="nowhere: no such folder"):
        call("collect_results", str(tmp_path / "nowhere"), str(tmp_path / "kept"))

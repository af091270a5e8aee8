"""From a checkpoint to a row of Table 5: clustered again with other settings, into the folder of the run."""

from instance_seg.evaluation.results import find_results, find_sweep
from instance_seg.experiment import evaluate, train
from instance_seg.presets import load_config
from instance_seg.report.frame import make_frame
from instance_seg.report.report import make_report

TINY = {
    "depth": 3,
    "full_depth": 3,
    "channels": (8,),
    "num_blocks": 1,
    "head_width": 8,
    "train_batch_size": 2,
    "max_iter": 1,
}


def test_a_checkpoint_measured_again_is_a_row_of_table_5(small_partnet, tmp_path):
    run = tmp_path / "runs" / "Scissors"
    settings = TINY | {"category": "Scissors", "data_dir": str(small_partnet), "logdir": str(run)}
    assert train(load_config("paper", settings)) == 0
    again = {"bandwidth": 0.2, "ckpt": str(run), "logdir": str(run / "sweep" / "bandwidth_0.20")}
    evaluate(load_config("paper", settings | again))
    runs, sweep = find_results(tmp_path), find_sweep(tmp_path)
    settings = [reading["settings"] for (found,) in (runs, sweep) for reading in found["readings"].values()]
    assert [each["bandwidth"] for each in settings] == [0.1, 0.1, 0.2, 0.2]
    (section,) = make_report(make_frame(runs, sweep))
    (table,) = [table for table in section.tables if table.name == "Table 5"]
    assert [row[2] for row in table.rows] == ["not run", "1", "1", "not run", "1", "not run"]

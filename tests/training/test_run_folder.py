"""The folder of a run: who holds it, what it says the run is, and what is damaged or left behind in it."""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import pytest
from training.small_runs import code_of_program, command, losses, settings, tiny_config

from instance_seg.evaluation.results import read_results
from instance_seg.experiment import evaluate, train
from instance_seg.training.checkpoint_files import described_config
from instance_seg.training.run_lock import EXIT_CODE, RunIsHeld, holding
from instance_seg.training.run_log import LossLog, RunLog
from instance_seg.training.weights_folder import NETWORK, WEIGHTS

HOLD = """
import pathlib, sys
from instance_seg.training.checkpoint_files import described_config
from instance_seg.training.run_lock import holding
with holding(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def stopped(small_partnet, tmp_path_factory):
    """A run with checkpoints after 3, 6 and 8 iterations; to be copied, not touched."""
    logdir = tmp_path_factory.mktemp("stopped")
    assert train(tiny_config(small_partnet, logdir)) == 0
    return logdir


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of it without results."""
    folder = tmp_path / "run"
    shutil.copytree(stopped, folder)
    (folder / "results.json").unlink()
    return folder


@pytest.fixture
def holder(tmp_path):
    """A folder that another process holds, and the process."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield tmp_path, process
    process.kill()
    process.communicate()


def test_the_bar_says_what_the_first_step_waits_for(tmp_path, capsys):
    with RunLog(tmp_path, "Chair", start=0, end=3, scalars_every=1) as log:
        assert "0/3" in (shown := capsys.readouterr().err) and "tracing the network" in shown
        log.write(1, {"total": 2.0}, {"learning_rate": 0.1})
    assert "loss=2.000" in (shown := capsys.readouterr().err) and "tracing" not in shown


def test_a_folder_is_held_by_one_process(holder):
    folder, process = holder
    with pytest.raises(RunIsHeld, match=rf"--logdir={folder} is held by process {process.pid} on .*, since 20\d\d-"):
        with holding(folder):
            pytest.fail("held twice")
    process.kill()
    process.wait()
    with holding(folder):  # the kernel has freed it
        assert json.loads((folder / "run.lock").read_text())["process"] == os.getpid()
    assert (folder / "run.lock").read_text() == ""


def test_who_holds_it_may_be_unknown(holder):
    folder, _ = holder
    (folder / "run.lock").write_text("{")
    with pytest.raises(RunIsHeld, match="is held by another process; wait"):
        holding(folder).__enter__()


def test_a_second_training_is_told_who_trains(holder, small_partnet, monkeypatch, capsys):
    folder, process = holder
    assert code_of_program(tiny_config(small_partnet, folder), monkeypatch) == EXIT_CODE == 75
    assert f"error: --logdir={folder} is held by process {process.pid}" in capsys.readouterr().err.splitlines()[-1]
    assert [path.name for path in folder.iterdir()] == ["run.lock"]


def test_what_a_run_is_stands_in_its_folder(stopped):
    record = json.loads((stopped / "run.json").read_text())
    assert record["settings"]["learning_rate"] == 0.05 and record["settings"]["channels"] == [8]
    assert not {"logdir", "data_dir", "keep_ckpts", "picture_shapes", "test_batch_size"} & set(record["settings"])
    assert set(record["data"]) == {"train", "val", "test"} and record["data"]["train"].startswith("6 shapes of ins_seg")
    assert record["changes"] == [] == read_results(stopped / "results.json")["run"]["changes"]


CHANGES = {"seed": 1, "learning_rate": 0.5, "train_batch_size": 3, "offset_loss": "l1", "momentum": 0.5, "max_iter": 9}


@pytest.mark.parametrize("name", CHANGES)
def test_a_run_does_not_go_on_with_other_settings(run, small_partnet, name):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "run.lock"}
    with pytest.raises(
        ValueError, match=rf"8 iterations with other settings: {name} was .*--allow_changed={name},? or"
    ):
        train(tiny_config(small_partnet, run, **{name: CHANGES[name]}))
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "run.lock"}
    assert after == before | {path: data for path, data in after.items() if "tensorboard" in path.parts}


def test_free_settings_may_change(run, small_partnet):
    assert (
        train(tiny_config(small_partnet, run, ckpt_every_iter=2, keep_ckpts=5, picture_shapes=0, log_every_iter=1)) == 0
    )


def test_a_change_that_is_allowed_stands_in_the_results(run, small_partnet):
    changed = {"learning_rate": 0.01, "max_iter": 10, "allow_changed": "learning_rate,max_iter"}
    assert train(tiny_config(small_partnet, run, **changed)) == 0
    wanted = [
        {"setting": "max_iter", "was": 8, "now": 10, "step": 8},
        {"setting": "learning_rate", "was": 0.05, "now": 0.01, "step": 8},
    ]
    found = read_results(run / "results.json")["run"]["changes"]
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert train(tiny_config(small_partnet, run, **changed)) == 0  # now they are the run's own
    assert len(read_results(run / "results.json")["run"]["changes"]) == 2


def test_what_may_change_must_be_a_setting(small_partnet, tmp_path):
    with pytest.raises(
        ValueError, match="--allow_changed: 'learning_rat' is no setting .*; did you mean 'learning_rate'"
    ):
        train(tiny_config(small_partnet, tmp_path, allow_changed="momentum,learning_rat"))


@pytest.fixture
def other_data(small_partnet, tmp_path):
    """The same data set with one training shape file longer."""
    folder = tmp_path / "other"
    shutil.copytree(small_partnet, folder)
    path = folder / "ins_seg_h5" / "Scissors" / "train-00.json"
    path.write_text(path.read_text() + "\n")
    return folder


def test_another_data_set_is_noticed(run, stopped, other_data, tmp_path, capsys):
    with pytest.raises(ValueError, match="other settings: data was .*--allow_changed=data"):
        train(tiny_config(other_data, run))
    evaluate(tiny_config(other_data, tmp_path / "measured", ckpt=str(stopped), seed=5, max_iter=9))
    assert "warning: the data set is not the one of the training; train: 6 shapes" in capsys.readouterr().err
    found = read_results(tmp_path / "measured" / "results.json")["run"]
    assert len(found["other_data"]) == 1 and found["other_data"][0].startswith("train: 6 shapes of ins_seg_h5")
    config = tiny_config(other_data, run)  # of the training, whatever the evaluation is given
    assert found["seed"] == config.run.seed != 5 and found["schedule"]["max_iter"] == config.schedule.max_iter != 9


def test_a_run_of_before_the_record_goes_on_with_a_warning(run, small_partnet, capsys):
    (run / "run.json").unlink()
    assert train(tiny_config(small_partnet, run)) == 0
    assert "run.json is missing" in capsys.readouterr().err and (run / "run.json").exists()


def test_fewer_iterations_than_were_done(run, small_partnet):
    with pytest.raises(ValueError, match="iter-8 has 8 iterations, more than --max_iter=4: give 8 or more"):
        train(tiny_config(small_partnet, run, max_iter=4, allow_changed="max_iter"))


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


PARTS = ("iter-8.data-00000-of-00001", "iter-8.index")


@pytest.mark.parametrize("damage", [cut, pathlib.Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("part", PARTS)
def test_the_last_good_checkpoint_is_evaluated(run, small_partnet, capsys, damage, part):
    damage(run / "checkpoints" / part)
    evaluate(tiny_config(small_partnet, run))
    assert read_results(run / "results.json")["run"]["iterations"] == 6
    if (run / "checkpoints" / "iter-8.index").exists():
        assert "iter-8 cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("part", PARTS)
def test_training_goes_on_from_the_last_good_checkpoint(run, small_partnet, part):
    cut(run / "checkpoints" / part)
    assert train(tiny_config(small_partnet, run)) == 0
    assert read_results(run / "results.json")["run"]["iterations"] == 8 and max(losses(run)) == 8


def test_no_good_checkpoint(run, small_partnet):
    for step in (3, 6, 8):
        cut(run / "checkpoints" / f"iter-{step}.data-00000-of-00001")
    for program in (train, evaluate):
        with pytest.raises(
            ValueError, match=r"iter-8 cannot be read .*, nor can 2 before it; name an older one"
        ) as found:
            program(tiny_config(small_partnet, run))
        assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '{"category": "Scissors"}',
        '{"data_set": null, "source": {}, "system": "semantic_assisted", "settings": {}, "num_classes": [1]}',
        "{",
        "",
    ],
)
def test_a_damaged_description_is_one_line(run, small_partnet, text):
    (run / "checkpoints" / "network.json").write_text(text)
    for program in (train, evaluate):
        with pytest.raises(ValueError, match=r"checkpoints/network.json: ") as found:
            program(tiny_config(small_partnet, run))
        assert "\n" not in str(found.value)


@pytest.mark.parametrize(("weights", "description"), [("iter-1.index", "network.json"), (WEIGHTS, NETWORK)])
def test_weights_without_their_description_say_what_is_missing(weights, description, tmp_path):
    (tmp_path / weights).touch()
    with pytest.raises(ValueError, match=f"{description}: no such file; {tmp_path} needs it beside its weights"):
        described_config(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": {"depth": "deep"}}, "depth"),
        ({"settings": {"dephts": 3}}, "depth"),
        ({"other_settings": {"bandwidth": 0}}, "bandwidth"),
        ({"source": {"categori": "Chair"}}, "category"),
        ({"system": "semantic"}, "semantic_assisted"),
        ({"data_set": "partne"}, "partnet"),
    ],
)
def test_a_description_with_wrong_values_names_its_run(run, change, named):
    path = run / "checkpoints" / "network.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=f"{run}: its network.json describes no network: .*{named}"):
        described_config(str(run))


@pytest.mark.parametrize(
    ("change", "first"), [({}, "from labels"), ({"test_copies": 2}, "from labels"), ({"bandwidth": 0.2}, "")]
)
def test_a_given_value_of_the_clustering_counts_in_place_of_the_first_reading(run, change, first):
    path = run / "checkpoints" / "network.json"
    description = json.loads(path.read_text())
    description["other_settings"]["first_reading"] = "from labels"
    path.write_text(json.dumps(description))
    assert described_config(str(run), change).network.order.first_reading == first


def test_a_setting_that_came_later_than_the_checkpoint_has_its_default(run, small_partnet):
    path = run / "checkpoints" / "network.json"
    description = json.loads(path.read_text())
    del description["settings"]["gradient_to"]
    path.write_text(json.dumps(description))
    evaluate(tiny_config(small_partnet, run))
    del description["settings"]["depth"]
    path.write_text(json.dumps(description))
    with pytest.raises(ValueError, match="depth is 6 there and 3 here"):
        evaluate(tiny_config(small_partnet, run))


@pytest.mark.parametrize("text", ["", "garbage", "\n\n", "step,total\none,2\n", "\x00\x00"])
def test_damaged_losses_are_put_aside(tmp_path, capsys, text):
    (tmp_path / "losses.csv").write_text(text)
    with LossLog(tmp_path / "losses.csv", start=8) as log:
        log.write(9, {"total": 0.5})
    assert losses(tmp_path) == {9: 0.5}
    assert (tmp_path / "losses.damaged.csv").read_text() == text and "was damaged" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"settings": {}}'])
def test_a_damaged_record_is_one_line(run, small_partnet, text):
    (run / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"run.json: "):
        train(tiny_config(small_partnet, run))


@pytest.mark.parametrize("name", ["checkpoints", "predictions", "tensorboard"])
def test_a_file_where_a_folder_belongs(small_partnet, tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(ValueError, match=f"{tmp_path / name} is a file where a folder belongs; move it away"):
        train(tiny_config(small_partnet, tmp_path))


@pytest.mark.parametrize("name", ["losses.csv", "results.json", "run.json", "run.lock", "table.md"])
def test_a_folder_where_a_file_belongs(small_partnet, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"{tmp_path / name} is a folder where a file belongs; move it away"):
        train(tiny_config(small_partnet, tmp_path))


def test_what_a_killed_process_left_is_removed(run, small_partnet):
    left = [
        run / "checkpoints" / name for name in ("iter-5_temp/part", "checkpoint.tmp123", "iter-7.data-00000-of-00001")
    ]
    left += [run / ".results.json.77.tmp", run / "predictions" / "Scissors-1" / ".test-00.h5.77.tmp"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    assert train(tiny_config(small_partnet, run)) == 0
    assert not any(path.exists() for path in left) and not (run / "checkpoints" / "iter-5_temp").exists()
    assert (run / "checkpoints" / "iter-8.index").exists()


@pytest.mark.slow
def test_the_screen_shows_the_bar_and_the_measures(small_partnet, tmp_path):
    flags = settings(small_partnet, tmp_path, max_iter=2)
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(command(flags), capture_output=True, text=True, env=environment, check=True)
    said = [line for line in done.stderr.replace("\r", "\n").split("\n") if line.strip(" \x1b[A")]
    assert said and all(line.startswith(("Scissors: ", "evaluating: ")) for line in said)
    shown = done.stdout.splitlines()
    assert len(shown) < 30 and shown[-1] == f"Every class of every level: {tmp_path / 'table.md'}"


def limited(size):
    """Files of this process may have so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.slow
@pytest.mark.parametrize("size", [2_000, 20_000, 110_000])
def test_a_full_disk_is_one_line_and_costs_no_checkpoint(run, small_partnet, size):
    flags = settings(small_partnet, run, max_iter=12, allow_changed="max_iter")
    done = subprocess.run(command(flags), capture_output=True, text=True, preexec_fn=limited(size))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.splitlines()[-1].startswith("error: ")
    assert not (run / "results.json").exists()
    evaluate(tiny_config(small_partnet, run))
    assert read_results(run / "results.json")["run"]["iterations"] >= 8

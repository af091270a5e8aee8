"""The real program on small data: train, stop, kill, resume, evaluate, and what bad input gets."""

import os
import signal
import subprocess

import h5py
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.util import tensor_util
from training.small_runs import code_of_program, command, losses, settings, tiny_config, wait_for, with_flags

from instance_seg.evaluation.evaluate import Measured
from instance_seg.evaluation.results import PER_CLASS, read_results
from instance_seg.experiment import evaluate, sweep, train
from instance_seg.interrupt import ending_at_signals
from instance_seg.presets import load_config
from instance_seg.train import main
from instance_seg.training.checkpoint_files import described_config, read_description
from instance_seg.training.run_log import RunLog


@pytest.fixture(scope="module")
def unbroken(small_partnet, tmp_path_factory):
    """A whole run in this process, with an evaluation on the way."""
    logdir = tmp_path_factory.mktemp("unbroken")
    code = train(tiny_config(small_partnet, logdir, category="Chair", test_every_iter=4))
    assert code == 0
    return logdir


def test_results_of_a_run(unbroken):
    results = read_results(unbroken / "results.json")
    run = results["run"]
    assert (run["task"], run["subset"], run["iterations"], run["preset"]) == ("partnet", "Chair", 8, "paper")
    assert run["seconds"]["train"] > 0
    assert list(results["readings"]) == ["with region centers", "without region centers"]
    for reading in results["readings"].values():
        assert list(reading["levels"]) == ["coarse", "middle", "fine"]
        assert {"AP25", "AP50", "AP75", "sAP50", "mIoU"} < set(reading["mean"])
        for name, mean in reading["mean"].items():
            assert mean == pytest.approx(np.mean([level[name] for level in reading["levels"].values()]))
        assert "chair/chair_back" in reading["levels"]["coarse"][PER_CLASS]
    assert "with region centers" in (unbroken / "table.md").read_text()


def test_files_a_run_leaves(unbroken):
    assert sorted(p.name for p in unbroken.iterdir()) == [
        "checkpoints", "losses.csv", "predictions", "results.json", "run.json", "run.lock", "table.md", "tensorboard",
        "viewer.html",
    ]  # fmt: skip
    for level in (1, 2, 3):
        with h5py.File(unbroken / "predictions" / f"Chair-{level}" / "test-00.h5") as file:
            assert file["mask"].shape == (3, 200, 400)
            assert file["valid"].dtype == bool and file["conf"].dtype == np.float32 and file["label"].dtype == np.uint8


def test_smallest_preset_learns(small_partnet, tmp_path):
    """Its own schedule, nothing but the data replaced: losses of so few iterations must not run away."""
    where = {"data_dir": str(small_partnet), "logdir": str(tmp_path), "category": "Scissors"}
    assert train(load_config("smoke", where)) == 0
    curve = losses(tmp_path)
    assert max(curve) == 30 and max(curve[k] for k in range(26, 31)) < curve[1]


def test_tensorboard_has_losses_measures_and_pictures(unbroken):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(unbroken / "tensorboard"), {"tensors": 0}).Reload()
    tags = set(events.Tags()["tensors"])
    want = {"learning_rate", "loss/total", "loss/weight_decay", "shape_0"}
    want |= {"with_region_centers/fine/AP50", "without_region_centers/coarse/mIoU"}
    want |= {"with_region_centers/misses"}
    want |= {f"loss/level_{k}/{term}" for k in (1, 2, 3) for term in ("semantic", "instance", "region")}
    assert want <= tags
    assert [e.step for e in events.Tensors("with_region_centers/coarse/AP50")] == [4, 8]
    assert [e.step for e in events.Tensors("loss/total")] == [2, 4, 6, 8]
    width, height, *panels = events.Tensors("shape_0")[-1].tensor_proto.string_val
    assert (int(width), int(height), len(panels)) == (3 * 320, 346, 3)  # truth, without and with centers, on each level


def test_the_hparams_dashboard_has_settings_and_means_over_levels(unbroken):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    events = EventAccumulator(str(unbroken / "tensorboard" / "comparison"), {"tensors": 0}).Reload()
    content = events.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG]
    written = metadata.parse_session_start_info_plugin_data(content).hparams
    assert (written["variant"].string_value, written["fusion"].string_value) == ("cross_level_fusion", "cross")
    assert (written["category"].string_value, written["preset"].string_value) == ("Chair", "paper")
    assert (written["seed"].number_value, written["depth"].number_value, written["stop_gradient"].bool_value) == (
        0,
        3,
        True,
    )
    results = read_results(unbroken / "results.json")
    means = {
        f"{name.replace(' ', '_')}/{measure}": mean
        for name, reading in results["readings"].items()
        for measure, mean in reading["mean"].items()
    }
    for tag, mean in means.items():
        found = events.Tensors(tag)
        assert [each.step for each in found] == [4, 8]
        assert tensor_util.make_ndarray(found[-1].tensor_proto) == pytest.approx(mean)
    scalars = [tag for tag in events.Tags()["tensors"] if not tag.startswith("_hparams")]
    assert set(scalars) == set(means)  # and no losses, which the dashboard would list too


def test_evaluating_the_checkpoint_again_gives_the_same_results(unbroken, small_partnet, tmp_path):
    other_start = {"initializer": "fan_in"}  # of no matter to a trained network
    evaluate(tiny_config(small_partnet, tmp_path, category="Chair", ckpt=str(unbroken), **other_start))
    again, first = (read_results(folder / "results.json") for folder in (tmp_path, unbroken))
    assert again["readings"] == first["readings"]
    assert again["run"]["iterations"] == 8


def test_a_sweep_measures_what_evaluations_one_by_one_do(unbroken, small_partnet, tmp_path):
    def config(**more):
        return tiny_config(small_partnet, tmp_path, category="Chair", ckpt=str(unbroken), **more)

    sweep(config(), ["bandwidth=0.05", "semantic_center_offset=0.075", "region_push=soft"])
    names = ["bandwidth_0.05", "region_push_soft", "semantic_center_offset_0.075"]
    assert sorted(path.name for path in (tmp_path / "sweep").iterdir()) == names
    swept = {name: read_results(tmp_path / "sweep" / name / "results.json") for name in names}
    evaluate(config(bandwidth=0.05))
    alone = read_results(tmp_path / "results.json")
    first, second = swept["bandwidth_0.05"], read_results(unbroken / "results.json")
    assert first["readings"] == alone["readings"] and first["run"]["iterations"] == 8
    without = "without region centers"
    assert all(swept[name]["readings"][without] == second["readings"][without] for name in names[1:])
    settings = [swept[name]["readings"]["with region centers"]["settings"] for name in names]
    changed = ("bandwidth", "semantic_center_offset", "region_push")
    assert [tuple(each[setting] for setting in changed) for each in settings] == [
        (0.05, 0.05, "unit"),
        (0.1, 0.05, "soft"),
        (0.1, 0.075, "unit"),
    ]
    assert all(set(each) == {*changed, "eq7_guard", "kernel"} for each in settings)  # those that change a result


@pytest.mark.parametrize("setting", ["bandwidth", "depth=3", "region_push=hard", "bandwidth=wide"])
def test_a_sweep_of_something_else_is_refused(small_partnet, tmp_path, setting):
    with pytest.raises(ValueError, match=setting.split("=")[0]):
        sweep(tiny_config(small_partnet, tmp_path), [setting])


def test_a_checkpoint_of_another_network_is_refused(unbroken, small_partnet, tmp_path):
    config = tiny_config(small_partnet, tmp_path, category="Chair", ckpt=str(unbroken), head_width=16)
    with pytest.raises(ValueError, match="of another network: head_width is 8 there and 16 here"):
        evaluate(config)
    with pytest.raises(ValueError, match="category is 'Chair' there and 'Scissors' here"):
        evaluate(tiny_config(small_partnet, tmp_path, ckpt=str(unbroken)))


def test_how_instances_are_grouped_may_be_another(unbroken, small_partnet, tmp_path):
    evaluate(tiny_config(small_partnet, tmp_path, category="Chair", ckpt=str(unbroken), bandwidth=0.3))
    readings = read_results(tmp_path / "results.json")["readings"]
    assert [each["settings"]["bandwidth"] for each in readings.values()] == [0.3, 0.3]


def test_a_checkpoint_says_all_settings_of_its_system(unbroken, small_partnet):
    description = read_description(str(unbroken))
    config = tiny_config(small_partnet, unbroken, category="Chair")
    of_system = {o.name for o in config.options() if o.group.split(".")[0] == "network"}
    assert {"channels", "fusion", "weight_decay", "bandwidth"} < of_system
    kept = description["settings"] | description["other_settings"]
    assert set(kept) == of_system and kept["channels"] == [8]
    assert not set(description["settings"]) & set(description["other_settings"])
    assert {"bandwidth", "offset_loss"} < set(description["other_settings"])  # that make no other network
    assert description["source"] == {"category": "Chair", "level": 0, "single_level": False}
    assert described_config(str(unbroken)).network == config.network


def test_a_missing_checkpoint_names_the_flag(small_partnet, tmp_path):
    with pytest.raises(ValueError, match="--ckpt=.*nowhere"):
        evaluate(tiny_config(small_partnet, tmp_path, ckpt=str(tmp_path / "nowhere")))


def test_moving_statistics_rest_in_the_last_part_of_a_training(small_partnet, tmp_path, monkeypatch):
    """Steps 1 to 4 are those of a training without that part; 5 to 8 go on from there in inference mode."""
    monkeypatch.setattr("instance_seg.schedule.SETTLED", 0)
    plain, frozen = (tmp_path / name for name in ("plain", "frozen"))
    for logdir, fraction in ((plain, 1.0), (frozen, 0.5)):
        train(tiny_config(small_partnet, logdir, ckpt_every_iter=2, keep_ckpts=4, freeze_statistics_at=fraction))
    curves = [losses(logdir) for logdir in (plain, frozen)]
    assert [s for s in range(1, 9) if curves[0][s] != pytest.approx(curves[1][s], rel=1e-5)] == [5, 6, 7, 8]
    weights = {step: checkpoint_values(frozen / "checkpoints" / f"iter-{step}") for step in (2, 4, 8)}
    assert sum("moving" in name for name in weights[4]) > 10
    for name, value in weights[4].items():
        rests = np.array_equal(value, weights[8][name])
        assert rests == ("moving" in name), name
        assert not np.array_equal(value, weights[2][name]), name


def checkpoint_values(prefix):
    """The weights of the network: name -> array."""
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.startswith("model/")}


def test_killed_and_resumed_run_has_the_losses_of_an_unbroken_one(small_partnet, tmp_path):
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert train(tiny_config(small_partnet, straight, max_iter=40)) == 0
    flags = settings(small_partnet, broken, max_iter=40)
    process = subprocess.Popen(command(flags), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(broken.glob("checkpoints/iter-*.index")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed_at = max(losses(broken))
    assert train(tiny_config(small_partnet, broken, max_iter=40)) == 0
    want, got = losses(straight), losses(broken)
    assert killed_at < 40 and list(got) == list(want)
    np.testing.assert_allclose(list(got.values()), list(want.values()), rtol=1e-3)


def test_a_signal_saves_and_leaves(small_partnet, tmp_path):
    flags = settings(small_partnet, tmp_path, max_iter=1_000_000, ckpt_every_iter=1_000_000)
    process = subprocess.Popen(command(flags), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: (tmp_path / "losses.csv").is_file() and len(losses(tmp_path)) > 2, process)
    process.send_signal(signal.SIGTERM)  # SIGINT: test_open_house.py
    message = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signal.SIGTERM
    last = max(losses(tmp_path))
    assert f"stopped after {last} iterations" in message
    assert (tmp_path / "checkpoints" / f"iter-{last}.index").is_file()
    assert not (tmp_path / "results.json").exists()


class SignalAt:
    """Patches the evaluation so that a signal arrives in the middle of it, after `batches` of them."""

    def __init__(self, monkeypatch, batches):
        self.left = batches
        whole = Measured.add

        def add(*arguments):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            return whole(*arguments)

        monkeypatch.setattr(Measured, "add", add)


def test_a_signal_ends_the_last_evaluation_and_the_same_command_continues(
    unbroken, small_partnet, tmp_path, monkeypatch, capsys
):
    config = tiny_config(small_partnet, tmp_path, category="Chair")
    with monkeypatch.context() as patch:
        SignalAt(patch, batches=3)  # two rows a batch: in the second of three
        assert train(config) == 128 + signal.SIGTERM
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("SIGTERM: stopped during the evaluation") and said.endswith("the same command continues")
    assert "the training is finished" in said
    assert (tmp_path / "checkpoints" / "iter-8.index").is_file()
    left = ["checkpoints", "losses.csv", "run.json", "run.lock", "tensorboard"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    assert train(config) == 0
    again, first = (read_results(folder / "results.json") for folder in (tmp_path, unbroken))
    assert again["readings"] == first["readings"] and list(losses(tmp_path)) == list(range(1, 9))
    shown = capsys.readouterr().out
    assert str(tmp_path / "table.md") in shown and "**Avg**" in shown and "Classes, Fine" not in shown
    assert "Classes, Fine" in (tmp_path / "table.md").read_text()


def test_a_signal_ends_an_evaluation_on_the_way(small_partnet, tmp_path, monkeypatch, capsys):
    SignalAt(monkeypatch, batches=1)
    assert train(tiny_config(small_partnet, tmp_path, test_every_iter=4)) == 128 + signal.SIGTERM
    assert capsys.readouterr().err.splitlines()[-1].startswith("SIGTERM: stopped after 5 iterations")
    assert (tmp_path / "checkpoints" / "iter-5.index").is_file() and not (tmp_path / "results.json").exists()


def test_a_signal_at_the_last_step_leaves_the_evaluation_to_the_next_run(small_partnet, tmp_path, monkeypatch, capsys):
    whole = RunLog.write

    def write(log, step, *rest):
        whole(log, step, *rest)
        if step == 8:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(RunLog, "write", write)
    monkeypatch.setattr("instance_seg.evaluator.evaluate_readings", None)
    assert train(tiny_config(small_partnet, tmp_path)) == 128 + signal.SIGINT
    assert "the training is finished" in capsys.readouterr().err


@pytest.mark.parametrize("swept", [False, True])
def test_a_signal_leaves_the_results_of_an_earlier_evaluation(unbroken, small_partnet, tmp_path, monkeypatch, swept):
    config = tiny_config(small_partnet, tmp_path, category="Chair", ckpt=str(unbroken))
    evaluate(config)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(before) == 7  # results, table, viewer, three levels, the lock
    SignalAt(monkeypatch, batches=3)
    with pytest.raises(SystemExit, match=str(128 + signal.SIGTERM)), ending_at_signals("stopped"):
        sweep(config, ["bandwidth=0.05"]) if swept else evaluate(config)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_loss_that_is_not_finite_names_step_term_and_checkpoint(small_partnet, tmp_path, monkeypatch):
    config = tiny_config(small_partnet, tmp_path, learning_rate=1e30, ckpt_every_iter=1, weight_decay=0.0)
    message = code_of_program(config, monkeypatch)  # a text, with which Python leaves with code 1
    assert message.startswith("error: ") and "\n" not in message
    assert "level_1/" in message and "is not finite at iteration" in message and "iter-" in message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"category": "Chiar"}, "Chair"),
        ({"data_dir": "/nowhere"}, "/nowhere"),
        ({"data_dir": ""}, "--data_dir is needed"),
        ({"logdir": ""}, "--logdir is needed"),
        ({"logdir": "/proc/nowhere"}, "--logdir=/proc/nowhere cannot be written to"),
    ],
)
def test_bad_settings_name_the_flag(small_partnet, tmp_path, more, message):
    with pytest.raises(ValueError, match=message):
        train(tiny_config(small_partnet, tmp_path / "run", **more))


def test_describe_needs_no_data(monkeypatch, capsys):
    network = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8}
    with_flags(load_config("paper", {"category": "Scissors"} | network), monkeypatch, describe=True)
    main([])
    shown = capsys.readouterr().out
    assert "trainable parameters" in shown and "[27, 4, 8]" in shown

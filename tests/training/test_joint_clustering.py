"""The last phase of a training, in which bandwidth and lambda of each class are learned with the network."""

import csv
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from systems.small_systems import cloud, labeled, run, semantic_assisted
from training.small_runs import tiny_config

from instance_seg.building import build_system, make_data_set, weights_of
from instance_seg.clustering.by_class import FILE_NAME
from instance_seg.config import make_config
from instance_seg.data.augment import STILL
from instance_seg.evaluation.results import read_results
from instance_seg.experiment import evaluate, train
from instance_seg.schedule import ScheduleConfig, last_phase_begins
from instance_seg.structures import Cloud, Labels
from instance_seg.systems.offset_system import CLUSTERING
from instance_seg.training.checkpoint import Progress, describe_system
from instance_seg.training.optimizers import Adam, Momentum
from instance_seg.training.step import Step
from instance_seg.training.weights_folder import write_weights_folder

SMALL = {"depth": 3, "channels": (8, 8), "num_blocks": 1, "head_width": 8}
LEARNED = ["jointly learned gaussian", "jointly learned flat 2.45 s", "jointly learned flat 1.18 s"]
RATE = 0.2


def learning(**more):
    """A small network that learns by modes, with its variables, and a batch of which it knows the classes."""
    keras.utils.set_random_seed(0)
    network = semantic_assisted((3, 4), **SMALL | {"learn_clustering": "modes", "bandwidth": 0.3} | more)
    points = cloud(0)
    run(network, points)
    batch, rng, readout = labeled(network, points), np.random.default_rng(0), network.readout
    instance = tf.constant(rng.integers(0, 2, len(points.xyz)), tf.int32)
    batch = batch._replace(labels=tuple(each._replace(instance=instance) for each in batch.labels))

    def knowing(outputs):
        return tuple(
            each._replace(semantic=labels.semantic) for each, labels in zip(readout(outputs), batch.labels, strict=True)
        )

    network.readout = knowing
    return network, batch


def numbers(variables):
    return {v.path: v.numpy() for v in variables}


def gradients_of(network, batch, terms):
    """Of a sum of terms of the loss, by variable."""
    with tf.GradientTape() as tape:
        outputs = network(batch.points, batch.tables, phase=CLUSTERING, training=False)
        total = tf.add_n(terms(outputs))
    variables = network.trainable_variables
    found = tape.gradient(total, [v.value for v in variables], unconnected_gradients="zero")
    return {v.path: tf.convert_to_tensor(g).numpy() for v, g in zip(variables, found)}


def test_the_phase_begins_at_four_fifths_of_the_schedule():
    assert last_phase_begins(ScheduleConfig(max_iter=3000)) == 2400
    assert last_phase_begins(ScheduleConfig(max_iter=600, last_phase_at=0.0)) == 0


def test_values_move_at_a_tenth_of_the_rate_and_statistics_rest():
    network, batch = learning()

    def terms(outputs):
        every = network.losses(outputs, batch) | network.phase_losses(outputs, batch, CLUSTERING)
        return list(every.values())

    gradients, variables = gradients_of(network, batch, terms), network.trainable_variables
    before = numbers(network.variables)
    step = Step(network, Momentum([v.value for v in variables], 0.0, network.rate_factors()))
    step.update(batch, tf.constant(RATE), CLUSTERING, training=False)
    after, learned = numbers(network.variables), numbers(network.learned.variables)
    assert len(learned) == 2 and len(network.non_trainable_variables) > 10
    for v in network.variables:
        rate = 0.0 if not v.trainable else 0.1 * RATE if v.path in learned else RATE
        moved = after[v.path] - before[v.path]
        np.testing.assert_allclose(moved, -rate * gradients.get(v.path, 0 * moved), rtol=1e-3, atol=1e-6)
        assert not v.trainable or np.abs(moved).max() > 0 or np.abs(gradients[v.path]).max() < 1e-6
    assert all(np.abs(after[path] - before[path]).max() > 1e-5 for path in learned)


def test_values_rest_before_the_phase_and_do_not_decay():
    network, batch = learning(weight_decay=0.1)
    before = numbers(network.learned.variables)
    step = Step(network, Momentum([v.value for v in network.trainable_variables], 0.9, network.rate_factors()))
    losses, _ = step.update(batch, tf.constant(RATE))
    after = numbers(network.learned.variables)
    assert all((after[path] == before[path]).all() for path in before)
    assert [float(losses[f"level_{k}/clustering"]) for k in (1, 2)] == [0, 0]


def test_the_bandwidth_stays_within_its_limits():
    network, batch = learning(clustering_rate=1e4)
    step = Step(network, Momentum([v.value for v in network.trainable_variables], 0.0, network.rate_factors()))
    step.update(batch, tf.constant(RATE), CLUSTERING, training=False)
    bandwidth, _ = network.learned.numbers()
    assert 0.0199 < bandwidth.min() and bandwidth.max() == pytest.approx(0.4)


@pytest.mark.parametrize("first", ["", "from labels"])
def test_values_begin_at_the_default_reading(first, tmp_path):
    """The boundary of the kernel is at half the distance of a pair, and as far as it may be where there is none."""
    network, _ = learning(first_reading=first)
    place = np.float32([0, 0.2, 1])
    xyz = np.repeat(np.stack([place, 0 * place, 0 * place], axis=1), 5, axis=0)
    labels = Labels(np.repeat(np.int32([1, 1, 2]), 5), np.repeat(np.int32([0, 1, 2]), 5))
    given = network.learned.numbers()
    network.prepare_readings(None, [Cloud(xyz, xyz, (labels, labels), "")], lambda place: STILL)
    assert not list(tmp_path.iterdir())
    bandwidth, push = network.learned.numbers()
    if not first:
        np.testing.assert_array_equal((bandwidth, push), given)
        return
    spread = 2.45 / 1.1774
    np.testing.assert_allclose(bandwidth, [0.1 * spread, 0.4, 0.1 * spread, 0.4, 0.4], rtol=1e-3)
    np.testing.assert_allclose(push, [0.025, 0.005, 0.025, 0.005, 0.005], rtol=1e-3)
    np.testing.assert_allclose(network.learned.prior(), 0, atol=1e-9)
    network.prepare_readings(tmp_path, [Cloud(xyz, xyz, (labels, labels), "")], lambda place: STILL)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_adam_takes_a_part_of_the_rate_as_well():
    weights = [tf.Variable([1.0]), tf.Variable([1.0])]
    Adam(weights, [1.0, 0.1]).apply([tf.constant([2.0])] * 2, weights, tf.constant(0.1))
    np.testing.assert_allclose([1 - float(w[0]) for w in weights], [0.1, 0.01], rtol=1e-3)


@pytest.mark.parametrize("loss", ["modes", "pairs"])
def test_network_and_values_get_a_gradient_of_the_clustering(loss):
    """That of the network is in proportion to the weight, that of the values is not."""
    network, batch = learning()
    found = {}
    for weight in (0.0, 1.0, 2.0):
        network.settings = semantic_assisted((3, 4), learn_clustering=loss, clustering_weight=weight).settings
        found[weight] = gradients_of(
            network, batch, lambda outputs: list(network.phase_losses(outputs, batch, CLUSTERING).values())
        )
    for part, factor in {
        "backbone": 2,
        "offset_0": 2,
        "offset_1": 2,
        "learned_log_s": 1,
        "learned_raw_lambda": 1,
    }.items():
        none, once, twice = (
            np.concatenate([g.ravel() for v, g in of.items() if f"/{part}" in v]) for of in found.values()
        )
        assert np.abs(once).max() > 0 and (none.any() == (factor == 1)), part
        np.testing.assert_allclose(twice, factor * once, rtol=1e-3, atol=1e-5 * np.abs(once).max(), err_msg=part)


def test_a_push_that_is_cut_cannot_be_learned():
    with pytest.raises(ValueError, match="learn_clustering=modes learns the length of a push, which region_push=soft"):
        make_config({"learn_clustering": "modes", "region_push": "soft"})


def test_a_system_that_does_not_cluster_by_offsets_has_no_such_setting():
    with pytest.raises(ValueError, match="'learn_clustering' belongs to system=semantic_assisted .*this run has not"):
        make_config({"system": "pointgroup", "learn_clustering": "modes"})


def given(small_partnet, folder, **more):
    return tiny_config(small_partnet, folder, **{"learn_clustering": "modes", "max_iter": 10, "test_shapes": 2} | more)


@pytest.fixture(scope="module")
def trained(small_partnet, tmp_path_factory):
    """A run of ten updates, the last two of them in the phase, with a checkpoint after each."""
    folder = tmp_path_factory.mktemp("joint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("instance_seg.training.trainer.SETTLED", 0)
        assert train(given(small_partnet, folder, ckpt_every_iter=1, keep_ckpts=10)) == 0
    return folder


def stored(folder, step):
    """The variables of the system in a checkpoint."""
    reader = tf.train.load_checkpoint(str(folder / "checkpoints" / f"iter-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("model/")]
    return {name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name) for name in names}


def clustering_losses(folder):
    with open(folder / "losses.csv", newline="") as file:
        return [float(row["level_1/clustering"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_in_a_run_values_move_and_statistics_rest_in_the_last_fifth(trained):
    losses = clustering_losses(trained)
    assert losses[:8] == [0] * 8 and min(losses[8:]) > 0
    states = [stored(trained, step) for step in range(1, 11)]
    values = [name for name in states[0] if "learned" in name]
    statistics = [name for name in states[0] if "moving" in name]
    assert len(values) == 2 and len(statistics) > 10
    for names, resting in ((values, range(7)), (statistics, (7, 8))):
        for i in range(9):
            same = all((states[i][name] == states[i + 1][name]).all() for name in names)
            assert same == (i in resting), (names[0], i)


@pytest.mark.slow
def test_a_run_that_goes_on_in_the_phase_ends_as_one_that_was_not_interrupted(
    trained, small_partnet, tmp_path, monkeypatch
):
    again = shutil.copytree(trained, tmp_path / "again")
    for path in (again / "checkpoints").glob("iter-10.*"):
        path.unlink()
    monkeypatch.setattr("instance_seg.training.trainer.SETTLED", 0)
    assert train(given(small_partnet, again, keep_ckpts=10)) == 0
    want, got = stored(trained, 10), stored(again, 10)
    assert want.keys() == got.keys()
    for name in want:
        np.testing.assert_array_equal(got[name], want[name], err_msg=name)
    assert clustering_losses(again) == clustering_losses(trained)
    files = [folder / "checkpoints" / FILE_NAME for folder in (trained, again)]
    assert files[0].read_text() == files[1].read_text()


@pytest.mark.slow
def test_the_values_are_readings_of_the_run_and_of_each_checkpoint(trained, small_partnet, tmp_path):
    readings = read_results(trained / "results.json")["readings"]
    assert list(readings) == ["with region centers", "without region centers", *LEARNED]
    assert [readings[name]["settings"]["kernel"] for name in LEARNED] == ["gaussian", "flat", "flat"]
    table = pd.read_csv(trained / "checkpoints" / FILE_NAME)
    found = table[table["reading"] == LEARNED[0]]["bandwidth"]
    (log_s,) = (value for name, value in stored(trained, 10).items() if "log_s" in name)
    np.testing.assert_allclose(found, 2.45 * np.exp(log_s), rtol=1e-4)
    by_class = readings[LEARNED[0]]["settings"]["by_class"]
    assert [each["bandwidth"] for level in by_class.values() for each in level.values()] == found.tolist()
    assert f"h {LEARNED[2]}" in (trained / "table.md").read_text()
    for name, more, same in (
        ("not learning", {"learn_clustering": "none"}, True),  # the file has them
        ("before the phase", {"ckpt": str(trained / "checkpoints" / "iter-8")}, False),
    ):
        evaluate(given(small_partnet, tmp_path / name, **{"ckpt": str(trained)} | more))
        again = read_results(tmp_path / name / "results.json")["readings"]
        assert (again == readings) == same and list(again) == list(readings)
    before = again[LEARNED[0]]["settings"]["by_class"]
    assert {each["bandwidth"] for level in before.values() for each in level.values()} == {0.1}


@pytest.mark.slow
def test_the_phase_can_start_from_a_network_that_was_trained_without(small_partnet, tmp_path):
    """Whose checkpoint lacks the values."""
    config = given(small_partnet, tmp_path / "a", learn_clustering="none", seed=1)
    system = build_system(config, make_data_set(config).task())
    for v in system.non_trainable_variables:
        v.assign(v + 0.5)
    weights_of(config, system, tmp_path / "a").save(Progress(1, 0.0))
    with pytest.raises(
        ValueError, match="iter-1 has no learned_log_s, which the settings want: .* Leave out the setting"
    ):
        evaluate(given(small_partnet, tmp_path / "c", ckpt=str(tmp_path / "a"), seed=1))
    more = {"ckpt": str(tmp_path / "a"), "max_iter": 1, "last_phase_at": 0.0}
    assert train(given(small_partnet, tmp_path / "b", **more)) == 0
    assert clustering_losses(tmp_path / "b")[0] > 0
    want, got = stored(tmp_path / "a", 1), stored(tmp_path / "b", 1)
    statistics = [name for name in want if "moving" in name]
    assert statistics and all((got[name] == want[name]).all() for name in statistics)
    assert {name.removeprefix("model/") for name in got.keys() - want.keys()} == {"learned_log_s", "learned_raw_lambda"}
    with pytest.raises(ValueError, match="iter-1 has no learned_log_s: .* in another --logdir, by --ckpt"):
        train(given(small_partnet, tmp_path / "a", last_phase_at=1.0, max_iter=500, seed=1))


def test_weights_to_give_away_serve_settings_that_learn_no_values(tmp_path):
    """As a checkpoint does, which may hold more than is read."""
    config = tiny_config("", tmp_path)
    task = make_data_set(config).task()
    checkpoints = weights_of(config, build_system(config, task), tmp_path)
    want = {name: variable.numpy() + 1 for name, variable in checkpoints.weights.items()}
    for more in ({}, {"unknown": np.float32([1])}):
        write_weights_folder(tmp_path, want | {"learned_log_s": np.float32([1])} | more, describe_system(config, task))
        if more:
            with pytest.raises(
                ValueError, match="1 variables do not fit .*; it holds unknown, which the network has no"
            ):
                checkpoints.restore_weights(str(tmp_path))
        else:
            checkpoints.restore_weights(str(tmp_path))
            assert all((checkpoints.weights[name].numpy() == value).all() for name, value in want.items())


def test_the_phase_wants_settled_statistics(small_partnet, tmp_path):
    with pytest.raises(ValueError, match="'clustering', in which .* begin after 8 .*, and they take 500 to settle: ra"):
        train(given(small_partnet, tmp_path))

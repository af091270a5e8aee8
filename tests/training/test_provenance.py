import os
import subprocess
import types

import pytest
from small_results import SETTINGS, readings

from instance_seg.evaluation.evaluate import Evaluation
from instance_seg.evaluation.results import read_results
from instance_seg.presets import load_config
from instance_seg.run_files import save_results
from instance_seg.training.checkpoint import Progress
from instance_seg.training.run_record import commit, history, keep_record, provenance


def git(root, *arguments):
    who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    return subprocess.run(["git", "-C", root, *who, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path):
    for name in ("instance_seg/config.py", "experiments/README.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_commit_of_a_clean_program(repository):
    head = git(repository, "rev-parse", "--short", "HEAD").strip()
    assert commit(repository) == head
    (repository / "experiments" / "README.md").write_text("what results do not depend on")
    (repository / "results.json").write_text("{}")
    assert commit(repository) == head


@pytest.mark.parametrize("name", ["instance_seg/config.py", "instance_seg/new.py"])
def test_a_changed_program_is_of_no_commit(repository, name):
    (repository / name).write_text("changed = True")
    assert commit(repository) is None


def test_no_commit_without_a_repository_or_git(tmp_path, repository, monkeypatch):
    installed = repository / ".venv" / "site-packages"  # inside a repository, but not of it
    (installed / "instance_seg").mkdir(parents=True)
    (installed / "instance_seg" / "config.py").write_text("")
    assert commit(installed) is None and commit(tmp_path / "nowhere") is None
    monkeypatch.setenv("PATH", os.devnull)
    assert commit(repository) is None


def test_what_results_say_of_their_origin():
    origin = provenance(load_config("demo"))
    assert origin["machine"].split(", ")[0] == f"{len(os.sched_getaffinity(0))} CPUs"
    assert set(origin) == {"commit", "machine", "engine"}
    assert origin["engine"]["strategy"] == "one_device" and origin["engine"]["mixed_precision"] == "none"


def test_seed_and_schedule_are_those_of_the_training(tmp_path):
    data = {"train": "96 shapes", "test": "32 shapes"}
    trained = load_config("demo", {"seed": 3, "max_iter": 7, "decay_at": (0.4, 0.6)})
    keep_record(tmp_path, trained, data, 0)
    given = load_config("demo", {"train_batch_size": 2})
    known = history(tmp_path, data, given)
    assert (known["seed"], known["schedule"]["max_iter"], known["schedule"]["train_batch_size"]) == (3, 7, 4)
    assert list(known["schedule"]["decay_at"]) == [0.4, 0.6]
    unknown = history(tmp_path / "weights.safetensors", data, given)
    assert (unknown["seed"], unknown["schedule"]["train_batch_size"]) == (0, 2)
    assert known.keys() == unknown.keys()


@pytest.mark.parametrize("settings", [{}, {"test_copies": 6}])
def test_results_say_over_how_many_copies_outputs_are_averaged(settings, tmp_path):
    config = load_config("demo", settings | {"logdir": str(tmp_path)})
    system = types.SimpleNamespace(task=types.SimpleNamespace(subset="Chair"), trainable_variables=[])
    seconds = {"predict": 1.0, "cluster": 1.0, "metrics": 1.0}
    save_results(config, system, Evaluation(readings({0: 80.0}), seconds, [], 1, {}), Progress(800, 1.0), {"seed": 0})
    saved = read_results(tmp_path / "results.json")["readings"]
    assert len(saved) == 2
    assert all(reading["settings"].keys() == SETTINGS.keys() | settings.keys() for reading in saved.values())
    assert all(reading["settings"].get("test_copies") == settings.get("test_copies") for reading in saved.values())
    assert ("means over 6 copies of each cloud" in (tmp_path / "table.md").read_text()) == bool(settings)

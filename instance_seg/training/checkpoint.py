"""Checkpoints of a run: weights, momentum and step, with a description of the network they belong to."""

import dataclasses
import json
import pathlib

import tensorflow as tf

from instance_seg.data.atomic_file import write_text
from instance_seg.systems.semantic_assisted import NetworkConfig

DESCRIPTION = "network.json"


def describe_network(category: str, config: NetworkConfig, num_classes: tuple[int, ...]) -> dict:
    """What must agree between a checkpoint and the network that reads it."""
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(config).items()}
    return {"category": category, "num_classes": list(num_classes), "network": settings}


class Checkpoints:
    """Saves and restores the state of a training in `folder`; TensorFlow writes each file under a temporary name first.

    Args:
        folder: where the checkpoints and network.json live.
        model, optimizer: built, so that every variable exists.
        description: see `describe_network`.
        keep: how many checkpoints stay.
    """

    def __init__(self, folder, model, optimizer, description: dict, keep: int = 3):
        self.folder = pathlib.Path(folder)
        self.description = description
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._state = tf.train.Checkpoint(model=model, optimizer=optimizer, step=self.step)
        self._weights = tf.train.Checkpoint(model=model)
        self._manager = tf.train.CheckpointManager(self._state, str(folder), max_to_keep=keep, checkpoint_name="iter")

    @property
    def latest(self) -> str | None:
        """Prefix of the newest checkpoint of the folder."""
        return self._manager.latest_checkpoint

    def save(self, step: int) -> str:
        """Writes the state after `step` updates; returns its prefix."""
        self.step.assign(step)
        write_text(self.folder / DESCRIPTION, json.dumps(self.description, indent=2) + "\n")
        return self._manager.save(checkpoint_number=step)

    def resume(self) -> int:
        """Restores the newest state of the folder, if there is one; returns the number of updates it has seen."""
        if self.latest is None:
            return 0
        self._check(self.latest)
        self._restore(self._state, self.latest)
        return int(self.step.numpy())

    def restore_weights(self, checkpoint: str) -> int:
        """Restores weights (not momentum) from a checkpoint prefix or the newest one of a folder; returns its step."""
        prefix = find_checkpoint(checkpoint)
        self._check(prefix)
        self._restore(self._weights, prefix)
        return int(tf.train.load_variable(prefix, "step/.ATTRIBUTES/VARIABLE_VALUE"))

    def _check(self, prefix):
        path = pathlib.Path(prefix).parent / DESCRIPTION
        if not path.is_file():
            raise ValueError(f"{path} is missing: it describes the network of checkpoint {prefix}")
        stored = json.loads(path.read_text())
        differing = _differences(stored, self.description)
        if differing:
            raise ValueError(f"checkpoint {prefix} is of another network: {'; '.join(differing)}")

    @staticmethod
    def _restore(checkpoint, prefix):
        try:
            checkpoint.restore(prefix).assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise ValueError(f"checkpoint {prefix} cannot be read into this network: {error}") from error


def find_checkpoint(path: str) -> str:
    """A checkpoint prefix from a prefix, a checkpoint folder or a run's folder; ValueError if there is none."""
    if pathlib.Path(f"{path}.index").is_file():
        return str(path)
    for folder in (pathlib.Path(path), pathlib.Path(path) / "checkpoints"):
        latest = tf.train.latest_checkpoint(str(folder)) if folder.is_dir() else None
        if latest:
            return latest
    raise ValueError(f"--ckpt={path}: neither a checkpoint (PREFIX of PREFIX.index) nor a folder with one")


def read_description(checkpoint: str) -> dict:
    """The network description beside a checkpoint; ValueError if it is missing."""
    path = pathlib.Path(find_checkpoint(checkpoint)).parent / DESCRIPTION
    if not path.is_file():
        raise ValueError(f"{path} is missing: it describes the network of the checkpoint")
    return json.loads(path.read_text())


def _differences(stored: dict, wanted: dict) -> list[str]:
    flat_stored, flat_wanted = ({**d, **d.get("network", {})} for d in (stored, wanted))
    names = [n for n in flat_wanted if n != "network"]
    return [
        f"{n} is {flat_stored.get(n)!r} there and {flat_wanted[n]!r} here"
        for n in names
        if flat_stored.get(n) != flat_wanted[n]
    ]

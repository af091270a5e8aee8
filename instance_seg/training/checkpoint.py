"""Checkpoints of a run: weights, momentum and step, with a description of the network they belong to."""

import dataclasses
import pathlib
from typing import NamedTuple

import tensorflow as tf

from instance_seg.files import read_json, write_json
from instance_seg.systems.settings import NetworkConfig

DESCRIPTION = "network.json"


def describe_network(category: str, config: NetworkConfig, num_classes: tuple[int, ...], level: int = 0) -> dict:
    """What must agree between a checkpoint and the network that reads it; `level` as in --level, 0 = all."""
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(config).items()}
    return {"category": category, "level": level, "num_classes": list(num_classes), "network": settings}


class Progress(NamedTuple):
    """How far a training has come."""

    step: int  # updates done
    seconds: float  # spent training, interruptions left out


class Checkpoints:
    """Saves and restores the state of a training in `folder`; TensorFlow writes each file under a temporary name first.

    Args:
        folder: where the checkpoints and network.json live.
        model, optimizer: built, so that every variable exists.
        description: see `describe_network`.
        keep: how many checkpoints stay.
        loss_scale: a tf.Module, saved too; a checkpoint without one leaves it as it is.
    """

    def __init__(self, folder, model, optimizer, description: dict, keep: int = 3, loss_scale=None):
        self.folder = pathlib.Path(folder)
        self.description = description
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        weights = _variables_by_path(model)
        state = {"model": weights, "optimizer": optimizer, "step": self._step, "seconds": self._seconds}
        self._weights, self._state = tf.train.Checkpoint(model=weights), tf.train.Checkpoint(**state)
        self._loss_scale = tf.train.Checkpoint(**({"loss_scale": loss_scale} if loss_scale else {}))
        all_of_it = tf.train.Checkpoint(**state, **({"loss_scale": loss_scale} if loss_scale else {}))
        self._manager = tf.train.CheckpointManager(all_of_it, str(folder), max_to_keep=keep, checkpoint_name="iter")

    @property
    def latest(self) -> str | None:
        """Prefix of the newest checkpoint of the folder."""
        return self._manager.latest_checkpoint

    @property
    def progress(self) -> Progress:
        """What the last save or resume held."""
        return Progress(int(self._step.numpy()), float(self._seconds.numpy()))

    def save(self, progress: Progress) -> str:
        """Writes the state after `progress.step` updates; returns its prefix."""
        self._step.assign(progress.step)
        self._seconds.assign(progress.seconds)
        write_json(self.folder / DESCRIPTION, self.description, indent=1)
        return self._manager.save(checkpoint_number=progress.step)

    def resume(self) -> Progress:
        """Restores the newest state of the folder, if there is one."""
        if self.latest is not None:
            self._check(self.latest)
            self._restore(self._state, self.latest)
            self._loss_scale.restore(self.latest).expect_partial()
        return self.progress

    def restore_weights(self, checkpoint: str) -> Progress:
        """Restores weights (not momentum) from a checkpoint prefix or the newest one of a folder."""
        prefix = find_checkpoint(checkpoint)
        self._check(prefix)
        self._restore(self._weights, prefix)
        step, seconds = (tf.train.load_variable(prefix, f"{n}/.ATTRIBUTES/VARIABLE_VALUE") for n in ("step", "seconds"))
        return Progress(int(step), float(seconds))

    def _check(self, prefix):
        differing = _differences(read_description(prefix), self.description)
        if differing:
            raise ValueError(f"checkpoint {prefix} is of another network: {'; '.join(differing)}")

    @staticmethod
    def _restore(checkpoint, prefix):
        try:
            checkpoint.restore(prefix).assert_existing_objects_matched().expect_partial()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise ValueError(f"checkpoint {prefix} cannot be read into this network: {error}") from error


def _variables_by_path(model) -> dict[str, tf.Variable]:
    """Every variable under its path in the model: TensorFlow does not look for layers inside lists."""
    return {v.path.partition("/")[2]: v.value for v in model.variables}


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
    """The network description beside a checkpoint; ValueError naming the file if it is missing."""
    return read_json(pathlib.Path(find_checkpoint(checkpoint)).parent / DESCRIPTION)


def _differences(stored: dict, wanted: dict) -> list[str]:
    """A setting the stored description lacks is younger than the checkpoint, which then has its default."""
    defaults = describe_network("", NetworkConfig(), ())
    flat_defaults, flat_stored, flat_wanted = ({**d, **d.get("network", {})} for d in (defaults, stored, wanted))
    flat_stored = flat_defaults | flat_stored
    names = [n for n in flat_wanted if n != "network"]
    return [
        f"{n} is {flat_stored.get(n)!r} there and {flat_wanted[n]!r} here"
        for n in names
        if flat_stored.get(n) != flat_wanted[n]
    ]

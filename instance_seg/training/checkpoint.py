"""Checkpoints of a run: weights, momentum and step, with a description of the network they belong to."""

import pathlib
import sys
from typing import Any, NamedTuple

import tensorflow as tf

from instance_seg.config import Config
from instance_seg.files import write_json
from instance_seg.nesting import options
from instance_seg.released.spconv_import import import_spconv_weights
from instance_seg.released.weight_files import is_weight_file
from instance_seg.structures import Task
from instance_seg.training.checkpoint_files import (
    DESCRIPTION,
    checkpoints_in,
    find_checkpoints,
    prefix_of,
    read_description,
    remove_checkpoint,
    remove_unfinished,
)
from instance_seg.training.weights_folder import check_shapes, is_weights_folder, read_folder_weights


def describe_system(config: Config, task: Task) -> dict[str, Any]:
    """What a checkpoint is of; all but "other_settings" must agree with the system that reads it."""
    flat = {name: list(value) if isinstance(value, tuple) else value for name, value in config.flat().items()}
    own = [o for o in config.options() if o.group.split(".")[0] == "network"]
    return {
        "data_set": config.data_set,
        "source": {o.name: flat[o.name] for o in config.options() if o.group == "source"},
        "system": config.system,
        "settings": {o.name: flat[o.name] for o in own if o.of_weights},
        "other_settings": {o.name: flat[o.name] for o in own if not o.of_weights},
        "num_classes": list(task.num_classes),
    }


class Progress(NamedTuple):
    """How far a training has come."""

    step: int  # updates done
    seconds: float  # spent training, interruptions left out


class Checkpoints:
    """Saves and restores the state of a training in `folder`; TensorFlow writes each file under a temporary name first.

    Args:
        folder: where the checkpoints and network.json live.
        model, optimizer: built, so that every variable exists.
        description: see `describe_system`.
        keep: how many checkpoints stay.
        loss_scale: a tf.Module, saved too; a checkpoint without one leaves it as it is.
    """

    def __init__(self, folder, model, optimizer, description: dict, keep: int = 3, loss_scale=None):
        self.folder, self.description, self.keep = pathlib.Path(folder), description, keep
        self._model = model
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        # By their paths in the model: TensorFlow does not look for layers inside lists.
        self.weights = {v.path.partition("/")[2]: v.value for v in model.variables}
        needed = {name: v for name, v in self.weights.items() if not name.startswith(model.may_lack)}
        state = {"model": self.weights, "optimizer": optimizer, "step": self._step, "seconds": self._seconds}
        scale = {"loss_scale": loss_scale} if loss_scale else {}
        self._weights, self._state = tf.train.Checkpoint(model=self.weights), tf.train.Checkpoint(**state)
        self._needed = tf.train.Checkpoint(model=needed)
        self._loss_scale, self._all = tf.train.Checkpoint(**scale), tf.train.Checkpoint(**state, **scale)

    @property
    def latest(self) -> str | None:
        """Prefix of the newest checkpoint of the folder."""
        return next(iter(checkpoints_in(self.folder)), None)

    @property
    def progress(self) -> Progress:
        """What the last save or resume held."""
        return Progress(int(self._step.numpy()), float(self._seconds.numpy()))

    def save(self, progress: Progress) -> str:
        """Writes the state after `progress.step` updates and returns its prefix.

        Raises OSError if it cannot be written, as on a full disk. The checkpoints before it are as they were.
        """
        self._step.assign(progress.step)
        self._seconds.assign(progress.seconds)
        prefix, before = prefix_of(self.folder, progress.step), self.latest
        try:
            write_json(self.folder / DESCRIPTION, self.description, indent=1)
            self._all.write(prefix)
        except (OSError, tf.errors.OpError) as error:
            remove_unfinished(self.folder)
            text = str(error).splitlines()[0]  # of TensorFlow: {{node}} path; reason [Op:SaveV2]
            reason = getattr(error, "strerror", None) or text.rpartition("; ")[2].partition(" [Op:")[0]
            good = f"the last good one is {before}" if before else "there is none before it"
            raise OSError(
                f"checkpoint {prefix} cannot be written ({reason}); {good}. Make room; the same command continues"
            ) from error
        for old in checkpoints_in(self.folder)[self.keep :]:
            remove_checkpoint(old)
        return prefix

    def resume(self) -> Progress:
        """Restores the newest state of the folder that can be read, if there is one."""
        there = checkpoints_in(self.folder)
        if there:
            self._require_learned(there[0])
            prefix = self._restore_first(self._state, there)
            self._loss_scale.read(prefix).expect_partial()
        return self.progress

    def _require_learned(self, prefix: str) -> None:
        """A state without variables that weights may lack is without their momentum as well."""
        try:
            lacking = self._lacking(prefix)
        except tf.errors.OpError:  # damaged, which `_restore_first` tells
            return
        if lacking and self._checked(prefix)["other_settings"] != self.description["other_settings"]:
            raise ValueError(
                f"{prefix} has no {lacking[0]}: a training does not begin to learn it on its way. Start from this "
                "checkpoint in another --logdir, by --ckpt"
            )

    def _lacking(self, prefix: str) -> list[str]:
        """The weights that a checkpoint may be without, and this one is."""
        there = {name.removeprefix("model/").partition("/.")[0] for name, _ in tf.train.list_variables(prefix)}
        return [name for name in self.weights if name.startswith(self._model.may_lack) and name not in there]

    def restore_weights(self, checkpoint: str, complete: bool = True) -> Progress:
        """Restores weights (not momentum) from a prefix, or from the newest checkpoint of a folder that can be read.

        From a weights folder as well, and from a file of PyTorch's, which does not say how far it was trained.

        Args:
            complete: refuse a checkpoint without weights that a training begins by itself (`System.may_lack`).

        Raises:
            ValueError: nothing there can be read, is of another network, or lacks weights.
        """
        if is_weights_folder(checkpoint):
            return self._take_folder(checkpoint, complete)
        if is_weight_file(checkpoint):
            taken = import_spconv_weights(checkpoint, self._model)
            rest = f"; left as they begin: {', '.join(taken.new)}" if taken.new else ""
            print(f"{taken.tensors} tensors, {taken.numbers:,} numbers taken from {checkpoint}{rest}")
            return Progress(0, 0.0)
        prefix = self._restore_first(self._needed, find_checkpoints(checkpoint))
        self._weights.read(prefix).expect_partial()
        if complete:
            _require_none(self._lacking(prefix), prefix)
        step, seconds = (tf.train.load_variable(prefix, f"{n}/.ATTRIBUTES/VARIABLE_VALUE") for n in ("step", "seconds"))
        return Progress(int(step), float(seconds))

    def _take_folder(self, folder: str, complete: bool) -> Progress:
        description = self._checked(folder)
        found = {  # without what the settings do not want, as TensorFlow reads a checkpoint
            name: value
            for name, value in read_folder_weights(folder).items()
            if name in self.weights or not name.startswith(self._model.may_lack)
        }
        there = [name for name in self.weights if name in found or not name.startswith(self._model.may_lack)]
        check_shapes(folder, found, {name: self.weights[name].shape for name in there})
        if complete:
            _require_none([name for name in self.weights if name not in there], folder)
        for name, value in found.items():
            self.weights[name].assign(value)
        trained = description.get("trained", {})
        return Progress(int(trained.get("iterations", 0)), float(trained.get("seconds", 0.0)))

    def _checked(self, checkpoint: str) -> dict[str, Any]:
        description = read_description(checkpoint)
        if differing := _differences(description, self.description):
            raise ValueError(f"checkpoint {checkpoint} is of another network: {'; '.join(differing)}")
        return description

    def _restore_first(self, state: tf.train.Checkpoint, prefixes: list[str]) -> str:
        """Restores the first checkpoint that is whole and returns its prefix; warns of those that are not."""
        self._checked(prefixes[0])
        damaged = []
        for prefix in prefixes:
            try:
                state.read(prefix).assert_existing_objects_matched().expect_partial()
            except Exception as error:  # of half a dozen types, by what of the files is damaged
                reason = " ".join(str(error).split())[:200]
                damaged.append(f"checkpoint {prefix} cannot be read into this network ({reason})")
                continue
            for each in damaged:
                print(f"warning: {each}; {prefix} is used instead", file=sys.stderr)
            return prefix
        others = f", nor can {len(damaged) - 1} before it" if len(damaged) > 1 else ""
        remedy = "name an older one by --ckpt=PREFIX, or remove it and start over"
        raise ValueError(f"{damaged[0]}{others}; {remedy}")


def _require_none(lacking: list[str], checkpoint: str) -> None:
    if lacking:
        raise ValueError(
            f"{checkpoint} has no {lacking[0]}, which the settings want: it was trained with others. Leave out the "
            "setting that learns it"
        )


def _differences(stored: dict, wanted: dict) -> list[str]:
    """A setting the stored description lacks is younger than the checkpoint, which then has its default.

    Settings that change no result may differ.
    """
    differing = []
    flat_stored, flat_wanted = ({**d, **d["source"], **d["settings"]} for d in (stored, wanted))
    known = list(options(Config, flat_wanted))
    defaults, passed_over = {o.name: o.default for o in known}, {o.name for o in known if o.free}
    passed_over |= {"source", "settings", "other_settings"}
    for name, value in flat_wanted.items():
        was = flat_stored.get(name, defaults.get(name))
        was = list(was) if isinstance(was, tuple) else was
        if name not in passed_over and was != value:
            differing.append(f"{name} is {was!r} there and {value!r} here")
    return differing

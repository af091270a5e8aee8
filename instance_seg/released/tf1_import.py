"""Reads the weights of a TF1 checkpoint of the released program (V2 format) into our network.

Either every variable of the network is there once, in the expected shape, and nothing else of the network is, or
nothing is taken. Momentum slots and whatever stands outside the network's scope (the step) are passed over. The graph
file (.meta) is not needed.
"""

import pathlib
import re
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.data.partnet.taxonomy import CATEGORIES, load_taxonomy
from instance_seg.released.tf1_variables import SCOPE, tf1_variables

SLOT = "/Momentum"
STEP = "optimizer/learning_rate/Variable"  # the released program's unnamed step counter
READ_ERRORS = (tf.errors.OpError, IndexError, ValueError, RuntimeError)  # TensorFlow's reader raises all of them
SEMANTIC_SCOPE = re.compile(rf"{SCOPE}level_(\d+)/predict_(\d+)/")


class Imported(NamedTuple):
    """What was taken from a TF1 checkpoint."""

    variables: int
    numbers: int
    ignored: int  # entries passed over: momentum slots, the step
    step: int  # updates the weights have seen; 0 if the checkpoint does not say


def import_tf1_checkpoint(prefix: str, model) -> Imported:
    """Assigns every variable of a built `SemanticAssisted` from the TF1 checkpoint `prefix`.

    Raises ValueError if there is no readable checkpoint, it lists other variables than the network has (the message
    lists the missing, surplus and misshapen ones), or a value is not finite. The model is then as it was.
    """
    reader = _open(prefix)
    found = reader.get_variable_to_shape_map()
    of_network = {n: tuple(s) for n, s in found.items() if n.startswith(SCOPE) and not n.endswith(SLOT)}
    wanted = tf1_variables(model)
    _require_match(prefix, of_network, {name: s.shape for name, s in wanted.items()})
    values = {name: _read_weight(prefix, reader, name) for name in wanted}
    for name, stored in wanted.items():
        stored.variable.assign(stored.from_tf1(values[name]))
    step = int(_read(prefix, reader, STEP)) if STEP in found else 0
    return Imported(len(wanted), sum(v.size for v in values.values()), len(found) - len(wanted), step)


def _open(prefix):
    if not pathlib.Path(f"{prefix}.index").is_file():
        path = pathlib.Path(prefix)
        others = sorted(str(p.with_suffix("")) for p in (path if path.is_dir() else path.parent).glob("*.index"))
        hint = f"; checkpoints there: {', '.join(others)}" if others else ""
        raise ValueError(f"{prefix}: no TF1 checkpoint, there is no {prefix}.index{hint}")
    try:
        return tf.train.load_checkpoint(str(prefix))
    except READ_ERRORS as error:
        raise ValueError(f"{prefix}: not a readable TF1 checkpoint: {error}") from error


def _read(prefix, reader, name):
    try:
        return reader.get_tensor(name)
    except READ_ERRORS as error:
        raise ValueError(f"{prefix}: variable {name} cannot be read: {error}") from error


def _read_weight(prefix, reader, name):
    value = _read(prefix, reader, name)
    if value.dtype != np.float32:
        raise ValueError(f"{prefix}: variable {name} is {value.dtype}, want float32")
    if not np.isfinite(value).all():
        raise ValueError(f"{prefix}: variable {name} holds values that are not finite")
    return value


def _require_match(prefix, found, wanted):
    problems = {
        "missing": sorted(wanted.keys() - found.keys()),
        "surplus": sorted(found.keys() - wanted.keys()),
        "misshapen": [
            f"{name}: {list(found[name])} there, {list(shape)} wanted"
            for name, shape in wanted.items()
            if found.get(name, shape) != shape
        ],
    }
    if not any(problems.values()):
        return
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in problems.items())
    lines = [f"  {kind}: {name}" for kind, names in problems.items() for name in names]
    raise ValueError("\n".join([f"{prefix} is not of this network: {counts}{_hint(found, wanted)}", *lines]))


def _hint(found, wanted):
    there, here = _class_counts(found), _class_counts(wanted)
    if there == here:
        return ""
    if not there:
        return f"; it holds no semantic heads {SCOPE}level_1/predict_.. at all"
    fitting = [c for c in CATEGORIES if load_taxonomy(c).num_classes == there]
    category = f", those of {' and '.join(fitting)}" if fitting else ", those of no category"
    return f"; its levels have {there} classes{category}; this network has {here}: is the category right?"


def _class_counts(names):
    matches = filter(None, map(SEMANTIC_SCOPE.match, names))
    return tuple(count for _, count in sorted({(int(m[1]), int(m[2])) for m in matches}))

"""A trained network to give away: a folder with its weights in half or single precision and what network they are of.

    weights.safetensors   every variable of the system under its path in it
    network.yaml          data set, system and settings, as network.json has them beside the checkpoints of a run, and
                          how long the network was trained

Reading and writing need no TensorFlow.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import yaml

from instance_seg.files import replacing
from instance_seg.released.weight_files import read_weights, write_safetensors

WEIGHTS, NETWORK = "weights.safetensors", "network.yaml"
CARRIED = (
    pathlib.Path(__file__).resolve().parents[1] / "weights"
)  # that come along: a folder for each category, and Rooms


def is_weights_folder(path: str | pathlib.Path) -> bool:
    """Whether a folder holds weights to give away, by their name."""
    return (pathlib.Path(path) / WEIGHTS).is_file()


def carried_weights(subset: str) -> str:
    """The folder of weights that come along, such as for "Chair"; ValueError if there are none."""
    known = sorted(path.parent.name for path in CARRIED.glob(f"*/{WEIGHTS}"))
    if subset not in known:
        raise ValueError(
            f"no weights come along for {subset}, but for {', '.join(known) or 'nothing'}; or give a --run"
        )
    return str(CARRIED / subset)


def write_weights_folder(
    folder: pathlib.Path, weights: Mapping[str, np.ndarray], description: Mapping[str, Any], half: bool = False
) -> None:
    """Writes both files; the weights come last, since they make the folder one that is read.

    Args:
        weights: float32 by path in the system.
        description: of `training.checkpoint.describe_system`; "trained" {"iterations", "seconds"} may stand in it.
        half: keep float16 of the arrays whose numbers stay finite in it.
    """
    with replacing(folder / NETWORK) as temporary:
        temporary.write_text(yaml.safe_dump(dict(description), sort_keys=False), encoding="utf-8")
    kept = {name: _half(value) if half else value for name, value in weights.items()}
    with replacing(folder / WEIGHTS) as temporary:
        write_safetensors(temporary, kept)


def read_folder_weights(folder: pathlib.Path | str) -> dict[str, np.ndarray]:
    """The weights of a folder as float32, by path in the system. ValueError if the file is damaged."""
    return {name: value.astype(np.float32) for name, value in read_weights(str(pathlib.Path(folder) / WEIGHTS)).items()}


def check_shapes(folder: str, found: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises ValueError unless the weights of a folder are those of a system whose variables have these shapes."""
    wrong = [f"no {name}" for name in shapes if name not in found]
    wrong += [f"{name}, which the network has not" for name in found if name not in shapes]
    wrong += [
        f"{name} as {list(found[name].shape)} in place of {list(shape)}"
        for name, shape in shapes.items()
        if name in found and found[name].shape != tuple(shape)
    ]
    if wrong:
        path = pathlib.Path(folder) / WEIGHTS
        raise ValueError(f"{path}: {len(wrong)} variables do not fit its {NETWORK}; it holds {'; '.join(wrong[:3])}")


def _half(value: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    return half if np.isfinite(half).all() else value

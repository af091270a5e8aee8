"""Weights that the programs of PointGroup, HAIS and DyCo3D have written, read into our networks.

Either every weight that they have, too, is in the file in the expected shape, and nothing else is, or nothing is taken.
Layers of ours alone, the paper's fusion, stay as they are.
"""

from typing import NamedTuple

import numpy as np
from tabulate import tabulate

from instance_seg.released.spconv_variables import spconv_variables
from instance_seg.released.weight_files import read_weights

IGNORED = ".num_batches_tracked"  # PyTorch's normalization counts its batches
MOST_ROWS = 20  # of the table of what does not fit


class Imported(NamedTuple):
    """What was taken from a file."""

    tensors: int
    numbers: int
    new: tuple[str, ...]  # our variables that their networks have not


def import_spconv_weights(path: str, system) -> Imported:
    """Assigns the weights of a .safetensors or .pth file to a built system.

    Raises:
        ValueError: the file cannot be read, or it is not of this network: with a table of the missing, surplus and
            misshapen tensors. The system is then as it was.
    """
    wanted = spconv_variables(system)
    found = {name: value for name, value in read_weights(path).items() if not name.endswith(IGNORED)}
    rows = [("missing", name, "", _text(wanted[name].shape)) for name in wanted if name not in found]
    rows += [("surplus", name, _text(found[name].shape), "") for name in found if name not in wanted]
    rows += [
        ("misshapen", name, _text(found[name].shape), _text(stored.shape))
        for name, stored in wanted.items()
        if name in found and not stored.fits(found[name])
    ]
    if rows:
        raise ValueError(f"{path} is not of this network, nothing is taken\n{_table(rows)}")
    for name in wanted:
        if found[name].dtype.kind != "f" or not np.isfinite(found[name]).all():
            raise ValueError(f"{path}: {name} holds values that are no finite floats")
    for name, stored in wanted.items():
        stored.variable.assign(stored.from_torch(found[name].astype(np.float32)))
    taken = {id(stored.variable) for stored in wanted.values()}
    new = tuple(v.path.partition("/")[2] for v in system.weights if id(v) not in taken)
    return Imported(len(wanted), sum(found[name].size for name in wanted), new)


def _text(shape):
    return "x".join(map(str, shape)) or "scalar"


def _table(rows):
    counts = {kind: sum(row[0] == kind for row in rows) for kind in ("missing", "surplus", "misshapen")}
    counted = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    more = f"\nand {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    return f"{counted}:\n{tabulate(rows[:MOST_ROWS], ['', 'tensor', 'there', 'wanted'], disable_numparse=True)}{more}"

"""Files of named arrays: .safetensors, read and written here, and PyTorch's pickles, which PyTorch reads."""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

SAFETENSORS, PICKLES = ".safetensors", (".pth", ".pt")
STATE_DICTS = ("state_dict", "net")  # where checkpoints of DyCo3D and HAIS hold theirs, beside the optimizer's
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32}
_LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


def is_weight_file(path: str) -> bool:
    """Whether a checkpoint is such a file, by its name."""
    return pathlib.Path(path).suffix in (SAFETENSORS, *PICKLES)


def read_weights(path: str) -> dict[str, np.ndarray]:
    """The arrays of a state dict, without the "module." that several GPUs put before every name.

    Raises:
        ValueError: the file is missing, damaged or no state dict, or it is a pickle and PyTorch is not installed.
    """
    if not pathlib.Path(path).is_file():
        raise ValueError(f"--ckpt={path}: there is no such file")
    found = _read_safetensors(path) if path.endswith(SAFETENSORS) else _read_pickle(path)
    return {name.removeprefix("module."): value for name, value in found.items()}


def write_safetensors(path: str | pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays of the types that `read_weights` reads, in the order given."""
    names = {np.dtype(dtype): name for name, dtype in _TYPES.items()}
    header, place = {}, 0
    for name, array in arrays.items():
        header[name] = {
            "dtype": names[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [place, place + array.nbytes],
        }
        place += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers lie at multiples of eight
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).tobytes())


def _read_safetensors(path: str) -> dict[str, np.ndarray]:
    """Eight bytes that say how long the header is, JSON, and the numbers of one array after the other."""
    content = pathlib.Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(len(content) - 8, _LONGEST_HEADER):
        raise ValueError(f"{path}: is no safetensors file, or its end is missing")
    try:
        header = json.loads(content[8 : 8 + length])
        entries = {name: each for name, each in header.items() if name != "__metadata__"}
        spans = {name: (each["dtype"], each["shape"], *each["data_offsets"]) for name, each in entries.items()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: its header describes no arrays ({error!r})") from error
    found, place = {}, 0
    for name, (dtype, shape, begin, end) in sorted(spans.items(), key=lambda item: item[1][2:]):
        if dtype not in _TYPES:
            raise ValueError(f"{path}: {name} is of type {dtype}; convert it to one of {', '.join(_TYPES)}")
        size = math.prod(shape) * np.dtype(_TYPES[dtype]).itemsize
        if begin != place or end != begin + size or 8 + length + end > len(content):
            raise ValueError(f"{path}: the numbers of {name} do not lie where its header says; copy the file again")
        found[name] = np.frombuffer(content, _TYPES[dtype], math.prod(shape), 8 + length + begin).reshape(shape)
        place = end
    if 8 + length + place != len(content):
        raise ValueError(f"{path}: holds more than its header says; copy the file again")
    return found


def _read_pickle(path: str) -> dict[str, np.ndarray]:
    try:
        import torch
    except ImportError as error:
        raise ValueError(
            f"{path}: reading it needs PyTorch (`pip install torch`, or this package with [torch]); or convert it to "
            f"{SAFETENSORS} elsewhere"
        ) from error
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of half a dozen types
        raise ValueError(f"{path}: PyTorch cannot read weights from it: {str(error).splitlines()[0]}") from error
    for name in STATE_DICTS:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not all(torch.is_tensor(value) for value in content.values()):
        raise ValueError(f"{path}: holds no state dict, neither itself nor under {' or '.join(STATE_DICTS)}")
    return {name: value.numpy() for name, value in content.items()}

"""Point clouds of the Point Cloud Library: PCD, in text, binary, or compressed by LZF."""

from pathlib import Path

import numpy as np

from instance_seg.data.files.clouds.columns import cloud_from_names
from instance_seg.data.files.clouds.geometry import Cloud, UnreadableError
from instance_seg.data.files.clouds.text import number_table

_KINDS = {"F": "f", "I": "i", "U": "u"}
_MAX_RATIO = 300  # LZF makes data at most 264 / 3 times smaller


def read_pcd(path: Path) -> Cloud:
    """Reads the fields x, y, z and, if there, normal_x, normal_y, normal_z of a PCD file.

    Pixels of an organized scan (HEIGHT above 1) where the scanner saw nothing, NaN in all of x, y, z, are left out.
    Raises UnreadableError if there is no header, the data is cut, or a field is missing.
    """
    header, body = _header(path.read_bytes())
    cloud = _all_points(header, body)
    if header.get("HEIGHT", ["1"]) == ["1"]:
        return cloud
    seen = ~np.isnan(cloud.points).all(axis=1)
    return Cloud(*(None if array is None else array[seen] for array in cloud))


def _all_points(header: dict[str, list[str]], body: bytes) -> Cloud:
    names = header["FIELDS"]
    row, count = _row_dtype(header), int(header.get("POINTS", [0])[0])
    kind = header["DATA"][0].lower()
    if kind == "ascii":
        values, _ = number_table(body.decode("utf-8", errors="replace").splitlines())
        if values.shape != (count, sum(_counts(header))):
            raise UnreadableError(f"is said to hold {count} points of {len(names)} fields and holds {values.shape}")
        first = np.cumsum([0, *_counts(header)])
        return cloud_from_names(names, lambda i: values[:, first[i]])
    if kind == "binary":
        if len(body) < count * row.itemsize:
            raise UnreadableError(f"is cut: {count} points take {count * row.itemsize} bytes, it has {len(body)}")
        rows = np.frombuffer(body, row, count)
        return cloud_from_names(names, lambda i: rows[str(i)][:, 0])
    if kind == "binary_compressed":
        return cloud_from_names(names, _columns(_unpacked(body, count * row.itemsize), row, count).__getitem__)
    raise UnreadableError(f"DATA {kind} is unknown; known are ascii, binary and binary_compressed")


def _header(data: bytes) -> tuple[dict[str, list[str]], bytes]:
    """The words of each line up to DATA, and what comes after."""
    header, position = {}, 0
    while "DATA" not in header:
        end = data.find(b"\n", position)
        if end < 0:
            raise UnreadableError("no line DATA: it is no PCD file, or its header is cut")
        words = data[position:end].decode("latin-1").partition("#")[0].split()
        header |= {words[0].upper(): words[1:]} if words else {}
        position = end + 1
    missing = [name for name in ("FIELDS", "SIZE", "TYPE", "POINTS", "DATA") if not header.get(name)]
    if missing:
        raise UnreadableError(f"its header lacks {', '.join(missing)}")
    return header, data[position:]


def _counts(header: dict[str, list[str]]) -> list[int]:
    """Numbers in each field of a point."""
    return [int(word) for word in header.get("COUNT", ["1"] * len(header["FIELDS"]))]


def _row_dtype(header: dict[str, list[str]]) -> np.dtype:
    """One point; its fields are named by their positions, since names may come twice."""
    columns = [header["FIELDS"], header["SIZE"], header["TYPE"], _counts(header)]
    if len({len(column) for column in columns}) != 1 or min(columns[3]) < 1:
        raise UnreadableError("FIELDS, SIZE, TYPE and COUNT of its header do not fit together")
    kinds = [(f"<{_KINDS[kind.upper()]}{int(size)}", (count,)) for _, size, kind, count in zip(*columns)]
    return np.dtype([(str(i), *kind) for i, kind in enumerate(kinds)])


def _columns(data: bytes, row: np.dtype, count: int) -> list[np.ndarray]:
    """Compressed data holds field after field, each of all points: their first numbers, [N] each."""
    columns, start = [], 0
    for name in row.names:
        field = row[name]
        columns.append(np.frombuffer(data, field.base, count * field.shape[0], start).reshape(count, -1)[:, 0])
        start += count * field.itemsize
    return columns


def _unpacked(body: bytes, wanted: int) -> bytes:
    """Sizes before and after compression, uint32 each, then Lehmann's LZF: runs of literals, and copies from before."""
    packed, size = (int(n) for n in np.frombuffer(body, "<u4", 2))
    data = body[8 : 8 + packed]
    if len(data) < packed or size != wanted or size > _MAX_RATIO * max(packed, 1):
        raise UnreadableError(
            f"is cut or damaged: {packed} compressed bytes, {size} unpacked; its points take {wanted}"
        )
    out, at = bytearray(), 0
    while at < packed:
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 31) << 8) - data[at] - 1
        at += 1
        if start < 0 or len(out) > size:
            raise UnreadableError("its compressed data is damaged")
        length += 2
        piece = out[start : start + length]
        out += (piece * (length // len(piece) + 1))[:length]  # a copy may reach into itself
    if len(out) != size:
        raise UnreadableError("its compressed data is damaged")
    return bytes(out)

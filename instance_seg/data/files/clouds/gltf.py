"""glTF 2.0 and GLB: the triangles, or else the points, of the scene.

trimesh leaves `normalized` and sparse accessors alone and reads compressed geometry as zeros with a warning, so this is
a reader of its own, of geometry and the colors of vertices: no materials, skins, morph targets or animations. Section
numbers are those of the glTF 2.0 specification.
"""

import base64
import json
import urllib.parse
from pathlib import Path

import numpy as np

from instance_seg.data.files.clouds.geometry import Cloud, Mesh, UnreadableError, color_bytes, joined
from instance_seg.data.files.clouds.gltf_scene import placed_meshes

_APPLIED = ("KHR_mesh_quantization",)
_NO_GEOMETRY = (
    "KHR_materials_",
    "KHR_texture_",
    "EXT_texture_",
    "MSFT_texture_",
    "KHR_lights_",
    "EXT_lights_",
    "KHR_xmp",
)
_COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")
_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}  # 3.6.2.2
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
_POINTS, _TRIANGLES, _STRIP, _FAN = 0, 4, 5, 6  # 3.7.2.1
_MAX_COUNT = 50_000_000  # elements of an accessor that has no data to bound it


def read_gltf(path: Path) -> Cloud | Mesh:
    """Reads all triangles of the scene where its nodes place them; if there are none, all points.

    Raises:
        UnreadableError: it needs an extension that is not applied here, data is missing or cut, or it has lines alone.
    """
    tree, chunk = _container(path.read_bytes())
    _check_extensions(tree)
    declared = tree.get("buffers", [])
    buffers = [_buffer(buffer, path.parent, None if i else chunk) for i, buffer in enumerate(declared)]
    surfaces, faces, loose, modes, count = [], [np.empty((0, 3), np.int64)], [], set(), 0
    for mesh, placement in placed_meshes(tree):
        for primitive in tree["meshes"][mesh]["primitives"]:
            modes.add(mode := primitive.get("mode", _TRIANGLES))
            if mode not in (_POINTS, _TRIANGLES, _STRIP, _FAN):
                continue
            if "POSITION" not in primitive["attributes"]:
                raise UnreadableError("a primitive has no positions")
            points = _accessor(tree, buffers, primitive["attributes"]["POSITION"], "VEC3")
            points = points @ placement[:3, :3].T + placement[:3, 3]
            colored = points, _colors(tree, buffers, primitive["attributes"])
            if mode == _POINTS:
                loose.append(colored)
                continue
            faces.append(_faces(tree, buffers, primitive, len(points), mode) + count)
            surfaces.append(colored)
            count += len(points)
    if len(modes) and not modes & {_POINTS, _TRIANGLES, _STRIP, _FAN}:
        raise UnreadableError("holds only lines; want triangles or points")
    if sum(map(len, faces)):
        vertices, colors = joined(surfaces)
        return Mesh(vertices, np.concatenate(faces), colors)
    points, colors = joined(loose)
    return Cloud(points, None, colors)


def _container(data: bytes) -> tuple[dict, bytes | None]:
    """The JSON and, of a GLB file, the binary chunk (4.4)."""
    chunks = {b"JSON": data}
    if data[:4] == b"glTF":
        version, length = np.frombuffer(data, "<u4", 2, 4)
        if version != 2 or length > len(data):
            raise UnreadableError(f"is glTF {version}, or cut: {length} bytes are announced, it has {len(data)}")
        chunks, at = {}, 12
        while at + 8 <= length:
            size, kind = int(np.frombuffer(data, "<u4", 1, at)[0]), data[at + 4 : at + 8]
            if at + 8 + size > len(data):
                raise UnreadableError("a chunk of the file is longer than the file; it is cut")
            chunks.setdefault(kind, data[at + 8 : at + 8 + size])
            at += 8 + size
    if b"JSON" not in chunks:
        raise UnreadableError("has no JSON chunk")
    try:
        tree = json.loads(chunks[b"JSON"].decode("utf-8-sig"))
    except ValueError as error:
        raise UnreadableError(f"its JSON cannot be read ({error})") from error
    version = str(tree.get("asset", {}).get("version", "2.0"))
    if not version.startswith("2"):
        raise UnreadableError(f"is glTF {version}; only 2.0 is read")
    return tree, chunks.get(b"BIN\0")


def _check_extensions(tree: dict) -> None:
    required = tree.get("extensionsRequired", [])
    unknown = [name for name in required if name not in _APPLIED and not name.startswith(_NO_GEOMETRY)]
    if unknown:
        what = "its geometry is compressed" if set(unknown) & set(_COMPRESSED) else "it cannot be read without"
        raise UnreadableError(f"{what}, glTF extension {', '.join(unknown)}, which is not supported; export it without")


def _buffer(buffer: dict, folder: Path, chunk: bytes | None) -> bytes | None:
    """Bytes of a buffer (3.6.1): from the GLB file, a data URI, or a file beside; None = a placeholder."""
    uri = buffer.get("uri")
    if uri is None:
        data = chunk
    elif uri.startswith("data:"):
        head, _, text = uri.partition(",")
        data = base64.b64decode(text) if head.endswith(";base64") else urllib.parse.unquote_to_bytes(text)
    else:
        data = _file_beside(folder, urllib.parse.unquote(uri))
    if data is not None and len(data) < buffer["byteLength"]:
        raise UnreadableError(f"a buffer is said to have {buffer['byteLength']} bytes and has {len(data)}; it is cut")
    return data


def _file_beside(folder: Path, name: str) -> bytes:
    path = folder / name
    if "://" in name or not path.resolve().is_relative_to(folder.resolve()):
        raise UnreadableError(f"its data {name!r} does not lie beside it")
    if not path.is_file():
        raise UnreadableError(f"its data file {name!r} is missing")
    return path.read_bytes()


def _colors(tree: dict, buffers: list[bytes | None], attributes: dict[str, int]) -> np.ndarray | None:
    """Of the vertices of a primitive, [V, 3] uint8 (3.7.2.1); None if it has none."""
    if "COLOR_0" not in attributes:
        return None
    kind = "VEC4" if tree["accessors"][attributes["COLOR_0"]]["type"] == "VEC4" else "VEC3"
    return color_bytes(_accessor(tree, buffers, attributes["COLOR_0"], kind)[:, :3])


def _faces(tree: dict, buffers: list[bytes | None], primitive: dict, num_vertices: int, mode: int) -> np.ndarray:
    """Triangles [F, 3] of a primitive (3.7.2.1)."""
    if "indices" in primitive:
        index = _accessor(tree, buffers, primitive["indices"], "SCALAR")[:, 0].astype(np.int64)
    else:
        index = np.arange(num_vertices)
    if len(index) and index.max() >= num_vertices:
        raise UnreadableError(f"a triangle has vertex {index.max()}, there are {num_vertices}")
    if mode == _TRIANGLES:
        if len(index) % 3:
            raise UnreadableError(f"{len(index)} indices do not make triangles")
        return index.reshape(-1, 3)
    if mode == _FAN:
        return np.stack([np.full(max(len(index) - 2, 0), index[:1].sum()), index[1:-1], index[2:]], axis=1)
    strip = np.stack([index[:-2], index[1:-1], index[2:]], axis=1)
    strip[1::2] = strip[1::2, [0, 2, 1]]
    return strip


def _accessor(tree: dict, buffers: list[bytes | None], number: int, kind: str) -> np.ndarray:
    """[count, 1 or 3] float64: integers that are `normalized` become fractions (3.6.2.2), sparse values are put in."""
    accessor = tree["accessors"][number]
    if accessor["type"] != kind:
        raise UnreadableError(f"accessor {number} has type {accessor['type']}; want {kind}")
    dtype, count, width = np.dtype(_COMPONENTS[accessor["componentType"]]), accessor["count"], _WIDTHS[kind]
    sparse = accessor.get("sparse")
    if "bufferView" in accessor:
        values = _view(tree, buffers, accessor["bufferView"], accessor.get("byteOffset", 0), dtype, count, width)
    elif sparse and 0 <= count <= _MAX_COUNT:
        values = np.zeros((count, width), dtype)
    else:
        raise UnreadableError(f"accessor {number} has no data; perhaps an extension would have it")
    values = values.astype(np.float64)
    if sparse:  # 3.6.2.3
        where, what, size = sparse["indices"], sparse["values"], sparse["count"]
        kind_of_index = np.dtype(_COMPONENTS[where["componentType"]])
        rows = _view(tree, buffers, where["bufferView"], where.get("byteOffset", 0), kind_of_index, size, 1)
        new = _view(tree, buffers, what["bufferView"], what.get("byteOffset", 0), dtype, size, width)
        values[rows[:, 0]] = new
    if accessor.get("normalized") and dtype.kind in "iu":
        values = np.maximum(values / np.iinfo(dtype).max, -1)
    return values


def _view(
    tree: dict, buffers: list[bytes | None], number: int, offset: int, dtype: np.dtype, count: int, width: int
) -> np.ndarray:
    """[count, width] elements of a buffer view, which may be interleaved with others (3.6.2.4)."""
    view = tree["bufferViews"][number]
    data = buffers[view["buffer"]]
    if data is None:
        raise UnreadableError(f"buffer {view['buffer']} has no data; perhaps an extension would have it")
    start, length = view.get("byteOffset", 0), view["byteLength"]
    row = dtype.itemsize * width
    stride = view.get("byteStride", row)
    if min(start, length, offset) < 0 or start + length > len(data):
        raise UnreadableError(f"buffer view {number} is longer than its buffer, {start + length} of {len(data)} bytes")
    if count < 1 or stride < row or offset + (count - 1) * stride + row > length:
        raise UnreadableError(f"{count} elements do not fit into the {length} bytes of buffer view {number}")
    return np.ndarray((count, width), dtype, data, start + offset, (stride, dtype.itemsize))

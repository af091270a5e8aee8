"""glTF: accessors, extensions, nodes and files, each built by hand."""

import base64
import json
import struct

import numpy as np
import pytest
from data.files.clouds.cloud_files import FILES, alike, make_sphere

from instance_seg.data.files.clouds.read import read_cloud

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])  # a square seen from z
TRIANGLES = np.array([0, 1, 2, 0, 2, 3])
FLOAT, BYTE, SHORT, UNSIGNED_BYTE, UNSIGNED_SHORT = 5126, 5120, 5122, 5121, 5123


def gltf(positions, component=FLOAT, indices=TRIANGLES, node=None, **more):
    """A tree with one mesh of one primitive, its data in a data URI. `more` goes into the primitive."""
    data = np.ascontiguousarray(positions).tobytes()
    index = np.asarray(indices, "<u2").tobytes()
    data += bytes(-len(data) % 4)
    views = [{"buffer": 0, "byteLength": len(data)}, {"buffer": 0, "byteOffset": len(data), "byteLength": len(index)}]
    return {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0} | (node or {})],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1} | more]}],
        "accessors": [
            {"bufferView": 0, "componentType": component, "count": len(positions), "type": "VEC3"},
            {"bufferView": 1, "componentType": UNSIGNED_SHORT, "count": len(indices), "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(data + index), "uri": data_uri(data + index)}],
    }


def data_uri(data):
    return "data:application/octet-stream;base64," + base64.b64encode(data).decode()


def read(tmp_path, tree, num_points=400):
    (tmp_path / "a.gltf").write_text(json.dumps(tree))
    return read_cloud(tmp_path / "a.gltf", num_points)[:2]


def box_of(points):
    return np.stack([points.min(axis=0), points.max(axis=0)])


SQUARE = [[0, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize(
    ("component", "dtype", "largest"),
    [(BYTE, "i1", 127), (UNSIGNED_BYTE, "u1", 255), (SHORT, "<i2", 32767), (UNSIGNED_SHORT, "<u2", 65535)],
)
def test_normalized_integers_are_fractions(tmp_path, component, dtype, largest):
    corners = np.pad(CORNERS * largest, [(0, 0), (0, 1)]).astype(dtype)  # rows padded to 4 bytes and more
    tree = gltf(corners, component)
    tree["bufferViews"][0]["byteStride"] = corners.strides[0]
    tree["accessors"][0]["normalized"] = True
    plain = read(tmp_path, gltf(CORNERS.astype("<f4")))
    for found, wanted in zip(read(tmp_path, tree), plain, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)
    del tree["accessors"][0]["normalized"]
    np.testing.assert_allclose(read(tmp_path, tree)[0], largest * plain[0], rtol=1e-9)


def test_the_quantized_table_is_the_table():
    plain, quantized = (read_cloud(FILES / f"table_{name}.gltf", 2000)[:2] for name in ("plain", "quantized"))
    np.testing.assert_allclose(quantized[0], plain[0], atol=2e-5)  # half a step of 16 bits
    np.testing.assert_allclose(quantized[1], plain[1], atol=1e-4)


def test_sparse_values_replace_others(tmp_path):
    tree = gltf((CORNERS * [1, 5, 1]).astype("<f4"))
    data = np.array([2, 3], "u1").tobytes() + bytes(2) + CORNERS[2:].astype("<f4").tobytes()
    tree["buffers"].append({"byteLength": len(data), "uri": data_uri(data)})
    tree["bufferViews"] += [{"buffer": 1, "byteLength": 4}, {"buffer": 1, "byteOffset": 4, "byteLength": 24}]
    sparse = {"count": 2, "indices": {"bufferView": 2, "componentType": UNSIGNED_BYTE}, "values": {"bufferView": 3}}
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), [[0, 0, 0], [1, 5, 0]], atol=0.1)
    tree["accessors"][0]["sparse"] = sparse
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), SQUARE, atol=0.1)
    del tree["accessors"][0]["bufferView"]  # zeros, then the sparse values
    tree["meshes"][0]["primitives"][0].pop("indices")
    tree["accessors"][0]["count"] = 6
    tree["meshes"][0]["primitives"][0]["mode"] = 6
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), SQUARE, atol=0.1)


@pytest.mark.parametrize(
    ("mode", "indices"), [(4, TRIANGLES), (5, [0, 1, 3, 2]), (6, [0, 1, 2, 3])], ids=["triangles", "strip", "fan"]
)
def test_triangles_strips_and_fans(tmp_path, mode, indices):
    points, normals = read(tmp_path, gltf(CORNERS.astype("<f4"), indices=indices, mode=mode))
    np.testing.assert_allclose(box_of(points), SQUARE, atol=0.05)
    np.testing.assert_array_equal(normals, np.tile([0, 0, 1], (400, 1)))  # one winding
    assert 150 < (points[:, 0] > points[:, 1]).sum() < 250


def test_triangles_without_indices_and_points(tmp_path):
    tree = gltf(CORNERS[TRIANGLES].astype("<f4"))
    tree["meshes"][0]["primitives"][0].pop("indices")
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), SQUARE, atol=0.05)
    sphere, normals = make_sphere()
    tree = gltf(sphere.astype("<f4"), mode=0)
    tree["meshes"][0]["primitives"][0].pop("indices")
    points, found = read(tmp_path, tree)
    np.testing.assert_array_equal(points, sphere)
    assert alike(found, normals) > 0.97


TURNED = {"rotation": [0, 0, np.sqrt(0.5), np.sqrt(0.5)]}  # x to y, y to -x


@pytest.mark.parametrize(
    ("node", "box"),
    [
        ({"translation": [5, 6, 7]}, [[5, 6, 7], [6, 7, 7]]),
        ({"scale": [2, 3, 4]}, [[0, 0, 0], [2, 3, 0]]),
        (TURNED, [[-1, 0, 0], [0, 1, 0]]),
        (TURNED | {"scale": [2, 3, 1], "translation": [10, 0, 0]}, [[7, 0, 0], [10, 2, 0]]),
        ({"matrix": [0, 2, 0, 0, -3, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0, 1]}, [[7, 0, 0], [10, 2, 0]]),
    ],
)
def test_where_nodes_place_meshes(tmp_path, node, box):
    np.testing.assert_allclose(box_of(read(tmp_path, gltf(CORNERS.astype("<f4"), node=node))[0]), box, atol=0.1)


def test_nodes_below_nodes_and_scenes(tmp_path):
    tree = gltf(CORNERS.astype("<f4"), node={"translation": [1, 0, 0]})
    tree["nodes"] += [{"children": [0, 2], "scale": [2, 2, 2]}, {"mesh": 0}, {"mesh": 0, "translation": [90, 0, 0]}]
    tree["scenes"], tree["scene"] = [{"nodes": [3]}, {"nodes": [1]}], 1
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), [[0, 0, 0], [4, 2, 0]], atol=0.1)
    del tree["scene"]
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), [[90, 0, 0], [91, 1, 0]], atol=0.1)
    del tree["scenes"]
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), [[0, 0, 0], [91, 2, 0]], atol=1.5)
    del tree["nodes"]
    np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), SQUARE, atol=0.1)


def test_binary_files_and_files_beside(tmp_path):
    tree = gltf(CORNERS.astype("<f4"))
    data = base64.b64decode(tree["buffers"][0].pop("uri").partition(",")[2])
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", 3, b"ODD\0") + b"odd"
    chunks += struct.pack("<I4s", len(data), b"BIN\0") + data
    (tmp_path / "a.glb").write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    np.testing.assert_allclose(box_of(read_cloud(tmp_path / "a.glb", 400)[0]), SQUARE, atol=0.05)
    (tmp_path / "a box.bin").write_bytes(data)
    for uri in ("a%20box.bin", "a box.bin"):
        tree["buffers"][0]["uri"] = uri
        np.testing.assert_allclose(box_of(read(tmp_path, tree)[0]), SQUARE, atol=0.05)


def test_a_name_with_percent_signs():
    points, *_ = read_cloud(FILES / "percent_uri.gltf", 1000)
    np.testing.assert_allclose(box_of(points), [[-1, -2, -1], [1, 2, 1]], atol=0.1)


@pytest.mark.parametrize(
    "name", ["KHR_materials_unlit", "KHR_texture_transform", "KHR_lights_punctual", "KHR_mesh_quantization"]
)
def test_extensions_that_leave_geometry_as_it_is(tmp_path, name):
    tree = gltf(CORNERS.astype("<f4")) | {"extensionsRequired": [name]}
    assert read(tmp_path, tree)[0].shape == (400, 3)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("draco.glb", "compressed, glTF extension KHR_draco_mesh_compression"),
        ("meshopt.gltf", "compressed, glTF extension EXT_meshopt_compression"),
        ("buffer_view_too_long.gltf", "buffer view 0 is longer than its buffer, 97200 of 3864 bytes"),
    ],
)
def test_files_that_were_reported(name, reason):
    with pytest.raises(ValueError, match=f"{name}: .*{reason}"):
        read_cloud(FILES / name)


def put(*path_and_value):
    """A change of a tree: the keys that lead to a place, and what comes there."""

    def change(tree):
        *path, last, value = path_and_value
        for key in path:
            tree = tree[key]
        tree[last] = value

    return change


ACCESSOR, INDICES, VIEW = ("accessors", 0), ("accessors", 1), ("bufferViews", 0)
PRIMITIVE = ("meshes", 0, "primitives", 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("extensionsRequired", ["VENDOR_shape"]), "extension VENDOR_shape"),
        (put("asset", {"version": "1.0"}), "glTF 1.0; only 2.0"),
        (put(*ACCESSOR, "count", 5), "5 elements do not fit"),
        (put(*ACCESSOR, "count", 10**15), "do not fit"),
        (put(*ACCESSOR, "count", -4), "do not fit"),
        (put(*ACCESSOR, "byteOffset", 4), "do not fit"),
        (put(*ACCESSOR, "byteOffset", -4), "longer than its buffer"),
        (put(*ACCESSOR, "type", "VEC2"), "want VEC3"),
        (put(*ACCESSOR, "componentType", 7), "may be damaged"),
        (put(*ACCESSOR, "bufferView", 9), "may be damaged"),
        (put("accessors", 0, {"componentType": FLOAT, "count": 4, "type": "VEC3"}), "accessor 0 has no data"),
        (put(*VIEW, "byteLength", 10**6), "longer than its buffer"),
        (put(*VIEW, "byteOffset", -1), "longer than its buffer"),
        (put(*VIEW, "byteStride", 1), "do not fit"),
        (put(*INDICES, "count", 4), "4 indices do not make triangles"),
        (put(*PRIMITIVE, "mode", 1), "only lines"),
        (put(*PRIMITIVE, "attributes", {}), "no positions"),
        (put(*PRIMITIVE, "indices", "x"), "may be damaged"),
        (put("meshes", []), "may be damaged"),
        (put("meshes", 0, "primitives", []), "found 0 points and no faces"),
        (put("nodes", [{"mesh": 0, "children": [0]}]), "node 0 is in its scene twice|found 0 points"),
        (put("scenes", [{"nodes": [0, 0]}]), "node 0 is in its scene twice"),
        (put("buffers", 0, "uri", "gone.bin"), "'gone.bin' is missing"),
        (put("buffers", 0, "uri", "../a.bin"), "does not lie beside it"),
        (put("buffers", 0, "uri", "/etc/passwd"), "does not lie beside it"),
        (put("buffers", 0, "uri", "https://example.org/a.bin"), "does not lie beside it"),
        (put("buffers", 0, "byteLength", 10**6), "a buffer is said to have 1000000 bytes"),
        (put("buffers", 0, {"byteLength": 60}), "buffer 0 has no data"),
        (put("nodes", 0, "scale", [0, 0, 0]), "no extent"),
        (put("nodes", 0, "scale", [np.nan, 1, 1]), "NaN or infinite"),
        (put("nodes", 0, "matrix", [1, 2]), "may be damaged"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, change, reason):
    tree = gltf(CORNERS.astype("<f4"))
    assert len(read(tmp_path, tree)[0])
    change(tree)
    with pytest.raises(ValueError, match=f"a.gltf: .*({reason})"):
        read(tmp_path, tree)


def test_json_that_is_none(tmp_path):
    for content in (
        b"{",
        b"[]",
        b"7",
        b'{"asset": 3}',
        b"[" * 100_000,
        b"\xff\xfe{",
        b"glTF",
        b"glTF\2\0\0\0\xff\xff\0\0",
    ):
        (tmp_path / "a.gltf").write_bytes(content)
        with pytest.raises(ValueError, match="a.gltf: "):
            read_cloud(tmp_path / "a.gltf")

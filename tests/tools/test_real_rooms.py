"""A captured room made here, as a headset leaves it, becomes ScanNet's raw files: places, things, labels."""

import base64
import json

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation
from tools_in_process import TOOLS, loaded

from instance_seg.data.scannet.classes import LEVEL
from instance_seg.data.scannet.prepared import open_split

AS_IT_IS = Rotation.identity()
TURN = Rotation.from_euler("yxz", [0.4, -1.2, 0.3])  # of the mesh's coordinates in the world's


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    with loaded("real_rooms") as module:
        yield module


def pose(turn=AS_IT_IS, place=(0.0, 0.0, 0.0)):
    return {
        "orientation": dict(zip("xyzw", turn.as_quat().tolist())),
        "position": dict(zip("xyz", map(float, place))),
    }


def rectangle(kind, turn, place, width, height):
    """One around `place`; its width runs along x, its height along z, and y across it."""
    form = {"offset": {"x": -width / 2, "y": -height / 2}, "extent": {"width": width, "height": height}}
    return {"semanticLabel_META": kind, "locatable_META": pose(turn, place), "bounded2D_META": form}


def box(kind, low, extent):
    form = {"offset": dict(zip("xyz", low)), "extent": dict(zip(("width", "height", "depth"), extent))}
    return {"semanticLabel_META": kind, "locatable_META": pose(), "bounded3D_META": form}


def capture():
    """A floor of 4 x 3 m, on it a table 0.7 m high, a couch, and a chair that nobody annotated; a wall with a door."""
    pieces = [
        trimesh.creation.box((4, 0.02, 3)).apply_translation((0, -0.01, 0)),
        trimesh.creation.box((1.2, 0.7, 0.8)).apply_translation((-1, 0.35, -0.8)),
        trimesh.creation.box((1.8, 0.8, 0.9)).apply_translation((0.8, 0.4, 0.7)),
        trimesh.creation.box((0.4, 0.5, 0.4)).apply_translation((1.5, 0.5, -0.8)),
        trimesh.creation.box((4, 2.5, 0.02)).apply_translation((0, 1.25, 1.5)),
    ]
    room = trimesh.util.concatenate(pieces)
    packed = {
        "vertices": base64.b64encode(np.float32(TURN.inv().apply(room.vertices - [1, 2, 3])).tobytes()).decode(),
        "indices": base64.b64encode(np.uint32(room.faces).tobytes()).decode(),
    }
    standing = Rotation.from_euler("x", 90, degrees=True)
    entities = [
        rectangle("WALL_FACE", standing, (0, 1.25, 1.5), 4, 2.5),
        rectangle("DOOR_FRAME", standing, (-1, 1, 1.5), 0.9, 2),
        rectangle("FLOOR", AS_IT_IS, (0, 0, 0), 4, 3),
        box("TABLE", (-1.6, 0, -1.2), (1.2, 0.7, 0.8)),
        box("COUCH", (-0.1, 0, 0.25), (1.8, 0.8, 0.9)),
        {"semanticLabel_META": "GLOBAL_MESH", "locatable_META": pose(TURN, (1, 2, 3)), "triangleMesh_META": packed},
    ]
    return {"type": "scene", "version": 1, "spatialEntities": entities}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package" / "lib" / "captures"
    folder.mkdir(parents=True)
    for name in ("kitchen", "attic"):
        (folder / f"{name}.json").write_text(json.dumps(capture()))
    return tmp_path / "package"


def test_a_room_stands_upright_with_its_things(tool, package):
    room = tool.read_room(package / "lib" / "captures" / "attic.json", 0.1)
    np.testing.assert_allclose(room.vertices.min(axis=0), [-2, -1.51, -0.02], atol=0.01)  # z up: y is where -z was
    np.testing.assert_allclose(room.vertices.max(axis=0), [2, 1.5, 2.5], atol=0.01)
    assert room.labels == ("floor", "door", "couch", "table", "wall")
    boxes = {label: room.vertices[room.thing == i] for i, label in enumerate(room.labels)}
    np.testing.assert_allclose(boxes["table"].min(axis=0), [-1.6, 0.4, 0.06], atol=0.07)
    np.testing.assert_allclose(boxes["table"].max(axis=0), [-0.4, 1.2, 0.7], atol=0.01)
    np.testing.assert_allclose(boxes["couch"].mean(axis=0)[:2], [0.8, -0.7], atol=0.1)
    assert boxes["door"][:, 1].max() < -1.4 and boxes["door"][:, 2].max() < 2.06
    chair = np.abs(room.vertices - [1.5, 0.8, 0.5]).max(axis=1) < 0.26
    assert chair.any() and set(room.thing[chair]) == {-1} and (room.nyu40[chair] == 0).all()
    assert (room.colors == 128).all()


def test_vertices_are_as_far_apart_as_is_asked(tool, package):
    path = package / "lib" / "captures" / "attic.json"
    coarse, fine = (tool.read_room(path, spacing) for spacing in (0.2, 0.1))
    edges = np.linalg.norm(fine.vertices[fine.faces[:, 0]] - fine.vertices[fine.faces[:, 1]], axis=1)
    assert 0.05 < edges.mean() < 0.15 and len(fine.vertices) > 3 * len(coarse.vertices)


def test_the_files_are_read_as_those_of_scannet(tool, package, tmp_path):
    said = tool.convert(package, tmp_path / "out", 0.1)
    assert [line.split(":")[0] for line in said] == ["scene0000_00 attic", "scene0001_00 kitchen"]
    scenes = open_split(tmp_path / "out", "val")
    assert scenes.names == ["scene0000_00", "scene0001_00"]
    (labels,) = scenes[0].labels
    found = {LEVEL.classes[s] for s in np.unique(labels.semantic) if s >= 0}
    assert found == {"wall", "floor", "door", "sofa", "table"} and (labels.semantic == -1).any()
    kinds = [LEVEL.classes[labels.semantic[labels.instance == i][0]] for i in np.unique(labels.instance) if i >= 0]
    assert sorted(kinds) == ["door", "sofa", "table"]
    assert np.abs(scenes[0].features).max() < 0.01  # gray


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda room: room.pop("spatialEntities"), "KeyError: 'spatialEntities'"),
        (lambda room: room["spatialEntities"].pop(), "with one mesh"),
        (lambda room: room["spatialEntities"][-1]["triangleMesh_META"].update(indices="AAAA"), "buffer size"),
        (lambda room: room["spatialEntities"][-1]["triangleMesh_META"].update(vertices="*"), "only base64 data"),
        (lambda room: room["spatialEntities"][-1]["triangleMesh_META"].update(vertices="A" * 16), "of which one has"),
        (lambda room: room["spatialEntities"][3]["bounded3D_META"].pop("offset"), "KeyError: 'offset'"),
    ],
)
def test_another_file_is_named(tool, package, change, message):
    room, path = capture(), package / "lib" / "captures" / "attic.json"
    change(room)
    path.write_text(json.dumps(room))
    with pytest.raises(ValueError, match=f"(?i)attic.json: is no capture.*{message}"):
        tool.read_room(path, 0.1)
    with pytest.raises(ValueError, match="has no lib/captures"):
        tool.convert(package / "lib", package / "out", 0.1)

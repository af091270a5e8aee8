"""The viewer's file: its data parses back, its names are text, and it asks for nothing outside itself."""

import base64
import html
import json
import re
import zlib

import numpy as np
import pytest
from viewer.small_scene import READING, TASK, chair, with_surface

from instance_seg.drawing.panels import ERRORS, point_errors
from instance_seg.structures import Labels
from instance_seg.viewer import page
from instance_seg.viewer.page import write_viewer

NASTY = "</script><script>alert(1)</script>/*VIEWER*/ \\1 & \u2028 $x$"


def scene_of(path):
    text = path.read_text(encoding="utf-8")
    (scene,) = re.findall(r'<script type="application/json" id="scene">(.*?)</script>', text, re.DOTALL)
    return json.loads(scene), text


def unpacked(array):
    kind = np.dtype(array["type"].removesuffix("Array").lower()).newbyteorder("<")
    return np.frombuffer(zlib.decompress(base64.b64decode(array["data"])), kind)


def test_data_parses_back(tmp_path):
    given = chair("a chair")
    write_viewer(tmp_path / "v.html", "title", TASK, [given])
    scene, _ = scene_of(tmp_path / "v.html")
    (shape,) = scene["shapes"]
    assert [level["name"] for level in scene["levels"]] == ["Coarse", "Middle", "Fine"]
    points = unpacked(shape["points"]).reshape(-1, 3) / 65535
    extent = np.ptp(given.xyz, axis=0).max()
    np.testing.assert_allclose(points * extent + corner(given), given.xyz, atol=1e-4)
    np.testing.assert_allclose(unpacked(shape["normals"]).reshape(-1, 3) / 127, given.normals, atol=0.01)
    for k, level in enumerate(shape["levels"]):
        truth, ((title, segmented, _),) = given.levels[TASK.levels[k].name]
        (reading,) = level["readings"]
        assert reading["title"] == title == READING
        np.testing.assert_array_equal(unpacked(reading["prediction"]["ids"]), segmented.proposals.instance(500) + 1)
        np.testing.assert_array_equal(unpacked(reading["prediction"]["semantic"]), segmented.semantic)
        np.testing.assert_array_equal(unpacked(level["truth"]["ids"]) == 0, truth.instance < 0)
        np.testing.assert_array_equal(unpacked(reading["errors"]["ids"]), point_errors(truth, segmented, 1))
        entries = reading["prediction"]["entries"][1:]
        assert [entry["size"] for entry in entries] == segmented.proposals.size.tolist()
        assert [entry["confidence"] for entry in entries] == pytest.approx(segmented.proposals.score.tolist())
        classes = TASK.levels[k].classes
        assert [entry["name"] for entry in entries] == [classes[label] for label in segmented.proposals.label]
        assert [entry["wrong"] for entry in entries] == [False] * (len(entries) - 1) + [True]


def corner(shape):
    """Where the cube around the points begins."""
    low, high = shape.xyz.min(axis=0), shape.xyz.max(axis=0)
    return (low + high) / 2 - (high - low).max() / 2


def test_instances_have_the_color_of_the_truth_they_match(tmp_path):
    write_viewer(tmp_path / "v.html", "title", TASK, [chair("a chair")])
    (shape,), compared = scene_of(tmp_path / "v.html")[0]["shapes"], 0
    for level in shape["levels"]:
        truth, view = level["truth"], level["readings"][0]["prediction"]
        right = unpacked(level["readings"][0]["errors"]["ids"]) == ERRORS.index("right")
        for true, found in zip(unpacked(truth["ids"])[right], unpacked(view["ids"])[right]):
            assert truth["entries"][true]["color"] == view["entries"][found]["color"]
            compared += 1
    assert compared > 100


def test_a_shape_without_truth_normals_and_shifted_points(tmp_path):
    shape = chair("a", with_truth=False)._replace(normals=None)
    levels = {
        name: (truth, [(title, segmented._replace(shifted=None), hits)])
        for name, (truth, ((title, segmented, hits),)) in shape.levels.items()
    }
    write_viewer(tmp_path / "v.html", "title", TASK, [shape._replace(levels=levels)])
    (found,) = scene_of(tmp_path / "v.html")[0]["shapes"]
    assert found["normals"] is None
    for level in found["levels"]:
        assert level["truth"] is None
        assert level["readings"][0]["errors"] is None and level["readings"][0]["shifted"] is None


def test_z_up_is_turned_upright(tmp_path):
    given = chair("a")
    lying = given._replace(xyz=given.xyz[:, [0, 2, 1]] * [1, -1, 1], normals=given.normals[:, [0, 2, 1]] * [1, -1, 1])
    write_viewer(tmp_path / "y.html", "title", TASK, [given])
    write_viewer(tmp_path / "z.html", "title", TASK, [lying], up="z")
    (stands,), (turned,) = (scene_of(tmp_path / name)[0]["shapes"] for name in ("y.html", "z.html"))
    for name in ("points", "normals"):
        np.testing.assert_allclose(unpacked(stands[name]), unpacked(turned[name]), atol=1)


def test_names_are_text_and_nothing_is_fetched(tmp_path):
    task = TASK._replace(levels=tuple(level._replace(classes=(NASTY,) * 60) for level in TASK.levels))
    shape = chair(NASTY)
    write_viewer(tmp_path / "v.html", NASTY, task, [shape])
    scene, text = scene_of(tmp_path / "v.html")
    assert scene["shapes"][0]["title"] == NASTY.replace("\u2028", " ")
    assert text.count("<script") == text.count("</script>") == 3
    assert f"<title>{html.escape(NASTY.replace(chr(0x2028), ' '))}</title>" in text
    assert "default-src 'none'" in text and not re.search(r"<(link|img|iframe|base)|\bsrc=|@import|url\(", text)
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses == {"http://www.w3.org/1999/xhtml"}  # a name space, nothing to be read
    assert "The MIT License" in text and "three.js authors" in text


def test_large_clouds_are_thinned(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_POINTS", 200)
    write_viewer(tmp_path / "v.html", "title", TASK, [chair("a")])
    (shape,) = scene_of(tmp_path / "v.html")[0]["shapes"]
    view = shape["levels"][0]["readings"][0]["prediction"]
    assert len(unpacked(shape["points"])) == 3 * len(unpacked(view["ids"])) == 3 * 167
    assert sum(entry["size"] for entry in view["entries"]) == 500  # those of the whole cloud


def test_errors_of_a_small_cloud():
    truth = Labels(np.int32([0, 1, 1, 2, 2, 1]), np.int32([-1, 0, 0, 1, 1, 0]))
    _, ((_, segmented, _),) = chair("a").levels["coarse"]
    instance, semantic = np.int32([0, 0, 0, 1, 0, 0]), np.int32([1, 1, 2, 2, 2, 1])
    proposals = segmented.proposals._replace(
        points=np.argsort(instance, kind="stable"),
        row_splits=np.array([0, 5, 6]),
        label=np.array([1, 2]),
        score=np.ones(2),
    )
    errors = point_errors(truth, segmented._replace(semantic=semantic, proposals=proposals), 1)
    assert [ERRORS[e] for e in errors] == [
        "without ground truth",
        "right",
        "other part",
        "right",
        "other instance",
        "right",
    ]


def test_a_mesh_is_shown_unless_it_is_large(tmp_path, monkeypatch):
    write_viewer(tmp_path / "v.html", "title", TASK, [with_surface(chair("a")), chair("b")])
    meshed, plain = scene_of(tmp_path / "v.html")[0]["shapes"]
    assert unpacked(meshed["surface"]).shape == (500 * 9,) and plain["surface"] is None
    for level in meshed["levels"]:
        view = level["readings"][0]["prediction"]
        np.testing.assert_array_equal(unpacked(view["faces"]), unpacked(view["ids"]))
    monkeypatch.setattr(page, "MOST_FACES", 499)
    write_viewer(tmp_path / "v.html", "title", TASK, [with_surface(chair("a"))])
    assert scene_of(tmp_path / "v.html")[0]["shapes"][0]["surface"] is None

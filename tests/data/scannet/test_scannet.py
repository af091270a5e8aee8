"""Raw scans to clouds, and everything that may be wrong with them."""

import json
import os
import shutil

import numpy as np
import pytest
from data.scannet.scans import TABLE, make_scan, write_groups, write_ply, write_scan, write_scannet, write_segments

from instance_seg.data.scannet.classes import NYU40
from instance_seg.data.scannet.prepared import PREPARED, open_split
from instance_seg.data.scannet.scannet import ScanNet
from instance_seg.data.scannet.settings import ScanNetSettings
from instance_seg.data.scene_augment import SceneAugmentConfig

NAME = "scene0000_00"


@pytest.fixture
def root(tmp_path):
    return write_scannet(tmp_path, train=1, val=1)


def file_of(root, kind, name=NAME):
    return root / "scans" / name / f"{name}{kind}"


def test_the_task():
    task = ScanNet(ScanNetSettings()).task()
    (level,) = task.levels
    assert len(level.classes) == 20 and level.first_scored == 0 and level.name
    assert [c for i, c in enumerate(level.classes) if i not in level.things] == ["wall", "floor"]
    assert level.classes == tuple(NYU40.values()) and (task.num_features, task.directions) == (3, 0)


def test_a_scene_as_networks_take_it(root):
    (cloud,) = open_split(root, "train")
    xyz, nyu40, segment, groups = make_scan(0)
    assert cloud.name == NAME
    np.testing.assert_allclose(cloud.xyz, xyz - xyz.mean(axis=0), atol=1e-5)
    assert cloud.features.dtype == np.float32 and np.abs(cloud.features).max() <= 1
    np.testing.assert_allclose(cloud.features[nyu40 == 5][0], np.array([220, 30, 30]) / 127.5 - 1, atol=1e-6)
    (labels,) = cloud.labels
    names = [[*NYU40.values()][c] if c >= 0 else None for c in labels.semantic]
    assert {n: i for n, i in zip(names, nyu40)} == {"wall": 1, "floor": 2, "chair": 5, "table": 7, None: 35}
    # neither wall nor floor have instances; the lamp has one, though its class is none of the benchmark's
    assert set(labels.instance[nyu40 <= 2]) == {-1}
    for i, (_, members) in enumerate(groups[2:]):
        np.testing.assert_array_equal(labels.instance == i, np.isin(segment, members))


def test_scenes_are_prepared_once_and_read_when_they_are_asked_for(root):
    scenes = open_split(root, "train")
    path = root / PREPARED / f"{NAME}.npz"
    before = path.stat().st_mtime_ns
    assert list(path.parent.iterdir()) == [path]  # nothing else stays
    open_split(root, "train")
    assert path.stat().st_mtime_ns == before
    os.utime(file_of(root, "_vh_clean_2.ply"), (1, 1))
    open_split(root, "train")
    assert path.stat().st_mtime_ns > before
    shutil.rmtree(root / "scans")  # what is prepared is enough
    assert len(open_split(root, "train")[0].xyz) == len(scenes[0].xyz)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=f"{NAME}.npz.*remove it"):
        scenes[0]


def test_scenes_without_labels_are_a_normal_case(root):
    (cloud,) = open_split(root, "test")
    assert cloud.labels == () and len(cloud.xyz) > 100
    write_scan(root, cloud.name, 2)  # a test set of one's own may have labels
    assert open_split(root, "test")[0].labels


def test_groups_listed_twice_count_once(root):
    groups = make_scan(0)[3]
    write_groups(file_of(root, ".aggregation.json"), NAME, groups + groups)
    doubled = open_split(root, "train")[0].labels[0].instance
    write_groups(file_of(root, ".aggregation.json"), NAME, groups)
    np.testing.assert_array_equal(doubled, open_split(root, "train")[0].labels[0].instance)
    assert doubled.max() == 3


def test_a_limit(tmp_path):
    write_scannet(tmp_path, train=3)
    assert len(open_split(tmp_path, "train", 2)) == 2
    assert len(list((tmp_path / PREPARED).iterdir())) == 2


def other_group(root, change):
    groups = [list(group) for group in make_scan(0)[3]]
    change(groups)
    write_groups(file_of(root, ".aggregation.json"), NAME, groups)


def rewrite(root, kind="_vh_clean_2.ply", rows=slice(None), **change):
    xyz, nyu40, _, _ = make_scan(0)
    given = {"xyz": xyz, "rgb": np.zeros((len(xyz), 3)), "label": None if kind == "_vh_clean_2.ply" else nyu40} | change
    arrays = {k: v if v is None or np.isscalar(v) else v[rows] for k, v in given.items()}
    write_ply(file_of(root, kind), **arrays)


def with_nan(xyz):
    xyz[7, 1] = np.nan
    return xyz


WRONG = {
    "no labels": (lambda r: file_of(r, "_vh_clean_2.labels.ply").unlink(), r"labels.ply: no such file; download"),
    "no groups, the other mesh's there": (
        lambda r: file_of(r, ".aggregation.json").rename(file_of(r, "_vh_clean.aggregation.json")),
        r"0000_00.aggregation.json: no such file; scene0000_00_vh_clean.aggregation.json beside it",
    ),
    "files of another scene": (
        lambda r: file_of(r, "_vh_clean_2.ply").rename(file_of(r, "x").with_name("scene0009_00_vh_clean_2.ply")),
        r"_vh_clean_2.ply: no such file; scene0009_00_vh_clean_2.ply there is of another scene",
    ),
    "no color": (
        lambda r: rewrite(r, rgb=None),
        r"vh_clean_2.ply: its vertices have no red, green, blue, but 'x, y, z'",
    ),
    "no label": (lambda r: rewrite(r, "_vh_clean_2.labels.ply", label=None), r"labels.ply: its vertices have no label"),
    "no faces": (lambda r: rewrite(r, faces=0), r"vh_clean_2.ply: has no faces and 1200 vertices"),
    "one point": (lambda r: rewrite(r, rows=slice(1)), r"vh_clean_2.ply: has 1 vertices; that is no scan"),
    "NaN": (lambda r: rewrite(r, xyz=with_nan(make_scan(0)[0])), r"vh_clean_2.ply: vertex 7 and 0 more are NaN"),
    "kilometers": (lambda r: rewrite(r, xyz=make_scan(0)[0] / 1000), r"measures 0.00399 m; is it in kilometers\?"),
    "millimeters": (lambda r: rewrite(r, xyz=make_scan(0)[0] * 1000), r"measures 3.99e\+03 m; is it in millimeters\?"),
    "cut": (
        lambda r: file_of(r, "_vh_clean_2.ply").write_bytes(file_of(r, "_vh_clean_2.ply").read_bytes()[:900]),
        r"vh_clean_2.ply: not readable as PLY",
    ),
    "label outside the table": (
        lambda r: rewrite(r, "_vh_clean_2.labels.ply", label=np.full(1200, 41)),
        r"labels.ply: vertex 0 has label 41; want ids of NYU40, 0 to 40",
    ),
    "labels of another mesh": (
        lambda r: rewrite(r, "_vh_clean_2.labels.ply", rows=slice(1100)),
        r"labels.ply: is of 1100 vertices, the mesh _vh_clean_2.ply has 1200",
    ),
    "segments of another mesh": (
        lambda r: write_segments(file_of(r, "_vh_clean_2.0.010000.segs.json"), NAME, [1, 2]),
        r"segs.json: is of 2 vertices, the mesh",
    ),
    "groups in place of segments": (
        lambda r: shutil.copy(file_of(r, ".aggregation.json"), file_of(r, "_vh_clean_2.0.010000.segs.json")),
        r"segs.json: has no segIndices.*it has segGroups, as .aggregation.json has",
    ),
    "segments in place of groups": (
        lambda r: shutil.copy(file_of(r, "_vh_clean_2.0.010000.segs.json"), file_of(r, ".aggregation.json")),
        r"aggregation.json: has no segGroups; it has segIndices",
    ),
    "not JSON": (lambda r: file_of(r, ".aggregation.json").write_text("{"), r"aggregation.json: not valid JSON"),
    "a list": (lambda r: file_of(r, ".aggregation.json").write_text("[]"), r"want an object of JSON, found list"),
    "groups of another scene": (
        lambda r: write_groups(file_of(r, ".aggregation.json"), "scene0001_00", make_scan(0)[3]),
        r"aggregation.json: is of 'scene0001_00', its sceneId says; want that of scene0000_00",
    ),
    "an unknown segment": (
        lambda r: other_group(r, lambda g: g[2][1].append(999)),
        r"segGroup 0 \('armchair'\) has segment 999, which _vh_clean_2.0.010000.segs.json has not",
    ),
    "a segment in two groups": (
        lambda r: other_group(r, lambda g: g[3][1].append(g[2][1][0])),
        r"segment 104 is in segGroups 0 and 1; want it in one",
    ),
    "a group of two classes": (
        lambda r: other_group(r, lambda g: g.__setitem__(slice(2, 4), [["armchair", g[2][1] + g[3][1]]])),
        r"segGroup 0 \('armchair'\) have the labels 5 and 7 in _vh_clean_2.labels.ply",
    ),
    "a group without segments": (
        lambda r: file_of(r, ".aggregation.json").write_text(json.dumps({"segGroups": [{"label": "wall"}]})),
        r"segGroup 0: want a label and segments",
    ),
    "a name outside the table": (
        lambda r: other_group(r, lambda g: g[2].__setitem__(0, "dragon")),
        r"a segGroup is called 'dragon', which scannetv2-labels.combined.tsv does not list",
    ),
    "no table": (lambda r: (r / TABLE).unlink(), r"combined.tsv: no such file; it is among the downloads"),
    "another table": (lambda r: (r / TABLE).write_text("a,b\n1,2\n"), r"combined.tsv: has no column raw_category"),
    "no list": (
        lambda r: (r / "scannetv2_train.txt").unlink(),
        r"scannetv2_train.txt: no such file; it is in ScanNet's",
    ),
    "an empty list": (lambda r: (r / "scannetv2_train.txt").write_text("\n"), r"scannetv2_train.txt: lists no scene"),
    "a scene twice": (
        lambda r: (r / "scannetv2_train.txt").write_text(f"{NAME}\n{NAME}\n"),
        r"scannetv2_train.txt: lists scene0000_00 2 times; remove all but one",
    ),
    "no name": (lambda r: (r / "scannetv2_train.txt").write_text("../x\n"), r"scene 1 is called '../x'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_left_half_written(root, case):
    damage, message = WRONG[case]
    damage(root)
    with pytest.raises(ValueError, match=message) as error:
        open_split(root, "train")
    assert str(root) in str(error.value) and "\n" not in str(error.value)
    assert not list((root / PREPARED).glob("*")) if (root / PREPARED).exists() else True


def test_no_folder():
    with pytest.raises(ValueError, match="--data_dir is needed"):
        ScanNet(ScanNetSettings()).split("", "train")


def test_fingerprint_changes_with_a_list(root):
    data = ScanNet(ScanNetSettings())
    before = data.fingerprint(str(root))
    assert before["train"].startswith("1 scenes") and set(before) == {"train", "val", "test"}
    (root / "scannetv2_train.txt").write_text("scene0005_00\n")
    after = data.fingerprint(str(root))
    assert after["train"] != before["train"] and after["val"] == before["val"]


def test_evaluated_scenes_stand_each_in_their_own_way():
    data, still = ScanNet(ScanNetSettings()), ScanNet(ScanNetSettings(augment=SceneAugmentConfig(test_augment=False)))
    assert (still.pose(0, 3).linear == np.eye(3)).all()
    first, again, other, seed = (data.pose(*key).linear for key in ((0, 3), (0, 3), (0, 4), (1, 3)))
    assert (first == again).all() and (first != other).any() and (first != seed).any()
    np.testing.assert_allclose(first @ first.T, np.eye(3), atol=1e-12)
    assert first[2, 2] == 1


def test_a_cloud_from_elsewhere_is_turned_z_up_and_gray_without_colors():
    points, normals = np.array([[0, 0, 0], [0, 2.0, 0]]), np.zeros((2, 3), np.float32)
    cloud = ScanNet(ScanNetSettings()).foreign(points, normals)
    np.testing.assert_allclose(cloud.xyz, [[0, 0, -1], [0, 0, 1]], atol=1e-7)
    assert not cloud.features.any() and cloud.features.shape == (2, 3) and cloud.labels == ()
    colored = ScanNet(ScanNetSettings()).foreign(points, normals, np.uint8([[0, 255, 0], [255, 0, 51]]))
    np.testing.assert_allclose(colored.features, [[-1, 1, -1], [1, -1, -0.6]], atol=1e-6)


@pytest.mark.parametrize(("scale", "unit"), [(1000, "millimeters"), (0.001, "kilometers")])
def test_a_cloud_from_elsewhere_is_in_meters(scale, unit):
    points = scale * np.array([[0, 0, 0], [4, 2.0, 3]])
    with pytest.raises(ValueError, match=f"is it in {unit}"):
        ScanNet(ScanNetSettings()).foreign(points, np.zeros((2, 3), np.float32))

"""Pieces of furniture from a package made here, and the table of a made-up network."""

import importlib

import matplotlib.image
import numpy as np
import pytest
import trimesh
from tools_in_process import TOOLS, loaded

from instance_seg.clustering.partition import as_proposals
from instance_seg.data.partnet.partnet import PartNet
from instance_seg.data.partnet.settings import PartNetSettings
from instance_seg.structures import Segmented

STOOL = """
from furniture_bench.furniture.furniture import Furniture
raise RuntimeError("is never run")

class Stool(Furniture):
    def __init__(self):
        self.parts = [StoolSeat(conf["stool_seat"], 0), Leg(conf["leg1"], 1), Leg(conf["leg2"], 2)]
        self.assembled_rel_poses = {}
        self.assembled_rel_poses[(0, 1)] = [
            get_mat([-0.5, 0.6, 0], [0, np.pi / 2, 0]),
            get_mat([0, 0, 0], [0, 2 * np.pi / 2, 0]) @ get_mat([-0.5, 0.6, 0], [0, 0, 0]),
        ]
        self.assembled_rel_poses[(0, 2)] = self.assembled_rel_poses[(0, 1)]
"""


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(TOOLS)
    with loaded("real_shapes") as module:
        yield module


@pytest.fixture
def pieces(tool):
    return importlib.import_module("real_pieces")


@pytest.fixture
def package(tmp_path):
    """A seat 2 x 0.2 x 1, below it (where y points down) two legs 0.1 x 1 x 0.3."""
    meshes = tmp_path / "assets" / "furniture" / "mesh" / "stool"
    for folder in (tmp_path / "furniture", meshes):
        folder.mkdir(parents=True)
    (tmp_path / "furniture" / "stool.py").write_text(STOOL)
    trimesh.creation.box([2, 0.2, 1]).export(meshes / "stool_seat.obj")
    for leg in (1, 2):
        trimesh.creation.box([0.1, 1, 0.3]).export(meshes / f"stool_leg{leg}.obj")
    return tmp_path


def test_poses_are_read_and_not_run(pieces, package):
    poses = pieces.read_poses(package / "furniture" / "stool.py")
    assert list(poses) == ["stool_seat", "stool_leg1", "stool_leg2"]
    np.testing.assert_allclose(poses["stool_leg1"][:3], [[0, 0, 1, -0.5], [0, 1, 0, 0.6], [-1, 0, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(poses["stool_leg2"][:3], [[-1, 0, 0, 0.5], [0, 1, 0, 0.6], [0, 0, -1, 0]], atol=1e-12)


def test_a_piece_stands_upright_with_its_parts(pieces, package):
    piece = pieces.assemble(package, "stool", 3000)
    points, leaf = piece.sampled.points, piece.shape.leaf_label
    assert piece.category == "Chair" and len(points) == 3000
    boxes = [np.ptp(points[leaf == i], axis=0) for i in (1, 2, 3)]
    np.testing.assert_allclose(boxes, [[2, 0.2, 1], [0.3, 1, 0.1], [0.1, 1, 0.3]], atol=0.03)
    assert points[leaf == 1, 1].min() > points[leaf == 2, 1].max() - 0.01
    assert {part.part_name: part.leaf_ids for part in piece.shape.parts}["chair/chair_base"] == (2, 3)
    areas = np.bincount(leaf)[1:] / len(leaf)
    np.testing.assert_allclose(areas, np.array([5.2, 0.86, 0.86]) / 6.92, atol=0.03)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("np.pi / 2", "open('x')", "cannot tell what"),
        ("self.assembled_rel_poses[(0, 2)] =", "x =", "says of 2 parts where they belong, and has 3"),
        ("raise", "raise (", "stool.py: cannot be read"),
    ],
)
def test_another_source_is_refused(pieces, package, old, new, message):
    source = package / "furniture" / "stool.py"
    source.write_text(STOOL.replace(old, new))
    with pytest.raises(ValueError, match=message):
        pieces.read_poses(source)


def test_a_missing_mesh_is_named(pieces, package):
    (package / "assets" / "furniture" / "mesh" / "stool" / "stool_leg2.obj").unlink()
    with pytest.raises(ValueError, match="stool_leg2.obj: is missing"):
        pieces.assemble(package, "stool")


def test_legs_are_one_part_at_the_coarse_level_and_two_at_the_others(tool, pieces, package):
    piece = pieces.assemble(package, "stool", 3000)
    leaf, task = piece.shape.leaf_label, PartNet(PartNetSettings("Chair")).task()
    assert [len(np.unique(tool.truth_at(piece, k).instance)) for k in range(3)] == [2, 3, 3]
    certainty = np.zeros(len(leaf), np.float32)
    levels = [
        Segmented(np.ones(len(leaf), np.int32), as_proposals(ids, ids * 0 + 1, certainty, 9), certainty)
        for ids in (leaf * 0, np.where(leaf == 3, 2, leaf), leaf)
    ]
    coarse, middle, fine = tool.score(piece, task, levels)
    seat = np.mean(leaf == 1)
    assert coarse.mean_iou == pytest.approx(100 * (seat + 1 - seat) / 2) and (coarse.parts, coarse.instances) == (2, 1)
    legs = np.bincount(leaf)[2:] / np.count_nonzero(leaf > 1)
    assert middle.mean_iou == pytest.approx(100 * (1 + legs.sum()) / 3)
    assert (fine.mean_iou, fine.found, fine.average_precision) == (100, 100, 0)  # the one class is right for no part


def test_parts_without_a_class_count_and_tiny_ones_do_not(tool, pieces, package):
    piece = pieces.assemble(package, "stool", 3000)
    leaf = np.where(np.arange(3000) < 20, 4, piece.shape.leaf_label)  # a nut
    names = ["chair/a_seat_of_ours", "chair/chair_base/regular_leg_base/leg"] * 2
    shape = piece.shape._replace(leaf_label=leaf, parts=pieces.part_tree([names[0], names[1], names[1], names[0]]))
    truth = tool.truth_at(piece._replace(shape=shape), 1)
    assert set(truth.instance[leaf == 4]) == {-1} and set(truth.semantic[leaf == 1]) == {0}
    assert len(np.unique(truth.instance[leaf < 4])) == 3 and truth.instance.min(where=leaf < 4, initial=9) == 0


class AllInOne:
    """Finds one part of class 1 at every level."""

    def __init__(self, run, reading):
        self.task = PartNet(PartNetSettings("Chair")).task()

    def __call__(self, points, normals):
        ones, certainty = np.ones(len(points), np.int32), np.zeros(len(points), np.float32)
        return [Segmented(ones, as_proposals(0 * ones, ones, certainty, 2), certainty)] * 3


def test_table_and_pictures(tool, package, tmp_path):
    with pytest.raises(ValueError, match="has no run for any of stool"):
        tool.segment_pieces(package, tmp_path / "runs", ["stool"], tmp_path / "out", load=AllInOne)
    (tmp_path / "runs" / "Chair").mkdir(parents=True)
    table = tool.segment_pieces(package, tmp_path / "runs", ["stool"], tmp_path / "out", load=AllInOne).splitlines()
    assert table[2].split()[:5] == ["|", "**stool**", "|", "**Coarse**", "|"] and table[3].split()[3] == "Middle"
    assert table[-1].split("|")[1].strip() == "mean of the best levels"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"table.md", "picture.png", "stool", "stool.ply"}
    assert (tmp_path / "out" / "stool" / "viewer.html").is_file()
    assert matplotlib.image.imread(tmp_path / "out" / "picture.png").shape[1] == 3 * 200  # one piece, one column
    for runs in ("nowhere", "runs"):  # where there is no run before, and where there is
        tool.segment_pieces(package, tmp_path / "runs", ["stool"], tmp_path / runs, tmp_path / runs, AllInOne)
        assert matplotlib.image.imread(tmp_path / runs / "picture.png").shape[1] == 5 * 200

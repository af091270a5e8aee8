"""Rooms: what stands in them stands clear and faces what it should; scans are labeled, seeded and have holes."""

import itertools

import numpy as np
import pytest

from instance_seg.data.s3dis.annotations import CLASSES
from instance_seg.data.scannet.classes import IDS
from instance_seg.procedural.draw import Draw
from instance_seg.procedural.rooms import KINDS, make_room
from instance_seg.procedural.rooms.generate import camera_path, plan_room
from instance_seg.procedural.rooms.kinds.habits import chairs_around
from instance_seg.procedural.rooms.labels import LABELS
from instance_seg.procedural.rooms.pieces import solid_piece
from instance_seg.procedural.rooms.plan import Plan, overlap
from instance_seg.procedural.rooms.scanner import OPENING, mesh_of, view_depths
from instance_seg.procedural.rooms.shell import shell_of
from instance_seg.procedural.rooms.triangles import bisect, triangles_of, weld
from instance_seg.procedural.solids import ball, bezier, block, rod, tube

IN_WALLS = ("door", "window")


def plans(count, scale=1.0):
    for seed in range(count):
        for kind in KINDS:
            yield kind, plan_room(Draw(np.random.default_rng([seed, len(kind)])), kind, scale)


@pytest.fixture(scope="module")
def furnished():
    return list(plans(5))  # 40 rooms


def cube(label, width, depth, height):
    sides = ((-0.5 * s, 0.5 * s) for s in (width, height, depth))  # of solids, y points up
    return solid_piece(label, (block(*sides), (0.5, 0.5, 0.5))).scaled()


def test_nothing_collides_and_nothing_leaves_the_room(furnished):
    for kind, plan in furnished:
        assert len(plan.pieces) > 4, kind
        for a, b in itertools.combinations(plan.pieces, 2):
            assert not overlap(a.box, b.box), f"{kind}: {a.label} {a.box} and {b.label} {b.box}"
        for piece in plan.pieces:
            room = np.stack([np.zeros(3), plan.size])
            slack = 0.3 if piece.label in IN_WALLS else 1e-6
            assert np.all(piece.box[0] > room[0] - slack) and np.all(piece.box[1] < room[1] + slack), piece.label
            if plan.notch is not None and piece.label not in IN_WALLS:
                assert not overlap(piece.box, plan.notch), f"{kind}: {piece.label} stands in the missing corner"


def test_nothing_floats(furnished):
    """What hangs on no wall and from no ceiling stands on the floor or on a thing."""
    hung = {
        "window",
        "picture",
        "whiteboard",
        "mirror",
        "towel",
        "curtain",
        "shower curtain",
        "kitchen cabinet",
        "door",
    }
    stood = 0
    for kind, plan in furnished:
        for piece in plan.pieces:
            low = piece.box[0]
            if piece.label in hung or low[2] < 1e-6:
                continue
            below = [
                other
                for other in plan.pieces
                if abs(other.box[1, 2] - low[2]) < 0.13  # a counter ends in a strip, a little higher than its slab
                and np.all(other.box[0, :2] < piece.box[1, :2]) and np.all(other.box[1, :2] > low[:2])
            ]  # fmt: skip
            assert below, f"{kind}: {piece.label} at {low}"
            stood += 1
    assert stood > 40


def test_all_classes_of_the_benchmark_occur_in_forty_rooms(furnished):
    seen = {LABELS[piece.label].nyu40 for _, plan in furnished for piece in [*plan.pieces, *shell_of(plan, False)]}
    assert seen >= set(IDS.tolist())
    benchmark = {LABELS[piece.label].s3dis for _, plan in furnished for piece in [*plan.pieces, *shell_of(plan, True)]}
    assert benchmark | {"beam"} == set(CLASSES)
    for kind in KINDS:
        sizes = {tuple(plan.size) for k, plan in furnished if k == kind}
        assert len(sizes) == 5, f"rooms of kind {kind} are of the same size"


def test_rows_of_equal_things_touch(furnished):
    touching = 0
    for _, plan in furnished:
        for a, b in itertools.combinations(plan.pieces, 2):
            if a.label == b.label and np.allclose(a.size, b.size):
                gap = np.maximum(a.box[0], b.box[0]) - np.minimum(a.box[1], b.box[1])
                touching += bool(np.all(gap < 1e-6))
    assert touching > 60


def test_chairs_look_at_their_table():
    plan = Plan(Draw(np.random.default_rng(0)), (6.0, 5.0, 2.5))
    table = plan.place(cube("table", 1.8, 1.0, 0.75), (3.0, 2.5))
    marked = cube("chair", 0.45, 0.5, 0.4).joined(cube("chair", 0.45, 0.06, 0.9).moved(0.0, (0.0, 0.22, 0.0)))
    chairs = chairs_around(plan, table, marked, share=1.0)
    assert len(chairs) >= 7  # of eight seats; chairs at a corner may be in each other's way
    for chair in chairs:
        high = chair.corners[chair.corners[..., 2] > 0.8].mean(axis=0)[:2]  # the back, at +y before the turn
        middle, target = chair.box.mean(axis=0)[:2], np.clip(high, table.box[0, :2], table.box[1, :2])
        assert np.linalg.norm(high - target) > np.linalg.norm(middle - target) + 0.1


def test_pieces_that_do_not_fit_are_left_out():
    plan = Plan(Draw(np.random.default_rng(0)), (2.0, 2.0, 2.5))
    assert plan.place(cube("table", 2.5, 1.0, 0.7), (1.0, 1.0)) is None
    assert plan.row(cube("cabinet", 1.2, 0.4, 1.0), 3) == []
    assert plan.in_the_open(cube("table", 1.9, 1.9, 0.7)) is None
    first = plan.place(cube("table", 1.0, 1.0, 0.7), (1.0, 1.0))
    assert plan.on_top(cube("box", 1.5, 1.5, 0.2), first) is None
    placements = [(cube("chair", 0.4, 0.4, 0.8), at, 0.0, 0.0) for at in ((0.25, 0.25), (1.0, 1.0))]
    assert plan.place_all(placements) == [] and plan.pieces == [first]


@pytest.fixture(scope="module")
def small_rooms():
    return [make_room(3, number, spacing=0.06, scale=0.7) for number in range(len(KINDS))]


def test_rooms_are_meshes_of_labeled_things(small_rooms):
    assert [room.kind for room in small_rooms] == list(KINDS)
    for room in small_rooms:
        assert 3000 < len(room.vertices) < 40000
        assert room.vertices.dtype == np.float32 and room.colors.dtype == np.uint8
        assert len(room.vertices) == len(room.colors) == len(room.thing)
        assert set(np.unique(room.thing)) == set(range(len(room.labels)))  # every thing was seen
        assert room.faces.min() == 0 and set(np.unique(room.faces)) == set(range(len(room.vertices)))
        assert (room.thing[room.faces] == room.thing[room.faces[:, :1]]).all()  # no face joins two things
        assert np.ptp(room.vertices, axis=0).max() < 12.0 and np.abs(room.vertices[:, 2].min()) < 0.1
        assert room.colors.std(axis=0).min() > 10
        corners = room.vertices[room.faces]
        edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
        assert 0.04 < np.median(edges) < 0.09


def test_the_same_room_again_and_no_other(small_rooms):
    again = make_room(3, 1, spacing=0.06, scale=0.7)
    for name in ("vertices", "faces", "colors", "thing"):
        np.testing.assert_array_equal(getattr(again, name), getattr(small_rooms[1], name))
    assert again.labels == small_rooms[1].labels
    for seed, number in ((4, 1), (3, 1 + len(KINDS))):
        other = make_room(seed, number, spacing=0.06, scale=0.7)
        assert other.kind == again.kind and len(other.vertices) != len(again.vertices)


def test_the_floor_has_holes_where_no_camera_looks():
    hidden, open_floor = [], []
    for kind in ("bathroom", "kitchen", "bedroom"):
        plan = plan_room(Draw(np.random.default_rng(1)), kind, 1.0)
        pieces = [*shell_of(plan, False), *plan.pieces]
        mesh = mesh_of(pieces, 0.05)
        depth = np.min([view_depths(mesh, camera, 0.06, OPENING) for camera in camera_path(plan, 7)], axis=0)
        at, floor = mesh.vertices[:, :2], mesh.piece == 0
        under = np.zeros(len(at), bool)
        for piece in plan.pieces:
            if piece.label in ("wardrobe", "kitchen cabinet", "bathtub", "bed") and piece.box[0, 2] == 0.0:
                under |= np.all((at > piece.box[0, :2] + 0.08) & (at < piece.box[1, :2] - 0.08), axis=1)
        assert np.count_nonzero(under & floor) > 50
        hidden.append(np.isinf(depth[under & floor]).mean())
        open_floor.append(np.isinf(depth[floor & ~under]).mean())
    assert np.mean(hidden) > 0.4 and np.mean(open_floor) < 0.15


def test_a_closed_room_has_a_ceiling_and_straight_walls():
    room = make_room(0, 1, spacing=0.08, scale=0.7, closed=True)
    assert "ceiling" in room.labels and room.vertices[:, 2].max() > 2.3
    kind = np.array(room.labels)[room.thing]
    walls = room.vertices[kind == "wall"][:, :2]
    low, high = walls.min(axis=0), walls.max(axis=0)
    assert np.mean(np.min(np.minimum(walls - low, high - walls), axis=1) < 0.06) > 0.5
    assert "ceiling" not in make_room(0, 1, spacing=0.08, scale=0.7).labels


@pytest.mark.parametrize(
    "arguments", [(-1, 0), (0, -1), (0, 0, 0.001), (0, 0, 0.5), (0, 0, 0.05, 0.1), (0, 0, 0.05, 1.0, "cellar")]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=r"expected >= 0|there are living room"):
        make_room(*arguments)


# Triangles


@pytest.mark.parametrize(
    "solid",
    [
        block((0, 1), (0, 2), (0, 3)),
        rod((0, 0, 0), (1, 2, 1), 0.4, 0.2),
        ball((1, 2, 3), (1.0, 0.5, 0.8)),
        tube(bezier((0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1)), 0.1),
    ],
    ids=["block", "frustum", "ellipsoid", "tube"],
)
def test_triangles_are_the_surface_turned_outward(solid):
    corners = np.concatenate([triangles_of(surface) for surface in solid])
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = 0.5 * np.linalg.norm(across, axis=1).sum()
    assert area == pytest.approx(sum(surface.area for surface in solid), rel=0.06)
    middle = corners.mean(axis=(0, 1))
    assert np.einsum("ij,ij->", corners.mean(axis=1) - middle, across) > 0.0


def test_bisection_keeps_area_and_leaves_no_gap():
    corners = np.concatenate([triangles_of(surface) for surface in block((0, 1), (0, 0.3), (0, 2))])
    small, source = bisect(corners, 0.1)
    edges = np.linalg.norm(small - np.roll(small, 1, axis=1), axis=2)
    assert edges.max() <= 0.1 and len(small) > 500 and set(source) == set(range(len(corners)))

    def areas(t):
        return 0.5 * np.linalg.norm(np.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]), axis=1)

    np.testing.assert_allclose(np.bincount(source, areas(small)), areas(corners))
    _, vertex = np.unique(small.reshape(-1, 3).round(9), axis=0, return_inverse=True)
    sides = np.sort(np.stack([vertex.reshape(-1, 3), np.roll(vertex.reshape(-1, 3), -1, axis=1)], 2).reshape(-1, 2), 1)
    _, count = np.unique(sides, axis=0, return_counts=True)
    assert (count == 2).all()  # a closed surface: every edge belongs to two triangles


def test_welding_joins_corners_of_one_owner_alone():
    corners = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 1, 0], [0, 1, 0.01]]], float)
    chosen, faces = weld(corners, np.array([0, 0]), 0.3)
    assert len(chosen) == 4 and faces.tolist() == [[0, 1, 2], [1, 3, 2]] and chosen.tolist() == [0, 1, 2, 4]
    assert len(weld(corners, np.array([0, 1]), 0.3)[0]) == 6
    thin = np.concatenate([corners, corners[:, ::-1] + [0, 0, 0.01]])
    assert len(weld(thin, np.zeros(4, int), 0.3)[1]) == 2  # both sides of a sheet thinner than a cell
    speck = corners * 0.01
    assert len(weld(np.concatenate([corners, speck]), np.zeros(4, int), 0.3)[1]) == 2

"""Procedural shapes: deterministic, named and nested as PartNet has it, normalized, varied enough."""

import itertools

import numpy as np
import pytest

from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import available_categories, generate_shape
from instance_seg.procedural.assemble import UNLISTED, list_parts, normalize, sample_surfaces
from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import shift
from instance_seg.procedural.grammars import GRAMMARS
from instance_seg.procedural.grammars.sturdy import STURDY
from instance_seg.procedural.nodes import Node, around, at_each, corners, leaf, mirrored, node
from instance_seg.procedural.solids import box

CATEGORIES = available_categories()
COVERAGE = {"Table": 0.6, "Lamp": 0.6}  # share of a level's classes that 200 shapes show; 0.8 elsewhere
NUM_POINTS = 2000


def known_names(category: str) -> set[str]:
    """Every class name of every level and all their path prefixes."""
    names = {name for level in load_taxonomy(category).levels for name in level.names[1:]}
    return {"/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 2)}


def part_names(root: Node, prefix: str = "") -> set[str]:
    name = prefix + root.name
    return {name}.union(*(part_names(child, name + "/") for child in root.children))


@pytest.mark.parametrize("category", CATEGORIES)
def test_names_are_partnets_and_cover_its_levels(category):
    taxonomy, known, seen = load_taxonomy(category), known_names(category), set()
    listed = [taxonomy.levels[level].names[1:] for level in taxonomy.real_levels]
    for index in range(200):
        seen |= part_names(GRAMMARS[category](Draw(np.random.default_rng(index))))
        if all(np.mean([name in seen for name in names]) >= COVERAGE.get(category, 0.8) for names in listed):
            break
    else:
        pytest.fail(f"200 shapes miss {[set(names) - seen for names in listed]}")
    assert seen <= known


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_few_shapes_of_each_category(category):
    taxonomy, known = load_taxonomy(category), known_names(category)
    for index in range(6):
        shape = generate_shape(category, 3, index, NUM_POINTS)
        assert shape.points.shape == shape.normals.shape == (NUM_POINTS, 3)
        assert (shape.points.dtype, shape.normals.dtype, shape.leaf_label.dtype) == (np.float32, np.float32, np.int32)
        np.testing.assert_allclose(np.linalg.norm(shape.normals, axis=1), 1.0, atol=1e-5)
        np.testing.assert_allclose(shape.points.min(axis=0), -shape.points.max(axis=0), atol=1e-6)
        assert np.linalg.norm(shape.points, axis=1).max() == pytest.approx(1.0, abs=1e-6)
        for part in shape.parts:
            assert part.part_name in known or part.part_name.endswith("/" + UNLISTED)
        check_levels(shape, taxonomy)


def check_levels(shape, taxonomy):
    """Masks of a level are disjoint and not empty; a point's fine class lies in its coarse class."""
    semantic = []
    for level in taxonomy.levels:
        labels = np.zeros(NUM_POINTS, int)
        for part in shape.parts:
            if level.class_of(part.part_name):
                mask = np.isin(shape.leaf_label, part.leaf_ids)
                assert mask.any() and not labels[mask].any()
                labels[mask] = level.class_of(part.part_name)
        semantic.append(labels)
    for fine, coarse in itertools.combinations(range(2, -1, -1), 2):
        expected = taxonomy.parent_map(fine, coarse)[semantic[fine]]
        listed = expected > 0
        np.testing.assert_array_equal(semantic[coarse][listed], expected[listed])
    assert np.mean((np.array(semantic) == 0).all(axis=0)) < 0.06


@pytest.mark.parametrize("category", STURDY)
def test_sturdy_pieces_are_named_and_nested_like_others(category):
    known, taxonomy, counts = known_names(category), load_taxonomy(category), set()
    for index in range(6):
        shape = generate_shape(category, 3, index, NUM_POINTS, sturdy=1.0)
        assert all(part.part_name in known or part.part_name.endswith("/" + UNLISTED) for part in shape.parts)
        assert np.abs(np.linalg.norm(shape.normals, axis=1) - 1).max() < 1e-5
        check_levels(shape, taxonomy)
        counts.add(len(shape.parts))
    assert len(counts) > 1


def test_a_share_of_shapes_is_sturdy_and_without_one_all_are_as_ever():
    plain, none, half, whole = (
        [part_count(generate_shape("Table", 0, index, 200, *share)) for index in range(20)]
        for share in ((), (0.0,), (0.5,), (1.0,))
    )
    assert plain == none and len({*map(tuple, (plain, half, whole))}) == 3
    assert max(whole) < max(half) <= max(plain)  # sturdy tables have five parts at most
    np.testing.assert_array_equal(generate_shape("Mug", 0, 0, 200, 1.0).points, generate_shape("Mug", 0, 0, 200).points)


def part_count(shape):
    return len(np.unique(shape.leaf_label))


@pytest.mark.parametrize("category", CATEGORIES)
def test_deterministic(category):
    first, again = (generate_shape(category, 5, 7, 300) for _ in range(2))
    for one, other in zip(first[:3], again[:3]):
        np.testing.assert_array_equal(one, other)
    assert first[3:] == again[3:]
    for seed, index in ((6, 7), (5, 8)):
        other = generate_shape(category, seed, index, 300)
        assert not np.array_equal(first.points, other.points) and other.name != first.name


def test_some_shapes_have_unlabeled_points_and_some_have_none():
    shares = []
    for index in range(30):
        shape = generate_shape("Chair", 0, index, NUM_POINTS)
        ids = [part.leaf_ids[0] for part in shape.parts if part.part_name.endswith(UNLISTED)]
        shares.append(np.mean(np.isin(shape.leaf_label, ids)))
    assert min(shares) == 0.0 and 0.002 < max(shares) < 0.05


@pytest.mark.parametrize("category, seed, index, count", [("chair", 0, 0, 1), ("Chair", -1, 0, 1), ("Chair", 0, 0, 0)])
def test_bad_arguments(category, seed, index, count):
    with pytest.raises(ValueError, match="'Chair'|expected"):
        generate_shape(category, seed, index, count)


def test_leaves_get_points_by_their_area():
    large, small = leaf("large", box((0, 0, 0), (2, 2, 2))), leaf("small", box((5, 0, 0), (1, 1, 1)))
    _, owner = sample_surfaces([large, small], np.random.default_rng(0), 20000)
    assert np.mean(owner == 0) == pytest.approx(0.8, abs=0.01)


def test_list_parts_names_every_node_and_skips_what_has_no_point():
    cube = box((0, 0, 0), (1, 1, 1))
    tree = node("a", node("b", leaf("c", cube), leaf("c", cube)), leaf("d/e", cube), leaf("f", cube))
    parts = list_parts(tree, itertools.count(1), {1, 2, 3})
    assert parts == [
        ("a", (1, 2, 3)),
        ("a/b", (1, 2)),
        ("a/b/c", (1,)),
        ("a/b/c", (2,)),
        ("a/d", (3,)),
        ("a/d/e", (3,)),
    ]


def test_symmetry_and_repetition():
    def places(parts):
        return sorted(tuple(np.round(part.surfaces[0].frame.origin + 0.0, 6)) for part in parts)

    part = leaf("x", box((0, 0, 0), (0.1, 0.1, 0.1))).moved(shift(1, 0, 2))
    assert places(mirrored(part)) == [(-1, 0, 2), (1, 0, 2)]
    assert places(corners(part)) == [(-1, 0, -2), (-1, 0, 2), (1, 0, -2), (1, 0, 2)]
    assert places(at_each([(0, 1, 0), (0, 2, 0)], [part, None])) == [(1, 1, 2), (1, 2, 2)]
    turned = around(4, part)
    assert len({place for place in places(turned)}) == 4
    np.testing.assert_allclose([np.hypot(x, z) for x, _, z in places(turned)], np.sqrt(5), rtol=1e-6)


def test_node_without_children_is_no_node():
    assert node("a", None, [], [None]) is None


def test_normalize():
    points = np.array([[0.0, 0.0, 0.0], [4.0, 2.0, 0.0]])
    expected = np.array([[-2.0, -1.0, 0.0], [2.0, 1.0, 0.0]]) / np.sqrt(5.0)
    np.testing.assert_allclose(normalize(points), expected, rtol=1e-6)

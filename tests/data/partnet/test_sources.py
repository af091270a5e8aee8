"""The same shapes through every format give the same arrays."""

import pickle

import numpy as np
import pytest
from small_data import read_split

from instance_seg.data.partnet.formats import prepare
from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.sources import (
    SOURCES,
    blocks_of,
    categories_in,
    count_stored,
    read_shapes,
    sources_of,
)
from instance_seg.data.partnet.splits import SPLITS, ShapeId, write_split_list
from instance_seg.data.partnet.stored_shape import store_shape
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

NUM_POINTS = 40
NUM_SHAPES = {"train": 3, "val": 1, "test": 2}


def vase(seed):
    """A category without level 2; parts without points, and parts that overlap."""
    rng = np.random.default_rng(seed)
    points, normals = rng.normal(size=(2, NUM_POINTS, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    parts = (
        Part("pot/base", (77,)),
        Part("pot/body", (1, 2)),
        Part("pot/body/container", (1, 2)),
        Part("pot/base", (2, 3)),
    )
    return LabeledShape(
        points, normals, rng.integers(0, 5, NUM_POINTS, np.int32), parts, ShapeId(f"vase_{seed}", str(seed))
    )


def make_shape(category, index):
    return vase(index) if category == "Vase" else generate_shape(category, 0, index, NUM_POINTS)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder that holds two categories in every format."""
    folder = tmp_path_factory.mktemp("all")
    first = 0
    for split, number in NUM_SHAPES.items():
        for category in ("Chair", "Vase"):
            shapes = (make_shape(category, index) for index in range(first, first + number))
            write_split(folder, category, split, shapes, load_taxonomy(category))
            sources = prepare.find_sources(folder, category, split)
            for name in ("points", "tfrecords", "shards", "sgpn"):
                jobs = prepare.plan(name, sources, folder)
                for job in jobs:
                    prepare.run_job(job)
                prepare.finish(jobs)
        first += number
    return folder


@pytest.mark.parametrize("category", ["Chair", "Vase"])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("source", SOURCES)
def test_same_arrays(root, source, category, split):
    taxonomy = load_taxonomy(category)
    wanted = [store_shape(shape, taxonomy, split) for shape in read_split(root, category, split)]
    found = list(read_shapes(root, category, split, taxonomy, source=source))
    assert len(found) == len(wanted) == count_stored(root, category, split, source) == NUM_SHAPES[split]
    for one, other in zip(found, wanted):
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.normals, other.normals)
        np.testing.assert_array_equal(one.levels, other.levels)
        assert one[3:] == other[3:]
        assert [a.dtype for level in one.levels for a in level] == [np.int32] * 6


def test_the_folder_tells_the_format(root, tmp_path):
    assert sources_of(root, "Chair", "val") == tuple(SOURCES)
    assert categories_in(root) == ("Chair", "Vase")
    (tmp_path / "points").symlink_to(root / "points")
    assert sources_of(tmp_path, "Vase", "test") == ("points",)
    taxonomy = load_taxonomy("Vase")
    assert [shape.name.anno_id for shape in read_shapes(tmp_path, "Vase", "train", taxonomy, limit=2)] == ["0", "1"]


def test_what_is_not_there(root, tmp_path):
    chair = load_taxonomy("Chair")
    for arguments, message in (
        ((root, "chair", "train"), "did you mean 'Chair'"),
        ((root, "Chair", "dev"), "no split 'dev'"),
        ((root / "no", "Chair", "train"), "no: no such folder"),
        ((root, "Lamp", "train"), "holds no Lamp train as .*; it has Chair, Vase"),
        ((tmp_path, "Chair", "train"), "holds no Chair train as .*; there is no PartNet data in it"),
    ):
        with pytest.raises(ValueError, match=message):
            read_shapes(*arguments, chair)
    with pytest.raises(ValueError, match="no format 'zip'; choose one of ins_seg_h5"):
        read_shapes(root, "Chair", "train", chair, source="zip")


def test_a_split_list_of_shapes_that_are_not_there(tmp_path):
    chair = load_taxonomy("Chair")
    shapes = [generate_shape("Chair", 0, index, NUM_POINTS) for index in range(2)]
    write_split(tmp_path, "Chair", "train", shapes, chair)
    names = [shape.name for shape in shapes]
    for listed, message in (
        (
            [names[0], ShapeId("ghost", "7")],
            "Chair.train.json: entry 1 names model ghost, annotation 7, which is not in",
        ),
        ([*names, ShapeId("ghost", "7")], "entry 2 names model ghost"),
        (names[:1], "entry 1 is missing, but row 1 of .* is model procedural"),
        (names[::-1], "entry 0 is model .*, but row 0 of"),
    ):
        write_split_list(tmp_path, "Chair", "train", listed)
        with pytest.raises(ValueError, match=message):
            list(read_shapes(tmp_path, "Chair", "train", chair))
        with pytest.raises(ValueError, match=message):
            prepare.find_sources(tmp_path, "Chair", "train")


def test_missing_points_files(root, tmp_path):
    taxonomy = load_taxonomy("Vase")
    for path in (root / "points" / "Vase").glob("*train.points"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "Vase_0001_vase_1_1_level3_train.points").unlink()
    with pytest.raises(ValueError, match="Vase_0001_vase_1_1_level1_train.points .* not one shape at the levels 1, 3"):
        list(read_shapes(tmp_path, "Vase", "train", taxonomy))
    (tmp_path / "Vase_0001_vase_1_1_level1_train.points").unlink()
    with pytest.raises(ValueError, match="shape 0001 of Vase train is missing; after it comes Vase_0002"):
        list(read_shapes(tmp_path, "Vase", "train", taxonomy))


def test_levels_with_other_points(root, tmp_path):
    for path in (root / "points" / "Vase").glob("*val.points"):
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data if "level1" in path.name else data[:88] + bytes(4) + data[92:])
    with pytest.raises(ValueError, match="level3_val.points: its points or normals are not those of .*level1_val"):
        list(read_shapes(tmp_path, "Vase", "val", load_taxonomy("Vase")))


@pytest.mark.parametrize("source", ["ins_seg_h5", "points"])
def test_blocks_together_are_the_split(root, source, tmp_path, monkeypatch):
    (tmp_path / source).symlink_to(root / source)
    monkeypatch.setattr("instance_seg.data.partnet.formats.points_folder._BLOCK", 2)
    monkeypatch.setattr("instance_seg.data.partnet.hdf5.trees._BLOCK", 2)
    taxonomy = load_taxonomy("Chair")
    wanted = list(read_shapes(tmp_path, "Chair", "train", taxonomy, source=source))
    for limit, sizes in ((None, [2, 1]), (2, [2]), (1, [1]), (9, [2, 1])):
        blocks = blocks_of(tmp_path, "Chair", "train", taxonomy, limit)
        found = [list(pickle.loads(pickle.dumps(block))()) for block in blocks]
        assert [len(shapes) for shapes in found] == sizes
        for one, other in zip(sum(found, []), wanted):
            np.testing.assert_equal(one, other)


def test_formats_that_are_read_in_one_go(root, tmp_path):
    (tmp_path / "shards").symlink_to(root / "shards")
    (block,) = blocks_of(tmp_path, "Chair", "train", load_taxonomy("Chair"), limit=2)
    assert [len(list(read())) for read in (block, pickle.loads(pickle.dumps(block)))] == [3, 3]

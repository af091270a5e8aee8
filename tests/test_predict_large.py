"""A cloud of which the network sees a small part: every point is written, in its place, in bounded memory."""

import json
import tracemalloc

import numpy as np
import pytest
from plyfile import PlyData

from instance_seg import predict as program
from instance_seg.clustering.partition import as_proposals
from instance_seg.data.partnet.partnet import PartNet, PartNetSettings
from instance_seg.predict import Options, predict
from instance_seg.structures import Segmented

COUNT, SEEN = 250_000, 4000
BYTES = 150  # of memory for each point


class ByRegion:
    """Instead of a network: class and instance of a point are the region it is in. Remembers what it saw."""

    task = PartNet(PartNetSettings("Chair", level=1)).task()

    def __call__(self, points, normals, colors=None):
        assert len(points) == len(normals)
        self.saw, region = points, region_of(points)
        certainty, classes = np.zeros(len(points), np.float32), len(self.task.levels[0].classes)
        return [Segmented(region, as_proposals(region, region, certainty, classes), certainty)]


def region_of(points):
    """[N] int32 in 1 .. 5; regions 1 and 5 hold an eighth of the points each, the others a quarter."""
    return np.int32((points > 0) @ [1, 2, 1] + 1)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder, network = tmp_path_factory.mktemp("large"), ByRegion()
    points = np.random.default_rng(0).normal(size=(COUNT, 3)).astype(np.float32)
    np.save(folder / "cloud.npy", points)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "data_set_of", lambda *args: PartNet)
        patch.setattr(program, "_load_segmenter", lambda *args: network)
        tracemalloc.start()
        try:
            predict("run", [str(folder / "cloud.npy")], folder / "out", Options(max_points=SEEN, min_points=40_000))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    return points, network.saw, peak, folder / "out"


def test_every_point_is_written_in_its_place(outcome):
    points, saw, _, out = outcome
    vertex = PlyData.read(str(out / "level_1.ply"))["vertex"]
    np.testing.assert_array_equal(np.stack([vertex[axis] for axis in "xyz"], axis=1), points)
    assert (vertex["semantic"] == region_of(points)).mean() > 0.9
    place = {tuple(xyz): i for i, xyz in enumerate(points)}
    rows = [place[tuple(np.float32(xyz))] for xyz in saw]
    assert len(set(rows)) == SEEN
    np.testing.assert_array_equal(vertex["semantic"][rows], region_of(saw))


def test_parts_count_all_points(outcome):
    """And so does the least number of points, which leaves out the two small regions of five."""
    points, _, _, out = outcome
    vertex = PlyData.read(str(out / "level_1.ply"))["vertex"]
    records = json.loads((out / "parts.json").read_text())
    sizes = np.bincount(vertex["instance"][vertex["instance"] >= 0])
    assert [record["points"] for record in records] == sizes.tolist() and 3 == len(sizes) and sizes.min() > 40_000
    for i, record in enumerate(records):
        members = points[vertex["instance"] == i]
        assert record["x_min"] == members[:, 0].min() and record["z_max"] == members[:, 2].max()
    assert f"({SEEN:,} of {COUNT:,} points)" in (out / "viewer.html").read_text()


@pytest.mark.parametrize(
    ("sizes", "up", "category"),
    [
        ((4.0, 2.5, 3.0), "y", "Rooms"),
        ((12.0, 3.0, 1.8), "y", "Rooms"),
        ((4.0, 3.0, 2.5), "z", "Rooms"),
        ((2.5, 3.0, 4.0), "x", "Rooms"),
        ((1.0, 0.8, 1.0), "y", "Chair"),
        ((2.0, 4.0, 2.0), "y", "Chair"),  # a shape in a unit of its own: higher than it is long
        ((3.0, 0.75, 1.2), "y", "Chair"),  # a long table: flatter than any room
        ((3.0, 2.0, 0.6), "y", "Chair"),  # a wardrobe
        ((12.0, 7.5, 8.0), "y", "Chair"),  # a table in decimeters
        ((80.0, 4.0, 60.0), "y", "Chair"),
        ((900.0, 900.0, 900.0), "y", "Chair"),
    ],
)
def test_a_room_is_told_by_its_size(sizes, up, category, tmp_path):
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (300, 3))
    np.save(tmp_path / "a.npy", points * sizes / np.ptp(points, axis=0))
    assert program.likely_category(tmp_path / "a.npy", up) == category


def test_what_cannot_be_read_is_taken_for_a_shape(tmp_path):
    (tmp_path / "a.npy").write_text("no array")
    assert program.likely_category(tmp_path / "a.npy", "y") == "Chair"  # what is wrong is said by who reads it


def test_memory_is_bounded(outcome):
    assert outcome[2] < BYTES * COUNT

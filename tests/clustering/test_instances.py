"""Instances of shapes and levels: numbering, classes, both backends, errors."""

import numpy as np
import pytest

import instance_seg.clustering.instances as instances
import instance_seg.clustering.mean_shift as clustering
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import ShiftedLevel, segment_levels
from instance_seg.clustering.mean_shift import cluster_regions
from instance_seg.clustering.shift import shift_points
from ocnn_tf_ops.python import cuda_memory, kernel_library, mean_shift

NUM_CLASSES = 8


def level(points, semantic, bandwidth=0.1):
    """A level whose points are already at their instance centers; a bandwidth for all classes, or for each."""
    points = np.array(points, np.float32).reshape(-1, 3)
    return ShiftedLevel(points, np.array(semantic, np.int32), np.broadcast_to(bandwidth, [NUM_CLASSES]))


def instances_of(one, **settings):
    return segment_levels([one], ClusterConfig(**settings))[0]


def random_level(rng, n, classes=5):
    centers = rng.uniform(-0.7, 0.7, (8, 3))
    noise = rng.normal(0, 0.04, (3, n, 3))
    which = rng.integers(8, size=n)
    xyz = centers[which] + noise[0]
    semantic = rng.integers(classes, size=n)
    return level(shift_points(xyz, centers[which] - xyz + noise[1], -xyz + noise[2], ClusterConfig()), semantic)


def test_ids_run_on_from_class_to_class_and_classes_never_share_an_instance():
    """Class 0: one pair. Class 2: two clusters, the larger one first. Class 7: a single point, at class 0's place."""
    here, there = [0, 0, 0], [1, 0, 0]
    ids = instances_of(level([here, there, there, here, here, here], [2, 2, 2, 0, 7, 0]))
    assert ids.dtype == np.int32
    assert ids.tolist() == [2, 1, 1, 0, 3, 0]


def test_the_push_separates_instances_around_a_region_center():
    """Two instance centers 0.08 apart are one cluster; pushed 0.05 apart each way they are two."""
    xyz = np.array([[-0.04, 0, 0]] * 3 + [[0.04, 0, 0]] * 3, np.float32)
    pushed = shift_points(xyz, np.zeros_like(xyz), -xyz, ClusterConfig())
    assert instances_of(level(xyz, [1] * 6)).tolist() == [0] * 6
    assert instances_of(level(pushed, [1] * 6)).tolist() == [1, 1, 1, 0, 0, 0]


def test_each_class_has_its_own_bandwidth():
    """Pairs 0.2 apart: of class 1 they are two instances, of class 2 one."""
    pairs = [[0, 0, 0], [0.2, 0, 0]] * 2
    bandwidth = [0.01, 0.1, 0.5, *[0.01] * (NUM_CLASSES - 3)]
    for backend in ("native", "sklearn"):
        ids = instances_of(level(pairs, [1, 1, 2, 2], bandwidth), clustering=backend)
        assert sorted(ids[:2]) == [0, 1] and ids[2:].tolist() == [2, 2]


def test_ids_have_no_gaps():
    rng = np.random.default_rng(0)
    for n in (1, 2, 50, 900):
        ids = instances_of(random_level(rng, n))
        assert np.unique(ids).tolist() == list(range(ids.max() + 1))


def test_backends_find_the_same_instances():
    rng = np.random.default_rng(1)
    levels = [random_level(rng, n) for n in (1, 300, 0, 800)]
    for ours, theirs in zip(
        segment_levels(levels, ClusterConfig()), segment_levels(levels, ClusterConfig(clustering="sklearn"))
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_many_levels_equal_each_alone_in_any_portions(monkeypatch):
    rng = np.random.default_rng(2)
    levels = [random_level(rng, n) for n in (200, 0, 1, 500, 30)]
    alone = [instances_of(one) for one in levels]
    for points_per_call in (1, 250, 10**6):
        monkeypatch.setattr(instances, "_POINTS_PER_CALL", points_per_call)
        together = segment_levels(levels, ClusterConfig())
        assert [len(ids) for ids in together] == [200, 0, 1, 500, 30]
        for ours, expected in zip(together, alone, strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_the_gaussian_kernel_finds_the_same_where_clusters_are_tight():
    one = level([[0, 0, 0], [0.01, 0, 0], [1, 0, 0], [1, 0.01, 0], [1, 0, 0.01]], [1] * 5)
    assert instances_of(one, kernel="gaussian").tolist() == [1, 1, 0, 0, 0]
    assert instances_of(one).tolist() == [1, 1, 0, 0, 0]


def test_nothing_to_segment():
    assert segment_levels([], ClusterConfig()) == []
    assert instances_of(level([], [])).shape == (0,)


def test_points_that_eq7_makes_nan_are_an_error_that_names_the_switch():
    """Both offsets agree: without the guard Eq. 7 is 0 / 0."""
    good, unguarded = random_level(np.random.default_rng(3), 10), ClusterConfig(eq7_guard=False)
    bad = level(shift_points(np.eye(2, 3), np.zeros([2, 3]), np.zeros([2, 3]), unguarded), [1, 1])
    with pytest.raises(ValueError, match=r"levels\[1\]: 2 of 2 shifted points are NaN .* set eq7_guard"):
        segment_levels([good, bad], unguarded)
    broken = bad._replace(points=np.full((2, 3), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"levels\[0\]: 2 of 2 shifted points are NaN or infinite$"):
        segment_levels([broken], ClusterConfig())


def test_arrays_of_differing_length_are_named():
    one = level([[0, 0, 0], [1, 0, 0]], [1])
    with pytest.raises(ValueError, match="points 2, semantic 1"):
        instances_of(one)


def test_cluster_labels_and_errors():
    points = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1]], np.float32)
    for backend in ("native", "sklearn"):
        assert cluster_regions(points, [0, 3], 0.1, backend).tolist() == [1, 0, 0]
        assert cluster_regions(points, [0, 0, 1, 3], 0.1, backend).tolist() == [0, 0, 0]
        with pytest.raises(ValueError, match="NaN"):
            cluster_regions(np.full((3, 3), np.nan, np.float32), [0, 3], 0.1, backend)
    with pytest.raises(ValueError, match="clustering='dbscan' is unknown; choose native or sklearn"):
        cluster_regions(points, [0, 3], 0.1, "dbscan")


@pytest.mark.slow
def test_the_gpu_finds_the_same_instances(emulated, monkeypatch):
    """The library of the emulated device holds no CPU kernel: what succeeds has run on the GPU."""
    rng = np.random.default_rng(4)
    levels = [random_level(rng, n) for n in (60, 0, 25)]
    expected = segment_levels(levels, ClusterConfig(clustering_device="cpu"))
    monkeypatch.setattr(kernel_library, "kernel_library", lambda: emulated.library)
    for device in ("auto", "gpu"):
        for found, wanted in zip(
            segment_levels(levels, ClusterConfig(clustering_device=device)), expected, strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


def test_a_gpu_without_memory_is_left_alone_unless_it_was_asked_for(monkeypatch):
    tried = []

    def full(points, row_splits, bandwidth, device="cpu"):
        tried.append(device)
        if device == "cuda":
            raise MemoryError("ocnn_cuda_malloc: out of memory")
        return mean_shift.Clusters(np.zeros(len(points), np.int32), points[:1], np.array([0, 1]))

    monkeypatch.setattr(clustering, "mean_shift", full)
    for module in (clustering, cuda_memory):
        monkeypatch.setattr(module, "cuda_device_count", lambda: 1)
    monkeypatch.setattr(cuda_memory, "has_cuda", lambda: True)
    one = level([[0, 0, 0], [1, 0, 0]], [1, 1])
    assert segment_levels([one], ClusterConfig())[0].tolist() == [0, 0]
    assert tried == ["cuda", "cpu"]
    with pytest.raises(MemoryError):
        segment_levels([one], ClusterConfig(clustering_device="gpu"))


@pytest.mark.parametrize(
    ("built", "message"), [(False, "needs the CUDA kernels: install nvcc"), (True, "needs a GPU and its driver")]
)
def test_a_gpu_that_is_not_there_is_named_with_its_flag(built, message, monkeypatch):
    monkeypatch.setattr(cuda_memory, "has_cuda", lambda: built)
    monkeypatch.setattr(cuda_memory, "cuda_device_count", lambda: 0)
    with pytest.raises(ValueError, match=f"^clustering_device=gpu {message}"):
        segment_levels([level([[0, 0, 0]], [1])], ClusterConfig(clustering_device="gpu"))

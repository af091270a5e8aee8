"""The mean-shift kernel against scikit-learn, to the last bit of the centers, and against cases worked out by hand."""

import ctypes
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.cluster import MeanShift
from threadpoolctl import threadpool_limits

from ocnn_tf_ops.python import kernel_library
from ocnn_tf_ops.python.kernel_library import call_kernel, cuda_device_count
from ocnn_tf_ops.python.mean_shift import mean_shift

SPREADS = {"tight": 0.02, "medium": 0.05, "diffuse": 0.15}


@pytest.fixture(autouse=True)
def one_thread_for_sklearn():
    """Its searches among few points are too short for a second thread, which then only gets in the way."""
    with threadpool_limits(1):
        yield


def blobs(rng, kind, n, d=3):
    centers = rng.uniform(-0.7, 0.7, (rng.integers(1, 20), d))
    points = centers[rng.integers(len(centers), size=n)] + rng.normal(0, SPREADS[kind], (n, d))
    return points.astype(np.float32)


def cluster(points, bandwidth, *settings, **more):
    """One region."""
    return mean_shift(points, [0, len(points)], bandwidth, *settings, **more)


def assert_as_sklearn(points, bandwidth, max_iterations=300):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = MeanShift(bandwidth=bandwidth, bin_seeding=True, max_iter=max_iterations).fit(points)
    ours = cluster(points, bandwidth, max_iterations)
    np.testing.assert_array_equal(ours.labels, theirs.labels_)
    np.testing.assert_array_equal(ours.centers, theirs.cluster_centers_)
    np.testing.assert_array_equal(ours.row_splits, [0, len(ours.centers)])


def column(*values):
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize("kind", SPREADS)
@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_agrees_with_sklearn_on_small_inputs(kind, d):
    rng = np.random.default_rng(d)
    for _ in range(16):
        n = int(np.exp(rng.uniform(0, np.log(120))))
        assert_as_sklearn(blobs(rng, kind, n, d), 0.1 if d < 5 else 0.3)


@pytest.mark.parametrize(("kind", "n"), [("tight", 6_000), ("medium", 2_000), ("diffuse", 1_000)])
def test_agrees_with_sklearn_on_large_inputs(kind, n):
    assert_as_sklearn(blobs(np.random.default_rng(1), kind, n), 0.1)


def test_agrees_with_sklearn_on_a_column_of_many():
    """NumPy adds one column up in blocks."""
    for n in (400, 3_000):
        assert_as_sklearn(blobs(np.random.default_rng(n), "tight", n, 1), 0.1)


def test_agrees_with_sklearn_where_everything_ties():
    """Points on a grid whose spacing divides the bandwidth: distances equal to h, equal counts, equal distances."""
    rng = np.random.default_rng(2)
    for _ in range(40):
        d, width = rng.integers(1, 4), rng.integers(1, 8)
        bandwidth = float(rng.choice([0.1, 0.25, 0.3, 1.0]))
        step = bandwidth * rng.choice([1, 0.5, 0.25, 1 / 3])
        points = rng.integers(-width, width + 1, (rng.integers(1, 100), d)) * step
        assert_as_sklearn(points.astype(np.float32), bandwidth)


@pytest.mark.parametrize("scale", [1e-25, 1e-15, 1e15])
def test_agrees_with_sklearn_at_any_scale(scale):
    points = blobs(np.random.default_rng(3), "medium", 200)
    assert_as_sklearn((points * scale).astype(np.float32), 0.1 * scale)


@pytest.mark.parametrize("d", [8, 15, 16, 40])
def test_agrees_with_sklearn_in_many_dimensions(d):
    rng = np.random.default_rng(d)
    bandwidth = 0.1 * d**0.5
    centers = rng.integers(-2, 3, (6, d)) * bandwidth  # middles of cells: in many dimensions their corners are too far
    points = centers[rng.integers(6, size=200)] + rng.normal(0, 0.05, (200, d))
    assert_as_sklearn(points.astype(np.float32), bandwidth)


@pytest.mark.parametrize("max_iterations", [0, 1, 2, 5])
def test_agrees_with_sklearn_where_iterations_run_out(max_iterations):
    for kind in ("medium", "diffuse"):
        assert_as_sklearn(blobs(np.random.default_rng(4), kind, 400), 0.1, max_iterations)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10, 11, 12, 13, 30, 31, 60, 61, 62, 121])
def test_agrees_with_sklearn_where_the_search_changes_its_way(n):
    for seed in range(3):
        assert_as_sklearn(blobs(np.random.default_rng(seed), "diffuse", n), 0.1)


def test_single_point_is_its_own_cluster():
    clusters = cluster(np.array([[0.3, -0.2, 0.9]], np.float32), 0.1)
    assert clusters.labels.tolist() == [0]
    np.testing.assert_array_equal(clusters.centers, np.array([[0.3, -0.2, 0.9]], np.float32))


def test_two_points_exactly_one_bandwidth_apart_are_together():
    clusters = cluster(np.array([[0, 0, 0], [0.25, 0, 0]], np.float32), 0.25)
    assert clusters.labels.tolist() == [0, 0]
    assert clusters.centers.tolist() == [[0.125, 0, 0]]


def test_two_points_a_hair_further_apart_are_not_and_the_larger_center_comes_first():
    beyond = np.nextafter(np.float32(0.25), np.float32(1))
    clusters = cluster(np.array([[0, 0, 0], [beyond, 0, 0]], np.float32), 0.25)
    assert clusters.labels.tolist() == [1, 0]
    assert clusters.centers.tolist() == [[beyond, 0, 0], [0, 0, 0]]


def test_cells_round_half_to_even():
    """0.5, 1.5, 2.5 lie in the cells 0, 2, 2. Seed 0 climbs to 1.0, seed 2 to 2.0, each with two points; 2.0 is sorted
    first and removes 1.0, exactly one bandwidth away. Were halves rounded away from zero, every point would be a seed,
    and the center 1.5 with three points."""
    clusters = cluster(column(0.5, 1.5, 2.5), 1.0)
    assert clusters.centers.tolist() == [[2.0]]
    assert clusters.labels.tolist() == [0, 0, 0]


def test_points_are_the_seeds_where_each_has_a_cell_of_its_own():
    """From the cells 0 and 2 the seed 0 would find no second point within 1; from the point 0.4 it finds 1.4 at 1.0."""
    clusters = cluster(column(0.375, 1.375, 3.0), 1.0)
    assert clusters.centers.tolist() == [[0.875], [3.0]]
    assert clusters.labels.tolist() == [0, 0, 1]


def test_most_populated_center_comes_first_and_the_nearest_gets_the_point():
    clusters = cluster(column(-9, 0, 0, 0, 9, 9), 1.0)
    assert clusters.centers.tolist() == [[0], [9], [-9]]
    assert clusters.labels.tolist() == [2, 0, 0, 0, 1, 1]


def test_equal_points_are_one_cluster():
    clusters = cluster(np.full((50, 3), 0.7, np.float32), 0.1)
    assert clusters.labels.tolist() == [0] * 50
    np.testing.assert_allclose(clusters.centers, [[0.7, 0.7, 0.7]], rtol=1e-6)


def test_all_points_in_one_cell():
    points = np.random.default_rng(5).uniform(-0.04, 0.04, (500, 3)).astype(np.float32)
    clusters = cluster(points, 0.1)
    assert set(clusters.labels) == {0}
    np.testing.assert_allclose(clusters.centers, points.mean(axis=0, keepdims=True), atol=1e-6)


def test_batch_equals_each_region_alone_and_any_number_of_threads():
    rng = np.random.default_rng(6)
    sizes = [0, 1, 700, 3, 0, 40, 2000, 12, 0]
    bandwidths = rng.uniform(0.05, 0.3, len(sizes))
    parts = [blobs(rng, "medium", n) if n else np.empty((0, 3), np.float32) for n in sizes]
    points, splits = np.concatenate(parts), np.cumsum([0, *sizes])
    for num_threads in (1, 2, 5):
        batch = mean_shift(points, splits, bandwidths, num_threads=num_threads)
        for r, part in enumerate(parts):
            centers = batch.centers[batch.row_splits[r] : batch.row_splits[r + 1]]
            if len(part) == 0:
                assert len(centers) == 0
                continue
            alone = cluster(part, bandwidths[r], num_threads=1)
            np.testing.assert_array_equal(batch.labels[splits[r] : splits[r + 1]], alone.labels)
            np.testing.assert_array_equal(centers, alone.centers)


def test_each_region_has_its_bandwidth_as_in_sklearn():
    rng = np.random.default_rng(9)
    parts = [blobs(rng, "medium", n) for n in (60, 150, 300)]
    bandwidths, splits = np.array([0.05, 0.1, 0.25]), np.cumsum([0, 60, 150, 300])
    labels = mean_shift(np.concatenate(parts), splits, bandwidths).labels
    for part, bandwidth, ours in zip(parts, bandwidths, np.split(labels, splits[1:-1]), strict=True):
        theirs = MeanShift(bandwidth=bandwidth, bin_seeding=True).fit(part)
        np.testing.assert_array_equal(ours, theirs.labels_)
    assert (labels != mean_shift(np.concatenate(parts), splits, 0.1).labels).any()
    with pytest.raises(ValueError, match=r"one number or 3, found the shape \(2,\)"):
        mean_shift(np.concatenate(parts), splits, bandwidths[:2])
    with pytest.raises(ValueError, match="bandwidth must be positive and finite .*found -1.0"):
        mean_shift(np.concatenate(parts), splits, [0.1, -1, 0.1])


def test_no_region_at_all():
    clusters = mean_shift(np.empty((0, 3), np.float32), [0], 0.1)
    assert clusters.labels.shape == (0,)
    assert clusters.centers.shape == (0, 3)
    assert clusters.row_splits.tolist() == [0]


def test_input_is_left_alone_and_may_be_strided_or_float64():
    points = blobs(np.random.default_rng(7), "tight", 100, 4)
    kept = points.copy()
    expected = cluster(np.ascontiguousarray(points[:, :3]), 0.1)
    np.testing.assert_array_equal(cluster(points[:, :3].astype(np.float64), 0.1).labels, expected.labels)
    np.testing.assert_array_equal(cluster(points[:, :3], 0.1).centers, expected.centers)
    np.testing.assert_array_equal(points, kept)


def test_bad_input_is_named():
    points = np.zeros((4, 3), np.float32)
    with pytest.raises(ValueError, match=r"shape \[N, D\], found \[4\]"):
        cluster(points[:, 0], 0.1)
    for value in (np.nan, np.inf):
        bad = points.copy()
        bad[2, 1] = value
        with pytest.raises(ValueError, match="infinity in row 2"):
            cluster(bad, 0.1)
    for bandwidth in (0, -1, np.nan, np.inf, 1e-46, 1e-38, 1e39):  # those at the end are none in float32
        with pytest.raises(ValueError, match="bandwidth must be positive and finite"):
            cluster(points, bandwidth)
    for splits in ([0, 3], [1, 4], [0, 3, 2, 4], []):
        with pytest.raises(ValueError, match="row_splits must rise from 0 to the 4 points"):
            mean_shift(points, splits, 0.1)


def test_seed_without_a_point_is_an_error_as_in_sklearn():
    """Two points in the far corner of an 8-dimensional cell are more than one bandwidth from its center."""
    points = np.array([[0.49] * 8, [0.48] * 8], np.float32)
    with pytest.raises(ValueError, match="no point of region 0 is within the bandwidth"):
        cluster(points, 1.0)


def test_kernel_refuses_bad_sizes_itself():
    points, labels, counts = np.zeros((2, 3), np.float32), np.zeros(2, np.int32), np.zeros(1, np.int64)

    def run(splits, d=3, bandwidth=0.1, iterations=300, values=points):
        settings = (ctypes.c_int32(d), np.array([bandwidth]), ctypes.c_int32(iterations))
        arguments = (*settings, labels, points.copy(), counts)
        call_kernel("ocnn_mean_shift_cpu", None, values, np.array(splits, np.int64), 2, 1, *arguments)

    run([0, 2])
    assert counts.tolist() == [1]
    for bad in (
        {"d": 0},
        {"bandwidth": 0.0},
        {"bandwidth": float("nan")},
        {"bandwidth": 1e-46},
        {"bandwidth": 1e39},
        {"iterations": -1},
        {"splits": [1, 2]},
        {"splits": [0, 3]},
    ):
        with pytest.raises(ValueError, match="out of range"):
            run(**{"splits": [0, 2], **bad})
    with pytest.raises(ValueError, match="NaN"):
        run([0, 2], values=np.full((2, 3), np.nan, np.float32))


ENDLESS = """
import signal
import numpy as np
from ocnn_tf_ops.python import kernel_library
from ocnn_tf_ops.python.mean_shift import mean_shift

run = kernel_library.call_kernel
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background of a shell would be deaf to it

def announced(*arguments):
    print("running", flush=True)
    run(*arguments)

kernel_library.call_kernel = announced
try:
    mean_shift(np.random.default_rng(0).uniform(size=(200_000, 16)), [0, 200_000], 0.1)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_the_kernel():
    """All pairs of 200,000 rows would take minutes."""
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "running\n"
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=60)[0].splitlines()  # a short kernel may run before the long one
            assert told[-1] == "interrupted" and set(told[:-1]) <= {"running"}
        finally:
            process.kill()
    assert process.returncode == 0


@pytest.mark.parametrize("num_threads", [1, 2])
def test_kernel_looks_whether_it_is_cancelled(num_threads):
    points = blobs(np.random.default_rng(8), "medium", 300)
    executor, word = kernel_library.thread_executor(num_threads), ctypes.c_int32(0)
    fields = (executor.context, executor.num_threads, executor.parallel_for, ctypes.addressof(word))
    stream = kernel_library.Executor(*fields)
    labels, counts = np.zeros(300, np.int32), np.zeros(1, np.int64)
    sizes = (300, 1, ctypes.c_int32(3), np.array([0.1]), ctypes.c_int32(300))

    def run():
        splits = np.array([0, 300])
        call_kernel("ocnn_mean_shift_cpu", stream, points, splits, *sizes, labels, points.copy(), counts)

    run()
    assert counts[0] > 0
    word.value = 1
    with pytest.raises(RuntimeError, match="ocnn_mean_shift_cpu: cancelled"):
        run()


def test_device_is_known_and_there():
    with pytest.raises(ValueError, match="device must be cpu or cuda, found 'gpu'"):
        cluster(column(0, 1), 0.1, device="gpu")
    if cuda_device_count() == 0:
        with pytest.raises(ValueError, match='mean_shift: device="cuda" needs'):
            cluster(column(0, 1), 0.1, device="cuda")


@pytest.mark.parametrize("where", ["emulated", "gpu"])
def test_the_gpu_finds_the_same(where, request, monkeypatch):
    """Memory, copies and the call are those of Python; tests/gpu compares the kernels case by case."""
    points, splits = blobs(np.random.default_rng(5), "medium", 90), np.array([0, 50, 50, 90])
    bandwidths = [0.2, 0.2, 0.1]
    expected = mean_shift(points, splits, bandwidths)
    if where == "emulated":
        device = request.getfixturevalue("emulated")
        monkeypatch.setattr(kernel_library, "kernel_library", lambda: device.library)
    elif cuda_device_count() == 0:
        pytest.skip("no GPU, or a build without the CUDA kernels")
    for got, want in zip(mean_shift(points, splits, bandwidths, device="cuda"), expected, strict=True):
        np.testing.assert_array_equal(got, want)

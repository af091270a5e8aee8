"""The suites: each times one part of the program and returns rows."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ocnn
from instance_seg.backbones.octree_unet import OctreeUNet
from instance_seg.benchmark.operations import Call
from instance_seg.benchmark.timing import Row, Seconds, matmul_rate, milliseconds, peak_rss_mb, time_runs
from instance_seg.benchmark.workload import NUM_CLASSES, Shapes, Work, load_settings, make_split, make_task
from instance_seg.data.batches import SampleConfig, Split
from instance_seg.data.pipeline import training_dataset


@dataclasses.dataclass(frozen=True)
class Settings:
    """What every suite is told."""

    shapes: Shapes
    batch: int
    depth: int
    runs: int
    preset: str = "paper"
    clock: str = "wall"
    threads: int = 0  # of TensorFlow; 0: one a core
    room: str = ""  # file of the scan that the suite of rooms is about

    def time(self, function: Callable, warmup: int = 1, runs: int = 0) -> Seconds:
        """Times a function by the clock and the number of runs asked for (or `runs`)."""
        return time_runs(function, runs or self.runs, warmup, self.clock)

    @property
    def sizes(self) -> str:
        """For the rows."""
        return f"batch {self.batch}, depth {self.depth}, {self.shapes.points.shape[1]} points, {self.clock} time"


def octree(settings: Settings) -> list[Row]:
    """Octrees with neighbors from points in memory."""
    xyz = tf.constant(settings.shapes.points[: settings.batch].reshape(-1, 3))
    normals = tf.constant(settings.shapes.normals[: settings.batch].reshape(-1, 3))
    row_splits = tf.range(settings.batch + 1) * settings.shapes.points.shape[1]
    build = tf.function(lambda *cloud: ocnn.octree_build(*cloud, settings.depth))
    seconds = settings.time(lambda: build(xyz, normals, row_splits).neighbors[-1].numpy(), runs=3 * settings.runs)
    return [milliseconds("octree", "octree_ms_per_shape", seconds, settings.batch, settings.sizes)]


def step(settings: Settings) -> list[Row]:
    """Forward pass and training step of the network, and the memory of this process after them."""
    config = load_settings(settings.preset, settings.depth)
    work = Work(config, make_split(settings.shapes), settings.batch)
    calls = work.calls()
    forward, train = sum(x.forward for x in calls), sum(x.step for x in calls)
    rate = matmul_rate(settings.runs, settings.clock)
    rows = [
        milliseconds("step", name, settings.time(run), settings.batch, settings.sizes, operations, rate)
        for name, run, operations in (
            ("step_ms_per_shape", work.train, train),
            ("forward_ms_per_shape", work.forward, forward),
            ("inference_ms_per_shape", work.predict, forward),
        )
    ]
    memory = peak_rss_mb()
    return [*rows, Row("step", "peak_rss_mb", memory, memory, "MB", sizes=settings.sizes), gemm_row("step", rate)]


FUSIONS = {  # the second keeps the head's last unit, so that the third differs from it by the aggregation alone
    "without_fusion": {"variant": "multi_level_baseline"},
    "without_fusion_same_units": {"variant": "multi_level_baseline", "baseline_unit": "features_xyz"},
    "with_fusion": {"variant": "cross_level_fusion"},
}
FUSED_LEVELS = {"": NUM_CLASSES, "one_level_": NUM_CLASSES[-1:]}  # the paper's Table 8 is of networks for one level


def fusion(settings: Settings) -> list[Row]:
    """Inference without the paper's fusion and with it, in turn, and what is added in percent of the first."""
    split = make_split(settings.shapes)
    rate = matmul_rate(settings.runs, settings.clock)
    return [
        row for name, classes in FUSED_LEVELS.items() for row in _added_by_fusion(name, classes, split, rate, settings)
    ]


def _added_by_fusion(
    prefix: str, num_classes: tuple[int, ...], split: Split, rate: float, settings: Settings
) -> list[Row]:
    configs = [load_settings(settings.preset, settings.depth, **more) for more in FUSIONS.values()]
    works = [Work(config, split, settings.batch, make_task(num_classes)) for config in configs]
    for work in works:
        work.predict()
    turns = [[settings.time(work.predict, warmup=0, runs=1).best for work in works] for _ in range(settings.runs)]
    rows = []
    for name, work, runs in zip(FUSIONS, works, zip(*turns)):
        operations = sum(call.forward for call in work.calls())
        figures = (Seconds(runs), settings.batch, settings.sizes, operations, rate)
        rows.append(milliseconds("fusion", f"{prefix}inference_{name}_ms_per_shape", *figures))
    plain, *others = rows
    for name, row in zip(list(FUSIONS)[1:], others):
        added = ((getattr(row, x) / getattr(plain, x) - 1) * 100 for x in ("value", "median"))
        rows.append(Row("fusion", f"{prefix}{name}_added", *added, "%", sizes=settings.sizes))
    return rows


def gemm_row(suite: str, rate: float) -> Row:
    """The machine's matrix-product rate."""
    return Row(suite, "matmul_gflops", rate / 1e9, rate / 1e9, "GFLOP/s", sizes="1024 x 1024 x 1024")


def conv(settings: Settings) -> list[Row]:
    """The product of each differing layer with weights on its own: forward, and both gradients."""
    config = load_settings(settings.preset, settings.depth)
    calls = Work(config, make_split(settings.shapes), settings.batch).calls()
    products = [call for call in calls if hasattr(call.layer, "product")]
    rate = matmul_rate(settings.runs, settings.clock)
    rows = [gemm_row("conv", rate)]
    alike = Counter(map(_kind, products))
    for call in {_kind(call): call for call in products}.values():
        rows += _time_product(call, alike[_kind(call)], settings, rate)
    return rows


def _kind(call: Call) -> tuple:
    """Calls of one kind take the same time."""
    return type(call.layer), tuple(call.layer.kernel.shape), str(call.shapes), call.multiplications, call.differentiable


def _time_product(call: Call, count: int, settings: Settings, rate: float) -> list[Row]:
    layer, rng = call.layer, np.random.default_rng(0)
    x = tf.constant(rng.normal(size=call.shapes[0]), tf.float32)
    forward = tf.function(lambda x: layer.product(x, *call.others))
    grad = tf.constant(rng.normal(size=forward(x).shape), tf.float32)

    @tf.function
    def backward(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = forward(x)
        wanted = [layer.kernel.value, x] if call.differentiable else [layer.kernel.value]
        return [y, *tape.gradient(y, wanted, grad)]

    name = "/".join(layer.kernel.path.split("/")[1:-1])  # in the network
    cin, cout = layer.kernel.shape[-2:]
    sizes = f"{type(layer).__name__} {cin} -> {cout}, {call.multiplications // (cin * cout)} products, {count} alike"
    return [
        milliseconds("conv", f"{name} {what}", settings.time(partial(f, x)), 1, sizes, work, rate)
        for what, f, work in (("forward", forward, call.forward), ("step", backward, call.step))
    ]


def pipeline(settings: Settings) -> list[Row]:
    """Shapes a second of augmentation, octree, neighbors and interpolation tables, nothing else running."""
    samples = SampleConfig(batch_size=settings.batch)
    unet = load_settings(settings.preset, settings.depth).network.backbone_settings
    split, tables = make_split(settings.shapes), OctreeUNet.from_settings(unet).tables
    steps = max(1, 48 // settings.batch)

    def run(first):
        for batch in training_dataset(split, samples, tables, first, steps):
            batch.tables.weight.numpy()

    seconds = settings.time(lambda: run(0))
    rates = Seconds(tuple(steps * settings.batch / s for s in seconds.runs))
    return [Row("pipeline", "shapes_per_second", max(rates.runs), rates.median, "shapes/s", sizes=settings.sizes)]

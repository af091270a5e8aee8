"""The suite of blocks: the networks of ASIS and JSNet on blocks of a scan, and the merging of the blocks of a room."""

from functools import partial

import numpy as np

from instance_seg.benchmark.rooms import read_room
from instance_seg.benchmark.suites import Settings, gemm_row
from instance_seg.benchmark.timing import Row, matmul_rate, milliseconds
from instance_seg.benchmark.workload import Work
from instance_seg.clustering.block_merging import BlockMerging
from instance_seg.data.batches import Split
from instance_seg.data.s3dis.annotations import Room
from instance_seg.data.s3dis.rooms import with_blocks
from instance_seg.data.s3dis.s3dis import Blocks, S3dis
from instance_seg.presets import load_config

NETWORKS = ("b_asis", "asis", "b_asis_fusion", "b_jsnet", "jsnet", "b_jsnet_fusion")
MERGED = 1_000_000  # points of a room whose blocks are merged
BLOCK_POINTS, CLUSTERS = 4096, 20  # of each of its blocks


def blocks(settings: Settings) -> list[Row]:
    """Blocks a second of training and of inference, with the share of the matrix rate; seconds of merging."""
    points, semantic, instance = read_room(settings.room)
    color = (points.features + 1) * 127.5
    rate, rows = matmul_rate(settings.runs, settings.clock), []
    for name in NETWORKS:
        config = load_config(settings.preset, {"data_set": "s3dis", "variant": name})
        task = S3dis(config.source).task()
        labels = semantic % len(task.levels[0].classes), instance
        room = with_blocks(Room(points.xyz - points.xyz.min(axis=0), color, *labels, ()))
        clouds = Blocks({"room": lambda room=room: room}, config.source)
        batch = min(settings.batch, len(clouds))
        work = Work(config, Split(clouds, task), batch)
        calls, sizes = work.calls(), f"batch {batch}, {config.source.block_points} points, {settings.clock} time"
        for what, run, operations in (
            ("training", work.train, sum(call.step for call in calls)),
            ("inference", work.predict, sum(call.forward for call in calls)),
        ):
            seconds = settings.time(run)
            per_second, fraction = (batch / s for s in (seconds.best, seconds.median)), operations / seconds.best / rate
            gflop = operations / batch / 1e9
            rows.append(Row("blocks", f"{name} {what}", *per_second, "blocks/s", gflop, fraction, sizes))
    sizes = f"{MERGED} points, {BLOCK_POINTS} in a block, {CLUSTERS} clusters in each"
    merging = settings.time(partial(_merge, _positions()))
    return [*rows, milliseconds("blocks", "merging_ms", merging, 1, sizes), gemm_row("blocks", rate)]


def _positions() -> np.ndarray:
    """Points of blocks anywhere in a room and a tenth as wide, in shares of its extent: [blocks, BLOCK_POINTS, 3]."""
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 1, (MERGED // BLOCK_POINTS, BLOCK_POINTS, 3)) * [0.1, 0.1, 1]
    positions[..., :2] += rng.uniform(0, 0.9, (len(positions), 1, 2))
    return positions


def _merge(positions: np.ndarray) -> None:
    """One block after the other, each with CLUSTERS of equal height, and then all points of the room."""
    merging = BlockMerging()
    for position in positions:
        merging.add(position, (position[:, 2] * CLUSTERS).astype(int), np.arange(CLUSTERS) % 13)
    merging.groups(positions.reshape(-1, 3))

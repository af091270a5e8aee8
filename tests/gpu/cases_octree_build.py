"""Cases of the CUDA kernels that build octrees and their tables: kernels/octree/build.h, neighbors.h."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gpu.case import EMPTY, INVALID_ARGUMENT, STATUS, Ask, Case, In, Out, Pointers, Scratch, Timing, int32
from ocnn_tf_ops.python import reference

# Points of every shape, depth, full_depth: a point, few, several blocks of threads, the deepest octree.
BATCHES = (
    ((1,), 1, 0),
    ((1,), 16, 2),
    ((3, 1, 2), 2, 2),
    ((400, 1, 37), 6, 2),
    ((256,), 4, 4),
    ((257, 700), 5, 0),
    ((900, 300), 9, 3),
)
LARGE = ((12_000,) * 8, 7, 2)  # timings


@dataclass
class Batch:
    """A batch of point clouds, with their keys in order and the numbers of octants."""

    sizes: tuple[int, ...]
    depth: int
    full_depth: int
    xyz: np.ndarray
    row_splits: np.ndarray
    keys: np.ndarray
    order: np.ndarray
    num_nodes: list[int]

    @property
    def shapes(self) -> int:
        return len(self.sizes)

    @property
    def points(self) -> int:
        return len(self.xyz)

    @property
    def label(self) -> str:
        return f"{self.points} points in {self.shapes}, depth {self.depth}, full {self.full_depth}"


def batch(rng, sizes: tuple[int, ...], depth: int, full_depth: int) -> Batch:
    """Points on few planes, so that octants share some, a part of them beyond the box."""
    xyz = rng.uniform(-1.05, 1.05, (sum(sizes), 3))
    xyz[:, 2] = np.round(xyz[:, 2] * 4) / 4 * 0.98 + 0.01
    xyz = xyz.astype(np.float32)
    voxel = np.floor((xyz + np.float32(1)) * np.float32(2.0 ** (depth - 1)))
    voxel = np.clip(voxel, 0, 2**depth - 1).astype(np.int64)
    keys = reference.encode(voxel, np.repeat(np.arange(len(sizes)), sizes), depth)
    order = np.argsort(keys, kind="stable").astype(np.int32)
    keys = keys[order]
    row_splits = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    num_nodes = [_nodes(keys, len(sizes), depth, full_depth, d) for d in range(depth + 1)]
    return Batch(sizes, depth, full_depth, xyz, row_splits, keys, order, num_nodes)


def ancestors(keys: np.ndarray, levels: int) -> np.ndarray:
    shape = keys >> reference.SHAPE_SHIFT << reference.SHAPE_SHIFT
    return shape | (keys - shape) >> 3 * levels


def _nodes(keys, shapes: int, depth: int, full_depth: int, d: int) -> int:
    return shapes * 8**d if d <= full_depth else 8 * len(np.unique(ancestors(keys, depth - d + 1)))


def cases(rng: np.random.Generator) -> Iterator[Case]:
    for sizes in BATCHES:
        b = batch(rng, *sizes)
        yield keys_case(b.xyz, b.row_splits, b.depth, b.label)
        yield count_case(b)
        yield nodes_case(b)
        for with_normals, extra in ((False, 0), (True, 0), (True, 5)):
            yield features_case(rng, b, with_normals, extra)
    yield from data_cases(rng)
    yield from refused_cases(rng)
    yield from full_neighbor_cases()
    for groups, parents in ((0, 0), (0, 8), (1, 1), (3, 8), (37, 64), (300, 640)):
        yield from child_neighbor_cases(rng, groups, parents)


def keys_case(xyz, row_splits, depth: int, label: str, status: int = 0, scratch: bool = True) -> Case:
    n, shapes = len(xyz), len(row_splits) - 1
    cpu, cuda = (Ask(f"ocnn_octree_point_keys{kind}workspace_bytes", (n,)) for kind in ("_", "_cuda_"))
    memory = Scratch(cpu, cuda) if scratch else Scratch(0, 0)
    arguments = (In(xyz), In(row_splits), n, shapes, int32(depth), Out(n, np.int64), Out(n), memory, STATUS)
    return Case("octree_point_keys", *arguments, label=label, status=status)


def count_case(b: Batch) -> Case:
    arguments = (In(b.keys), b.points, b.shapes, int32(b.depth), int32(b.full_depth))
    counts = (Out(b.depth + 1, np.int64), Out(b.depth + 1, np.int64))
    return Case("octree_count", *arguments, *counts, label=b.label)


def nodes_case(b: Batch) -> Case:
    arguments = (In(b.keys), b.points, b.shapes, int32(b.depth), int32(b.full_depth))
    keys, children = (Pointers([Out(n, kind) for n in b.num_nodes]) for kind in (np.int64, np.int32))
    memory = Scratch(None, Ask("ocnn_octree_nodes_cuda_workspace_bytes", (b.points,)))
    return Case("octree_nodes", *arguments, keys, children, Out(b.points), memory, label=b.label)


def point_nodes(b: Batch) -> np.ndarray:
    """The finest octant of every sorted key."""
    if b.depth == b.full_depth:
        code = b.keys & (1 << reference.SHAPE_SHIFT) - 1
        return ((b.keys >> reference.SHAPE_SHIFT) * 8**b.depth + code).astype(np.int32)
    parent = np.unique(ancestors(b.keys, 1), return_inverse=True)[1]
    return (8 * parent + (b.keys & 7)).astype(np.int32)


def features_case(rng, b: Batch, with_normals: bool, extra: int, damage: str = "") -> Case:
    normals = rng.standard_normal((b.points, 3)).astype(np.float32)
    normals[1::2] = -normals[: b.points // 2 * 2 : 2]  # octants whose normals cancel
    values = rng.standard_normal((b.points, extra)).astype(np.float32)
    if damage:
        (normals if damage == "normals" else values)[b.points // 2, -1] = np.nan
    arguments = (In(b.xyz), In(normals) if with_normals else None, In(values) if extra else None)
    arguments += (In(b.order), In(point_nodes(b)), b.points, b.num_nodes[-1], extra, int32(b.depth))
    label = f"{b.label}{', normals' * with_normals}, {extra} more{', NaN among ' * bool(damage)}{damage}"
    return Case("octree_features", *arguments, Out((b.num_nodes[-1], 4 + extra), np.float32), STATUS, label=label)


def data_cases(rng) -> Iterator[Case]:
    """What only the data show."""
    b = batch(rng, (300, 40), 5, 2)
    for value in (np.nan, np.inf, -np.inf):
        xyz = b.xyz.copy()
        xyz[299, 1] = value
        yield keys_case(xyz, b.row_splits, 5, f"{value} in a coordinate")
    for wrong in ([0, 0, 340], [0, 340, 340], [0, 300, 339], [1, 340], [0, 300, 200, 340], [0, 2**30, 340]):
        yield keys_case(b.xyz, np.array(wrong, np.int32), 5, f"row_splits {wrong}")
    yield features_case(rng, b, True, 0, damage="normals")
    yield features_case(rng, b, True, 3, damage="extra")
    yield from unasked_cases(b)


def unasked_cases(b: Batch) -> Iterator[Case]:
    """Nobody wants to know the status."""
    memory = Scratch(None, Ask("ocnn_octree_point_keys_cuda_workspace_bytes", (b.points,)))
    arguments = (In(b.xyz), In(b.row_splits), b.points, b.shapes, int32(b.depth), Out(b.points, np.int64))
    expected = (b.keys, b.order)
    yield Case("octree_point_keys", *arguments, Out(b.points), memory, None, label="no status", expected=expected)
    normal, features = np.float32([[0, np.nan, 1]]), np.zeros((8, 4), np.float32)
    features[7] = np.nan  # the length that the normal is divided by
    zero, seven = np.zeros(1, np.int32), np.full(1, 7, np.int32)
    arguments = (In(np.full((1, 3), 0.5, np.float32)), In(normal), None, In(zero), In(seven), 1, 8, 0, int32(1))
    arguments += (Out((8, 4), np.float32), None)
    yield Case("octree_features", *arguments, label="NaN, no status", expected=[features])


def refused_cases(rng) -> Iterator[Case]:
    """What the sizes show."""
    b = batch(rng, (20, 4), 3, 2)
    none, no_shape = np.zeros((0, 3), np.float32), np.zeros(1, np.int32)
    yield keys_case(none, np.zeros(2, np.int32), 3, "no points", status=EMPTY)
    yield keys_case(b.xyz, no_shape, 3, "no shape", status=EMPTY)
    yield keys_case(b.xyz, b.row_splits, 3, "workspace too small", status=INVALID_ARGUMENT, scratch=False)
    for depth, full_depth in ((0, 0), (17, 2), (3, 4), (3, -1), (16, 11)):
        counts = (Out(18, np.int64), Out(18, np.int64))
        arguments = (In(b.keys), b.points, b.shapes, int32(depth), int32(full_depth), *counts)
        yield Case("octree_count", *arguments, label=f"{depth}, {full_depth}", status=INVALID_ARGUMENT)
    for shapes, depth in ((-1, 1), (1, -1), (1, 17), (2**15, 6)):
        yield Case("octree_full_neighbors", shapes, int32(depth), Out(1), status=INVALID_ARGUMENT)


def full_neighbor_cases() -> Iterator[Case]:
    for shapes, depth in ((0, 2), (1, 0), (3, 0), (2, 1), (1, 3), (2, 4)):
        label = f"{shapes} shapes, depth {depth}"
        yield Case("octree_full_neighbors", shapes, int32(depth), Out((shapes * 8**depth, 27)), label=label)


def child_neighbor_cases(rng, groups: int, parents: int) -> Iterator[Case]:
    """Any table will do: the kernel only follows it."""
    children = np.full(parents, -1, np.int32)
    children[np.sort(rng.permutation(parents)[:groups])] = np.arange(groups)
    table = rng.integers(-1, parents, (parents, 27)).astype(np.int32)
    sizes, result = (parents, groups), Out((8 * groups, 27))
    label = f"{groups} of {parents}"
    yield Case("octree_child_neighbors", In(table), In(children), *sizes, result, label=label)
    far = (parents, -2, 2**31 - 1, -(2**31))
    wrong = np.where(table < 0, rng.choice(far, table.shape), table).astype(np.int32)
    far = (groups, -2, 2**31 - 1, -(2**31))
    no_child = np.where(children < 0, rng.choice(far, children.shape), children).astype(np.int32)
    arguments = (In(wrong, cpu=table), In(no_child, cpu=children), *sizes, result)
    yield Case("octree_child_neighbors", *arguments, label=f"{label}, wrong indices")


def timings(rng: np.random.Generator) -> Iterator[Timing]:
    b = batch(rng, *LARGE)
    n, octants = b.points, sum(b.num_nodes)
    yield Timing(keys_case(b.xyz, b.row_splits, b.depth, b.label), bytes=24 * n)
    yield Timing(count_case(b), bytes=8 * n)
    yield Timing(nodes_case(b), bytes=12 * n + 12 * octants)
    for extra in (0, 3):
        case = features_case(rng, b, True, extra)
        yield Timing(case, bytes=(32 + 4 * extra) * n + 4 * (4 + extra) * b.num_nodes[-1])
    yield Timing(next(full_neighbor_timing()), bytes=108 * 64 * 8**4)
    parents, groups = 400_000, 150_000
    case = next(child_neighbor_cases(rng, groups, parents))
    yield Timing(case, bytes=4 * parents + (27 * 8 + 8 * 108) * groups)


def full_neighbor_timing() -> Iterator[Case]:
    yield Case("octree_full_neighbors", 64, int32(4), Out((64 * 8**4, 27)), label="64 shapes, depth 4")

"""Random calls of the registered ops: mostly sensible ones in which something was made wrong.

`draw_call(seed, number)` says what call `number` of a seed is, without TensorFlow; `tensors` makes its inputs.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

MODES = ("eager", "graph", "graph of unknown shapes", "gradient")
FLOATS = ("float32", "float64", "float16", "bfloat16")
WRONG_DTYPES = (*FLOATS, "int32", "int64", "bool", "string", "complex64", "uint8")
SIZES = (0, 1, 2, 3, 7, 8, 17, 33)
HUGE_SIZES = (2**16, 2**20, 2**31 - 1, 2**31, 2**32 + 1, 2**58, 2**61, 2**62, 2**63 - 1)
SMALL_INTEGERS = (-(2**63), -(2**31), -5, -1, 0, 1, 2, 17, 18, 33, 1000)
WRONG_INTEGERS = (*SMALL_INTEGERS, 2**20 + 1, 2**31 - 1, 2**31, 2**40, *HUGE_SIZES)
WRONG_FLOATS = (-1.0, 0.0, 1e-46, 1e38, float("nan"), float("inf"), float("-inf"))
MOST_ELEMENTS = 2**16  # of an input
MOST_DIMENSIONS = 254  # of a tensor


@dataclass(frozen=True)
class Input:
    """A tensor. `values` names what is in it (see `numbers`); `limit` is the number of rows that indices refer to."""

    shape: tuple[int, ...]
    dtype: str
    values: str
    limit: int = 0


@dataclass(frozen=True)
class Call:
    """One call. Every input is a list of tensors; `lists` names those that are handed over as one."""

    op: str
    mode: str
    inputs: dict[str, tuple[Input, ...]]
    lists: tuple[str, ...]
    attributes: dict
    seed: tuple[int, int]


@dataclass(frozen=True)
class Recipe:
    """What a sensible call of an op looks like.

    inputs: name -> "dimensions: values": the dimensions are names, which stand for one size in the whole call, "8 G"
        (eight times G), "B + 1" or numbers; `values` are real, wide, coordinates, keys, splits N, index M, children M
        voxels or count. lists: name -> the numbers of tensors in it that are drawn.
    attributes: name -> the values that are drawn; "wide" is the type beside the features.
    """

    inputs: dict[str, str]
    lists: dict[str, tuple[int, ...]]
    attributes: dict[str, tuple]


def _recipe(inputs: dict[str, str], lists: dict[str, tuple[int, ...]] | None = None, **attributes: tuple) -> Recipe:
    return Recipe(inputs, lists or {}, attributes)


_FEATURES = {name: "C: wide" for name in ("gamma", "beta", "mean", "variance")}
_SETTINGS = {"epsilon": (1e-3, 0.0), "slope": (1.0, 0.2), "batch_statistics": (True, False)}
_TABLE = {"index": "N, K: index M", "weight": "N, K: wide"}
_ADJOINT_TABLES = {"table": "Q, K: index M", "adjoint": "M, K: index Q"}
RECIPES = {
    "ocnn_moments": _recipe({"x": "M, C: real"}, U=("wide",)),
    "ocnn_normalize": _recipe(
        {"x": "M, C: real", **_FEATURES, "shortcut": "M, C: real"}, {"shortcut": (0, 1)}, **_SETTINGS
    ),
    "ocnn_normalize_grad": _recipe(
        {"grad_y": "M, C: real", "x": "M, C: real", **_FEATURES, "y": "M, C: real"}, {"y": (0, 1)}, **_SETTINGS
    ),
    "ocnn_octree_build": _recipe(
        {
            "xyz": "N, 3: coordinates",
            "row_splits": "B + 1: splits N",
            "normals": "N, 3: coordinates",
            "features": "N, C: coordinates",
        },
        {"normals": (0, 1), "features": (0, 1)},
        num_depths=(2, 3, 5, 17),
        full_depth=(0, 1, 2),
    ),
    "ocnn_octree_neighbors": _recipe({"children": "layer: children"}, {"children": (2, 3, 4)}, full_depth=(0, 1, 2)),
    "ocnn_octree_conv": _recipe({"x": "M, C: real", "weights": "K, C, D: real", "neighbors": "M, K: index M"}),
    "ocnn_octree_conv_grad_weights": _recipe({"x": "M, C: real", "grad_y": "M, D: real", "neighbors": "M, K: index M"}),
    "ocnn_gather_conv": _recipe({"x": "M, C: real", "weights": "K, C, D: real", **_ADJOINT_TABLES}),
    "ocnn_gather_conv_grad_weights": _recipe({"x": "M, C: real", "grad_y": "Q, D: real", **_ADJOINT_TABLES}),
    "ocnn_octree_interpolation_table": _recipe(
        {"xyz": "N, 3: coordinates", "row_splits": "B + 1: splits N", "keys": "8 G: keys"},
        depth=(1, 4, 16),
        edge_mode=("missing", "wrap"),
    ),
    "ocnn_weighted_gather": _recipe({"x": "M, C: real", **_TABLE}),
    "ocnn_weighted_gather_grad": _recipe({"grad_y": "N, C: real", **_TABLE, "like": "M, C: real"}),
    "ocnn_octree_depad": _recipe({"x": "P, C: real", "children": "P: children M", "num_nonempty": ": count M"}),
    "ocnn_octree_max_pool": _recipe({"x": "8 G, C: real"}),
    "ocnn_octree_max_unpool": _recipe({"x": "G, C: real", "mask": "G, C: mask"}),
    "ocnn_octree_max_pick": _recipe({"x": "8 G, C: real", "mask": "G, C: mask"}),
    "ocnn_gather_rows": _recipe({"x": "M, C: real", "index": "N: children M"}, once=(True, False)),
    "ocnn_gather_rows_grad": _recipe({"grad_y": "N, K, C: real", "index": "N, K: index M", "like": "M, C: real"}),
    "ocnn_neighbor_max": _recipe({"x": "M, C: real", "index": "N, K: index M"}),
    "ocnn_neighbor_max_grad": _recipe({"grad_y": "N, C: real", "source": "N, C: index M", "like": "M, C: real"}),
    "ocnn_farthest_points": _recipe(
        {"xyz": "N, 3: coordinates", "row_splits": "B + 1: splits N"}, num_samples=(1, 4, 40)
    ),
    "ocnn_ball_query": _recipe(
        {
            "xyz": "N, 3: coordinates",
            "row_splits": "B + 1: splits N",
            "queries": "Q, 3: coordinates",
            "query_splits": "B + 1: splits Q",
        },
        radius=(0.5, 1e-3, 1e38),
        max_neighbors=(1, 4, 40),
    ),
    "ocnn_radius_components": _recipe(
        {"xyz": "N, 3: coordinates", "labels": "N: index M", "row_splits": "B + 1: splits N"},
        radius=(0.5, 1e-3, 1e38),
        max_neighbors=(1, 4, 40),
        min_points=(1, 3),
    ),
    "ocnn_sparse_voxels": _recipe(
        {"voxels": "N, 3: voxels", "row_splits": "B + 1: splits N"},
        depth=(2, 5, 16),
        num_levels=(1, 3),
        num_coarser=(0, 2),
    ),
    "ocnn_nearest_neighbors": _recipe(
        {
            "x": "N, C: coordinates",
            "row_splits": "B + 1: splits N",
            "queries": "Q, C: coordinates",
            "query_splits": "B + 1: splits Q",
        },
        num_neighbors=(1, 4, 40),
        norm=("l1", "l2"),
    ),
}


class _Draw:
    """The random decisions behind one call."""

    def __init__(self, seed: tuple[int, int]):
        self.rng = np.random.default_rng(seed)

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def of(self, options):
        return options[int(self.rng.integers(len(options)))]


def draw_call(seed: int, number: int) -> Call:
    """Call `number` of a seed; the ops take turns."""
    draw = _Draw((seed, number))
    op = sorted(RECIPES)[number % len(RECIPES)]
    recipe = RECIPES[op]
    sizes = _draw_sizes(draw)
    feature_type = draw.of(FLOATS)
    inputs = {}
    for name, text in recipe.inputs.items():
        count = draw.of(recipe.lists[name]) if name in recipe.lists else 1
        inputs[name] = tuple(_sensible_input(text, sizes, feature_type, i) for i in range(count))
    if "W" in recipe.inputs.get("weights", ""):
        rows = min(sizes["C"] * len(inputs["x"]), 2**63 - 1)
        inputs["weights"] = (replace(inputs["weights"][0], shape=(rows, sizes["D"])),)
    attributes = {name: draw.of(values) for name, values in recipe.attributes.items()}
    attributes |= {name: _wide(feature_type) for name, value in attributes.items() if value == "wide"}
    call = Call(op, draw.of(MODES), inputs, tuple(recipe.lists), attributes, (seed, number))
    for _ in range(draw.of((0, 0, 1, 1, 2, 3))):
        call = draw.of((_with_shape, _with_dtype, _with_values, _with_attribute, _with_count))(draw, call)
    return replace(call, inputs={name: tuple(map(_affordable, given)) for name, given in call.inputs.items()})


def _draw_sizes(draw: _Draw) -> dict[str, int]:
    """The sizes that the names of dimensions stand for; now and then one is huge and another 0."""
    sizes = {name: draw.of(SIZES) for name in "MNPQG"} | {name: draw.of(SIZES[1:]) for name in "BCDK"}
    if draw.chance(0.2):
        sizes[draw.of("CDK")] = 0
    if draw.chance(0.2):
        zero, *huge = draw.rng.permutation(list("MNPQGCDK"))[: draw.of((2, 3, 4))]
        sizes |= {str(name): draw.of(HUGE_SIZES) for name in huge} | {str(zero): 0}
    return sizes


def _sensible_input(text: str, sizes: dict[str, int], feature_type: str, place: int) -> Input:
    dims, values = (part.strip() for part in text.split(":"))
    kind, *more = values.split()
    limit = sizes[more[0]] if more else 0
    if dims == "layer":  # of two full octrees
        return Input((2 * 8**place,), "int32", kind, 2 * 8**place)
    shape = tuple(_size_of(dim, sizes) for dim in dims.split(", ") if dim)
    types = {"real": feature_type, "wide": _wide(feature_type), "coordinates": "float32", "keys": "int64"}
    return Input(shape, types.get(kind, "int32"), kind, limit)


def _wide(feature_type: str) -> str:
    return "float64" if feature_type == "float64" else "float32"


def _size_of(dim: str, sizes: dict[str, int]) -> int:
    if dim.isdigit():
        return int(dim)
    if dim == "W":
        return 0
    size = {"8 G": 8 * sizes["G"], "B + 1": sizes["B"] + 1}.get(dim, sizes.get(dim))
    return min(size, 2**63 - 1)


def _change(draw: _Draw, call: Call, change) -> Call:
    """With one of the inputs changed."""
    names = [name for name, given in call.inputs.items() if given]
    if not names:
        return call
    name = draw.of(names)
    given = list(call.inputs[name])
    place = draw.of(range(len(given)))
    given[place] = change(given[place])
    return replace(call, inputs=call.inputs | {name: tuple(given)})


def _with_shape(draw: _Draw, call: Call) -> Call:
    def change(given: Input) -> Input:
        rank = draw.of((0, 1, 2, 3, 4, 5, 7, 8, 9, 252, 253, MOST_DIMENSIONS))
        new = [draw.of(SIZES) if rank < 10 else 1 for _ in range(rank)]
        if given.shape and draw.chance(0.5):
            new = list(given.shape)
            new[draw.of(range(len(new)))] = draw.of(SIZES)
        if len(new) > 1 and draw.chance(0.3):
            huge, zero = draw.rng.permutation(len(new))[:2]
            new[huge], new[zero] = draw.of(HUGE_SIZES), 0
        return replace(given, shape=tuple(new))

    return _change(draw, call, change)


def _with_dtype(draw: _Draw, call: Call) -> Call:
    return _change(draw, call, lambda given: replace(given, dtype=draw.of(WRONG_DTYPES)))


def _with_values(draw: _Draw, call: Call) -> Call:
    return _change(draw, call, lambda given: replace(given, values="wild"))


def _with_attribute(draw: _Draw, call: Call) -> Call:
    if not call.attributes:
        return call
    name = draw.of(sorted(call.attributes))
    wrong = {float: WRONG_FLOATS, str: ("", "l3", "wrap"), bool: (True, False)}
    options = wrong.get(type(call.attributes[name]), WRONG_INTEGERS)
    return replace(call, attributes=call.attributes | {name: draw.of(options)})


def _with_count(draw: _Draw, call: Call) -> Call:
    if not call.lists:
        return call
    name = draw.of(call.lists)
    given = call.inputs[name]
    example = given[0] if given else Input((3, draw.of(SIZES)), "float32", "real")
    count = draw.of((0, 1, 2, 2, 3, 18, 32, 33))
    other = replace(example, shape=tuple(draw.of(SIZES) for _ in range(draw.of((1, 2, 2, 3)))))
    more = (draw.of((example, other)),) * max(0, count - len(given))
    return replace(call, inputs=call.inputs | {name: (*given, *more)[:count]})


def _affordable(given: Input) -> Input:
    """TensorFlow can make the tensor, and it is small: the largest dimensions of others become 3."""
    shape = list(given.shape)
    while 0 not in shape and math.prod(shape) > MOST_ELEMENTS:
        shape[shape.index(max(shape))] = 3
    while math.prod(size for size in shape if size) >= 2**63:  # TensorFlow counts before it comes to the 0
        shape[shape.index(max(shape))] = 2
    return replace(given, shape=tuple(shape))


def numbers(given: Input, rng: np.random.Generator) -> np.ndarray:
    """The values of an input that has elements, in a type from which TensorFlow can cast."""
    size, limit = math.prod(given.shape), max(given.limit, 0)
    if given.values == "wild":
        wild = np.array([np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-46, -1, 0, 1, 2, 7, 2**31 - 1, -(2**31), 2**40])
        flat = rng.choice(wild, size)
    elif given.values == "splits":
        flat = np.sort(rng.integers(0, limit + 1, size)) if limit < 2**31 else np.zeros(size)
        flat[:1], flat[-1:] = 0, limit
    elif given.values == "index":
        flat = rng.integers(-1, max(min(limit, 2**31 - 1), 1), size)
    elif given.values == "children":
        running = np.full(size, -1)
        chosen = np.sort(rng.permutation(size)[: min(limit, size)])
        running[chosen] = np.arange(len(chosen))
        flat = running
    elif given.values == "mask":  # one of the eight siblings of every group
        groups = np.arange(size) // max(given.shape[-1] if given.shape else 1, 1)
        flat = 8 * groups + rng.integers(0, 8, size)
    elif given.values == "voxels":
        flat = rng.integers(0, 4, size)
    elif given.values == "count":
        flat = np.full(size, rng.choice([limit, -1]))
    elif given.values == "keys":
        flat = np.arange(size)
    else:
        flat = rng.uniform(-1, 1, size)
    return flat.reshape(given.shape)


def tensors(call: Call) -> dict:
    """The call's inputs as TensorFlow's, a list where the op takes a list."""
    rng = np.random.default_rng((*call.seed, 1))
    made = {name: [_tensor(given, rng) for given in several] for name, several in call.inputs.items()}
    return {name: several if name in call.lists else several[0] for name, several in made.items()}


def _tensor(given: Input, rng: np.random.Generator):
    import tensorflow as tf

    if given.dtype == "string":
        return tf.fill(given.shape, "")
    if 0 in given.shape:
        return tf.zeros(given.shape, given.dtype)
    with np.errstate(invalid="ignore"):
        values = numbers(given, rng)
        if given.dtype in ("int32", "int64", "uint8"):
            values = np.nan_to_num(values).astype(np.int64)
    return tf.cast(tf.constant(values), given.dtype)

"""Weights of PointGroup, HAIS and DyCo3D: names and shapes, a network evaluated in NumPy, refusals, the two layouts."""

import csv
import importlib.util
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from released.dense_network import dyco3d, evaluate, hais, pointgroup
from systems.small_rooms import room
from systems.small_rooms import small as on_an_octree
from systems.small_systems import run

from instance_seg.building import build_system
from instance_seg.clustering.components import Groups
from instance_seg.heads.group_unet import draws_of_clouds, group_grids
from instance_seg.nesting import make_settings
from instance_seg.presets import load_config
from instance_seg.released.spconv_import import import_spconv_weights
from instance_seg.released.spconv_variables import spconv_variables
from instance_seg.released.weight_files import read_weights
from instance_seg.structures import Points
from instance_seg.systems.dyco3d import DyCo3D
from instance_seg.systems.hais import Hais
from instance_seg.systems.pointgroup import PointGroup
from instance_seg.systems.proposal_settings import PointGroupSettings

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
SMALL = {"sparse_channels": (8, 16, 24), "head_width": 8, "voxel_edge": 0.1, "group_radius": 9.0, "grid_scale": 8.0}
KINDS = {"pointgroup": (PointGroup, pointgroup), "hais": (Hais, hais), "dyco3d": (DyCo3D, dyco3d)}
TYPES = {np.dtype(np.float32): "F32", np.dtype(np.int64): "I64", np.dtype(np.float16): "F16"}


def write_safetensors(path, arrays):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        span = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": TYPES[array.dtype], "shape": list(array.shape), "data_offsets": span}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return str(path)


def small(name, **settings):
    kind = KINDS[name][0]
    own = {"attention_levels": 2} if name == "dyco3d" else {}
    own |= {"class_points": (1.0, 1.0), "class_radius": (1.0, 1.0)} if name == "hais" else {}
    system = kind(make_settings(kind.Settings, SMALL | own | settings), room())
    run(system, scene())
    return system


def scene(count=60):
    rng = np.random.default_rng(0)
    xyz, features = rng.uniform(0, 1.55, (2, count, 3)).astype(np.float32)
    return Points(tf.constant(xyz), tf.constant(features - 0.5), tf.constant([0, count]))


def random_weights(system, seed=0):
    """In their layouts; everybody is said to be of class 2."""
    rng, found = np.random.default_rng(seed), {}
    for name, stored in spconv_variables(system).items():
        if stored.shape[1:]:
            limit = 2 / np.sqrt(np.prod(stored.variable.shape[:-1]))
            found[name] = rng.uniform(-limit, limit, stored.shape).astype(np.float32)
        else:
            found[name] = rng.uniform(0.5, 1.5, stored.shape).astype(np.float32)
        if name.endswith("running_var"):
            found[name.replace("running_var", "num_batches_tracked")] = np.array(7, np.int64)
    last = {"pointgroup": "linear", "hais": "semantic_linear.3", "dyco3d": "linear.6"}
    bias = found[last[type(system).__name__.lower()] + ".bias"]
    bias[2] = 1e4
    return found


@pytest.mark.parametrize("name", KINDS)
def test_names_and_shapes_are_those_of_the_published_state_dict(name):
    with open(GOLDEN / f"state_dict_{name}.csv", newline="") as file:
        published = {row["name"]: row["shape"] for row in csv.DictReader(file)}
    own = spconv_variables(build_system(load_config("paper", {"system": name}), room(20)))
    counted = {n for n in published if n.endswith("num_batches_tracked")}
    assert len(counted) > 50
    assert {n: "x".join(map(str, each.shape)) for n, each in own.items()} == {
        n: shape for n, shape in published.items() if n not in counted
    }


@pytest.mark.parametrize("name", KINDS)
def test_a_network_of_random_weights_is_that_of_numpy(name, tmp_path):
    system, points = small(name), scene()
    weights = random_weights(system)
    write_safetensors(tmp_path / "a.safetensors", {f"module.{n}": value for n, value in weights.items()})
    taken = import_spconv_weights(str(tmp_path / "a.safetensors"), system)
    assert not [each for each in taken.new if "class_" not in each]
    (found,) = system(points, system.tables(points, points))
    groups = Groups(*found.groups)
    count = 2 if name == "pointgroup" else 1
    np.testing.assert_array_equal(groups.row_splits, 60 * np.arange(count + 1))
    g, xyz = system.settings.groups, points.xyz.numpy()
    draws = tf.repeat(draws_of_clouds(points.xyz, points.row_splits, g.grid_seed), count, axis=0)
    grid = group_grids(points.xyz, groups, draws, g.grid_size, g.grid_scale).voxels.numpy()[:60]
    order = groups.points.numpy()[:60]
    group_voxels = np.empty_like(grid)
    group_voxels[order] = grid
    voxels = np.int32((xyz - xyz.min(0)) / np.float32(0.1))
    logits, offset, judged = evaluate(KINDS[name][1], weights, points.features.numpy(), xyz, voxels, group_voxels)
    ours = {
        "pointgroup": lambda: found.scores[:1],
        "hais": lambda: tf.concat([found.scores, tf.gather(found.masks, np.argsort(order))], axis=0),
        "dyco3d": lambda: found.masks.logits,
    }[name]()
    others = [0, 1, 3]  # logits; that of the class is far larger
    got, want = [found.points.logits.numpy()[:, others], found.points.offset, ours], [logits[:, others], offset, judged]
    for a, b in zip(got, want, strict=True):
        assert np.abs(b).max() > 0.05
        np.testing.assert_allclose(a, b, atol=1e-4 * np.abs(b).max())


def test_new_layers_stay_as_they_are_and_are_named(tmp_path):
    plain, fused = small("pointgroup"), small("pointgroup", fusion="own")
    path = write_safetensors(tmp_path / "a.safetensors", random_weights(plain))
    before = {v.path: v.numpy() for v in fused.weights}
    taken = import_spconv_weights(path, fused)
    assert taken.tensors == len(spconv_variables(plain)) and len(taken.new) == 6
    assert all("fusion_unit" in name for name in taken.new)
    kept = [v for v in fused.weights if "fusion_unit" in v.path]
    assert len(kept) == 6 and all(np.array_equal(before[v.path], v.numpy()) for v in kept)


def test_kernels_of_spconv_2_are_turned(tmp_path):
    first, second = small("pointgroup"), small("pointgroup")
    weights = random_weights(first)
    import_spconv_weights(write_safetensors(tmp_path / "a.safetensors", weights), first)
    turned = {n: np.ascontiguousarray(np.moveaxis(v, -1, 0)) if v.ndim == 5 else v for n, v in weights.items()}
    import_spconv_weights(write_safetensors(tmp_path / "b.safetensors", turned), second)
    for a, b in zip(first.weights, second.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_does_not_fit_is_in_one_table_and_nothing_is_taken(tmp_path):
    system = small("pointgroup")
    weights = random_weights(system)
    before = [v.numpy() for v in system.weights]
    weights["linear.weight"] = weights["linear.weight"][:3]
    weights["extra.weight"] = weights.pop("score_linear.bias")
    with pytest.raises(
        ValueError, match="not of this network, nothing is taken\n1 missing, 1 surplus, 1 missh"
    ) as error:
        import_spconv_weights(write_safetensors(tmp_path / "a.safetensors", weights), system)
    lines = [line.split() for line in str(error.value).splitlines()[2:]]
    assert ["missing", "score_linear.bias", "1"] in lines and ["surplus", "extra.weight", "1"] in lines
    assert ["misshapen", "linear.weight", "3x8", "4x8"] in lines
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, system.weights, strict=True))


def test_values_that_are_not_finite_and_other_networks_are_refused(tmp_path):
    system = small("pointgroup")
    weights = random_weights(system)
    weights["linear.bias"][0] = np.nan
    with pytest.raises(ValueError, match="linear.bias holds values that are no finite floats"):
        import_spconv_weights(write_safetensors(tmp_path / "a.safetensors", weights), system)
    with pytest.raises(ValueError, match="this is another network"):
        spconv_variables(on_an_octree(PointGroup, PointGroupSettings))


def test_damaged_files_are_refused(tmp_path):
    path = write_safetensors(
        tmp_path / "a.safetensors", {"a": np.ones(3, np.float32), "b": np.ones((2, 2), np.float32)}
    )
    assert [a.shape for a in read_weights(path).values()] == [(3,), (2, 2)]
    whole = pathlib.Path(path).read_bytes()
    cases = {
        whole[:-1]: "numbers of b do not lie",
        whole + b"0": "holds more than its header",
        whole[:5]: "no safetensors file",
        whole[:20]: "no safetensors file",
        whole.replace(b'"dtype"', b'"dtypo"', 1): "header describes no arrays",
        whole.replace(b"F32", b"F99", 1): "a is of type F99",
        whole.replace(b"[12, 28]", b"[13, 29]"): "numbers of b do not lie",
    }
    for content, message in cases.items():
        pathlib.Path(path).write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_weights(path)
    with pytest.raises(ValueError, match="there is no such file"):
        read_weights(str(tmp_path / "none.pth"))


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_pickle_needs_pytorch(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"")
    with pytest.raises(ValueError, match="a.pth: reading it needs PyTorch"):
        read_weights(str(tmp_path / "a.pth"))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"net": x}, lambda x: {"state_dict": x, "optimizer": {}}])
def test_pickles_of_all_three_programs(tmp_path, wrap):
    import torch

    torch.save(wrap({"module.a": torch.ones(2)}), tmp_path / "a.pth")
    np.testing.assert_array_equal(read_weights(str(tmp_path / "a.pth"))["a"], [1, 1])

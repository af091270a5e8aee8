"""Names, shapes and layouts of the released program's TF1 checkpoints, and the refusal of anything else."""

import hashlib
import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from instance_seg.building import build_system, make_data_set
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.presets import load_config
from instance_seg.released.tf1_import import STEP, import_tf1_checkpoint
from instance_seg.released.tf1_variables import CONV, DECONV, Stored, tf1_variables
from instance_seg.training.checkpoint import Checkpoints, describe_system
from instance_seg.training.optimizers import Momentum

STATISTICS = ("moving_mean", "moving_variance")
# sha256 of the lines "name,64x108,1" (1 = trainable), sorted, of the graph the released code builds for Chair
CHAIR_LIST = "5f6af7f2549ed16354a97191e134d171e0e16cb02d5ec0ff922f10b2d224a2a5"
SMALL = {"depth": 3, "channels": (8, 16), "num_blocks": 1, "head_width": 4}


def to_tf1(stored, value):
    """A value of ours in the layout of TF1."""
    return np.ascontiguousarray(np.transpose(value, [a for a in stored.axes if a is not None]).reshape(stored.shape))


def export_tf1_arrays(model):
    """Every weight of the model under its TF1 name and in its TF1 layout, float32."""
    return {name: to_tf1(stored, np.asarray(stored.variable)) for name, stored in tf1_variables(model).items()}


def batch_norm(scope, channels):
    return {f"{scope}/batch_normalization/{n}": (channels,) for n in ("gamma", "beta", *STATISTICS)}


def dense(scope, rows, columns):
    return {f"{scope}/conv2d_1x1/weights": (rows, columns), **batch_norm(scope, rows)}


def octree_stage(scope, kind, shape, channels):
    """First unit and three residual blocks."""
    unit, quarter = f"{scope}/{kind}_bn_relu", channels // 4
    found = {f"{unit}/octree_{kind}/weights": shape, **batch_norm(unit, channels)}
    for j in range(3):
        block = f"{scope}/resblock_{j}"
        found |= dense(f"{block}/1x1x1_a", quarter, channels)
        found[f"{block}/3x3x3/conv_bn_relu/octree_conv/weights"] = (quarter, 27 * quarter)
        found |= batch_norm(f"{block}/3x3x3/conv_bn_relu", quarter)
        found |= dense(f"{block}/1x1x1_b", channels, quarter)
    return found


def expected_shapes(num_classes):
    """Every variable of the network in TF1, written down from the list of the stages and heads."""
    width, net = {6: 64, 5: 128, 4: 256, 3: 256, 2: 256}, "seg/ocnn_unet"
    found = octree_stage(f"{net}/encoder_d6", "conv", (64, 108), 64)
    for d in (5, 4, 3, 2):
        found |= octree_stage(f"{net}/encoder_d{d}", "conv", (width[d], 8 * width[d + 1]), width[d])
    for branch in ("seg", "offset"):
        for d in (3, 4, 5, 6):
            scope = f"{net}/decoder_{branch}_d{d}"
            found |= octree_stage(scope, "deconv", (width[d - 1], 8 * width[d]), width[d])
    for level, classes in enumerate(num_classes, 1):
        for head, outputs in ((f"predict_{classes}", classes), ("predict_offset", 6)):
            scope = f"seg/level_{level}/{head}"
            found |= dense(f"{scope}/conv0", 128, 64) | dense(f"{scope}/conv1", 128, 128)
            found[f"{scope}/conv2/conv2d_1x1/weights"] = (outputs, 128)
            found[f"{scope}/conv2/conv2d_1x1/bias"] = (outputs, 1)
        for slot in ("convtransfer", "convtransfer_1", "convtransfer_2"):
            found |= dense(f"{scope}/{slot}", 128, 128)
        found |= dense(f"{scope}/convfusion", 128, 515)
    return found


def is_trainable(name):
    return not name.endswith(STATISTICS)


def random_values(shapes):
    """{name: float32 array}, different for every name."""
    seed = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") for name in shapes}
    return {n: np.random.default_rng(seed[n]).random(s, dtype=np.float32) + 0.5 for n, s in shapes.items()}


def with_slots(values, step=100_000):
    """What a released file holds beside the weights: momentum, and a step without a name of its own."""
    slots = {f"{n}/Momentum": np.full_like(v, 7.0) for n, v in values.items() if is_trainable(n)}
    return values | slots | {STEP: np.int32(step)}


def write_checkpoint(folder, values, name="iter100000.ckpt"):
    """A TF1 checkpoint (V2 format) of arrays under any names; returns its prefix."""
    prefix = str(folder / name)
    tf.raw_ops.SaveV2(
        prefix=prefix,
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=[tf.constant(v) for v in values.values()],
    )
    return prefix


def build(**settings):
    """A network of the preset `released`."""
    config = load_config("released", settings)
    return build_system(config, make_data_set(config).task())


@pytest.fixture(scope="module")
def chair():
    return build(category="Chair")


@pytest.fixture(scope="module")
def chair_values():
    return random_values(expected_shapes((6, 30, 39)))


@pytest.fixture(scope="module")
def small():
    """A network of few weights, for the errors."""
    return build(category="Scissors", **SMALL)


@pytest.fixture
def small_values(small):
    return random_values({name: s.shape for name, s in tf1_variables(small).items()})


def test_chair_has_the_names_and_shapes_of_the_released_graph(chair):
    shapes = {name: s.shape for name, s in tf1_variables(chair).items()}
    assert shapes == expected_shapes((6, 30, 39))
    assert len(shapes) == 782
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    trainable = [size for name, size in sizes.items() if is_trainable(name)]
    assert (len(trainable), sum(trainable), sum(sizes.values())) == (474, 8_086_301, 8_118_493)
    lines = sorted(f"{n},{'x'.join(map(str, s))},{int(is_trainable(n))}" for n, s in shapes.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == CHAIR_LIST


def test_every_variable_of_the_network_has_one_name(chair):
    named = [id(s.variable) for s in tf1_variables(chair).values()]
    assert sorted(named) == sorted(id(v) for v in chair.variables)
    assert [n for n, s in tf1_variables(chair).items() if s.variable.trainable != is_trainable(n)] == []


@pytest.mark.parametrize("category", ["Vase", "Bag"])
def test_other_categories_differ_in_the_semantic_heads_only(category):
    taxonomy = load_taxonomy(category)
    network = build(category=category, channels=(64, 64), full_depth=5, num_blocks=0)
    heads = {n: s.shape for n, s in tf1_variables(network).items() if n.startswith("seg/level_")}
    expected = expected_shapes(taxonomy.num_classes)
    assert heads == {n: s for n, s in expected.items() if n.startswith("seg/level_")}


def test_import_takes_all_weights_and_passes_over_slots_and_step(chair, chair_values, tmp_path):
    prefix = write_checkpoint(tmp_path, with_slots(chair_values))
    taken = import_tf1_checkpoint(prefix, chair)
    assert taken == (782, 8_118_493, 475, 100_000)
    exported = export_tf1_arrays(chair)
    assert exported.keys() == chair_values.keys()
    for name, value in exported.items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, chair_values[name], err_msg=name)


def test_single_entries_land_at_their_kernel_cell_and_channels(chair):
    variables, b = tf1_variables(chair), chair.backbone
    block = b.encoder[1].blocks[2]
    cases = [
        ("encoder_d6/conv_bn_relu/octree_conv", (11, 3 * 27 + 14), b.encoder[0].entry.kernel, (14, 3, 11)),
        ("encoder_d5/conv_bn_relu/octree_conv", (90, 63 * 8 + 6), b.encoder[1].entry.kernel, (6, 63, 90)),
        ("encoder_d5/resblock_2/3x3x3/conv_bn_relu/octree_conv", (5, 31 * 27 + 2), block.conv.kernel, (2, 31, 5)),
        ("decoder_seg_d5/deconv_bn_relu/octree_deconv", (200, 17 * 8 + 4), b.decoders[0][2].entry.kernel, (4, 200, 17)),
        ("decoder_offset_d6/deconv_bn_relu/octree_deconv", (9, 63 * 8), b.decoders[1][3].entry.kernel, (0, 9, 63)),
        ("encoder_d5/resblock_2/1x1x1_a/conv2d_1x1", (31, 100), block.reduce.linear.kernel, (100, 31)),
        ("encoder_d5/resblock_2/1x1x1_b/conv2d_1x1", (100, 31), block.expand.linear.kernel, (31, 100)),
    ]
    for name, at, variable, ours in cases:
        stored = variables[f"seg/ocnn_unet/{name}/weights"]
        assert stored.variable is variable
        value = np.zeros(stored.shape, np.float32)
        value[at] = 1.0
        assert np.argwhere(stored.from_tf1(value)).tolist() == [list(ours)], name


def test_transfer_slots_are_own_level_first_then_the_others(chair):
    variables = tf1_variables(chair)
    assert chair.sources == [(0, 1, 2), (1, 0, 2), (2, 0, 1)]
    for level, head in enumerate(chair.offset_heads, 1):
        for slot, unit in zip(("convtransfer", "convtransfer_1", "convtransfer_2"), head.fusion.transfers, strict=True):
            name = f"seg/level_{level}/predict_offset/{slot}/conv2d_1x1/weights"
            assert variables[name].variable is unit.linear.kernel


@pytest.mark.parametrize("axes, ours, tf1", [(CONV, (27, 3, 5), (5, 81)), (DECONV, (8, 3, 5), (3, 40))])
def test_layouts_are_inverse_to_each_other(axes, ours, tf1):
    value = np.arange(np.prod(ours), dtype=np.float32).reshape(ours)
    stored = Stored(value, axes)
    assert to_tf1(stored, value).shape == stored.shape == tf1
    np.testing.assert_array_equal(stored.from_tf1(to_tf1(stored, value)), value)


def test_a_misfit_is_refused_with_every_name_and_changes_nothing(small, small_values, tmp_path):
    before = export_tf1_arrays(small)
    gone = "seg/level_2/predict_offset/convfusion/batch_normalization/beta"
    bent = "seg/ocnn_unet/encoder_d3/conv_bn_relu/octree_conv/weights"
    del small_values[gone]
    small_values[bent] = small_values[bent].T
    small_values["seg/level_4/predict_offset/conv0/conv2d_1x1/weights"] = np.zeros((4, 8), np.float32)
    small_values["other/thing"] = np.zeros(3, np.float32)
    prefix = write_checkpoint(tmp_path, small_values)
    with pytest.raises(ValueError) as error:
        import_tf1_checkpoint(prefix, small)
    assert str(error.value).splitlines() == [
        f"{prefix} is not of this network: 1 missing, 1 surplus, 1 misshapen",
        f"  missing: {gone}",
        "  surplus: seg/level_4/predict_offset/conv0/conv2d_1x1/weights",
        f"  misshapen: {bent}: [108, 8] there, [8, 108] wanted",
    ]
    after = export_tf1_arrays(small)
    assert before and all(np.array_equal(before[n], after[n]) for n in before)


def test_a_checkpoint_of_another_category_is_named(chair_values, small, tmp_path):
    prefix = write_checkpoint(tmp_path, chair_values)
    counts = load_taxonomy("Scissors").num_classes
    with pytest.raises(ValueError) as error:
        import_tf1_checkpoint(prefix, small)
    first = str(error.value).splitlines()[0]
    assert first.endswith(f"(6, 30, 39) classes, those of Chair; this network has {counts}: is the category right?")


def test_another_top_scope_is_refused(small, small_values, tmp_path):
    prefix = write_checkpoint(tmp_path, {f"net/{n}": v for n, v in small_values.items()})
    with pytest.raises(ValueError, match=f"{len(small_values)} missing, 0 surplus, 0 misshapen; it holds no semantic"):
        import_tf1_checkpoint(prefix, small)


@pytest.mark.parametrize("value, message", [(np.nan, "not finite"), (np.inf, "not finite")])
def test_values_that_are_not_finite_are_refused(value, message, small, small_values, tmp_path):
    name = "seg/level_1/predict_offset/conv2/conv2d_1x1/bias"
    small_values[name][3] = value
    with pytest.raises(ValueError, match=f"{name} .*{message}"):
        import_tf1_checkpoint(write_checkpoint(tmp_path, small_values), small)


def test_another_number_type_is_refused(small, small_values, tmp_path):
    name = "seg/level_1/predict_offset/conv2/conv2d_1x1/bias"
    small_values[name] = small_values[name].astype(np.float64)
    with pytest.raises(ValueError, match=f"{name} .*float64, want float32"):
        import_tf1_checkpoint(write_checkpoint(tmp_path, small_values), small)


def test_files_that_are_not_there_or_damaged(small, small_values, tmp_path):
    prefix = write_checkpoint(tmp_path, small_values, "a.ckpt")
    for wrong in (f"{prefix}.index", tmp_path, tmp_path / "b.ckpt"):
        with pytest.raises(ValueError, match=rf"there is no .*\.index; checkpoints there: {prefix}"):
            import_tf1_checkpoint(str(wrong), small)
    data = pathlib.Path(f"{prefix}.data-00000-of-00001")
    whole = data.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:50] + bytes([whole[50] ^ 255]) + whole[51:]):
        data.write_bytes(damaged)
        with pytest.raises(ValueError, match="a.ckpt: variable seg/.* cannot be read"):
            import_tf1_checkpoint(prefix, small)
    data.unlink()
    with pytest.raises(ValueError, match="a.ckpt"):
        import_tf1_checkpoint(prefix, small)
    pathlib.Path(f"{prefix}.index").write_bytes(b"no index")
    with pytest.raises(ValueError, match="a.ckpt: not a readable TF1 checkpoint"):
        import_tf1_checkpoint(prefix, small)


def test_weights_of_the_released_program_need_its_order_of_features():
    network = build(category="Scissors", concat_order="paper", **SMALL)
    with pytest.raises(ValueError, match="concat_order='paper'.*set concat_order=released"):
        tf1_variables(network)


@pytest.fixture
def tool(monkeypatch):
    """The tool as a module, for networks of few weights."""
    path = pathlib.Path(__file__).parents[2] / "tools" / "import_tf1_checkpoint.py"
    spec = importlib.util.spec_from_file_location("import_tf1_checkpoint_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "load_config", lambda preset, settings: load_config(preset, settings | SMALL))
    return module


def test_the_tool_makes_a_run_folder_that_evaluation_reads(tool, small, small_values, tmp_path, capsys):
    prefix = write_checkpoint(tmp_path, with_slots(small_values, step=7))
    tool.convert(prefix, "Scissors", str(tmp_path / "run"))
    text = capsys.readouterr().out
    numbers = sum(v.size for v in small_values.values())
    assert f"{len(small_values)} variables, {numbers:,} numbers taken from {prefix} (iteration 7)" in text
    for variable in small.variables:
        variable.assign(np.zeros(variable.shape))
    description = describe_system(load_config("released", SMALL | {"category": "Scissors"}), small.task)
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints", small, Momentum([], 0.9), description)
    assert checkpoints.restore_weights(str(tmp_path / "run")).step == 7
    for name, value in export_tf1_arrays(small).items():
        np.testing.assert_array_equal(value, small_values[name], err_msg=name)
    with pytest.raises(ValueError, match="holds checkpoints already; name an empty folder"):
        tool.convert(prefix, "Scissors", str(tmp_path / "run"))


def test_the_tool_writes_nothing_for_a_wrong_category(tool, small_values, tmp_path):
    prefix = write_checkpoint(tmp_path, small_values)
    with pytest.raises(ValueError, match="those of .*Scissors.*; this network has"):
        tool.convert(prefix, "Vase", str(tmp_path / "run"))
    assert list((tmp_path / "run").glob("**/*.*")) == []
    with pytest.raises(ValueError, match="'Scissors'"):
        tool.convert(prefix, "scissors", str(tmp_path / "run"))

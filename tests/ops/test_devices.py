"""Every op has a kernel for every device and type; results live where they were computed, and agree."""

import numpy as np
import pytest
import tensorflow as tf
from ops.op_examples import arguments, examples, gradients_at, searches, with_gradients
from tensorflow.python.framework import kernels

import ocnn_tf_ops as ops
from ocnn_tf_ops.python.kernel_library import has_cuda

EXAMPLES = {example.name: example for example in examples()}
SEARCHES = searches()
ON_CPU_ALONE = {  # op -> why
    "Ocnn>RadiusComponents": "breadth first is one point after the other",
    "Ocnn>SparseVoxels": "tables are made where data are read",
}
ONCE_DIFFERENTIABLE = ("neighbor_max", "normalize", "normalize with batch statistics")


def our_kernels() -> list:
    return [k for k in kernels.get_all_registered_kernels().kernel if k.op.startswith("Ocnn>")]


def registrations(op: str, device: str) -> list[str]:
    """What types each kernel is for."""
    return sorted(
        " ".join(f"{c.name}={tf.as_dtype(c.allowed_values.list.type[0]).name}" for c in k.constraint)
        for k in our_kernels()
        if k.op == op and k.device_type == device
    )


OPS = sorted({k.op for k in our_kernels()})


@pytest.mark.parametrize("op", OPS)
def test_every_op_has_a_gpu_kernel_for_every_type_where_cuda_was_built(op):
    on_cpu, on_gpu = registrations(op, "CPU"), registrations(op, "GPU")
    assert on_cpu
    assert on_gpu == (on_cpu if has_cuda() and op not in ON_CPU_ALONE else [])


def test_ops_on_features_take_four_types():
    untyped = {op for op in OPS if registrations(op, "CPU") == [""]}
    assert untyped == {
        f"Ocnn>{name}"
        for name in (
            *("BallQuery", "FarthestPoints", "NearestNeighbors", "RadiusComponents"),
            *("OctreeBuild", "OctreeInterpolationTable", "OctreeNeighbors", "SparseVoxels"),
        )
    }
    for op in set(OPS) - untyped:
        types = {entry.split()[0] for entry in registrations(op, "CPU")}
        assert types == {"T=float16", "T=bfloat16", "T=float32", "T=float64"}, op


def test_examples_use_every_op():
    """Including the ops of gradients, and of theirs."""

    @tf.function
    def everything():
        found = [run() for run in SEARCHES.values()]
        return found, [second_gradient(example) for example in EXAMPLES.values()]

    used = {operation.type for operation in everything.get_concrete_function().graph.get_operations()}
    assert not set(OPS) - used, "add an example of it to op_examples.py"


def second_gradient(example):
    at = arguments(example, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(at)
        y, gradients = gradients_at(example, at)
        total = tf.add_n([tf.reduce_sum(g * g) for g in gradients])
    if example.name in ONCE_DIFFERENTIABLE:
        return y, gradients
    return y, tape.gradient(total, at)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_features_live_on_the_device(device, name):
    y, gradients = with_gradients(EXAMPLES[name], tf.float32)
    for tensor in (y, *gradients):
        assert f"device:{device}:0" in tensor.device
    with tf.device("/CPU:0"):
        expected, expected_gradients = with_gradients(EXAMPLES[name], tf.float32)
    for got, want in zip((y, *gradients), (expected, *expected_gradients)):
        np.testing.assert_allclose(got, want, atol=1e-5 * max(1, np.abs(want).max(initial=0)))


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_what_is_found_lives_on_the_device(device, name):
    if device == "GPU" and name in ("radius_components", "sparse_voxels"):
        pytest.skip("for CPUs alone")
    found = tf.nest.flatten(SEARCHES[name]())
    with tf.device("/CPU:0"):
        expected = tf.nest.flatten(SEARCHES[name]())
    assert found
    for got, want in zip(found, expected, strict=True):
        assert f"device:{device}:0" in got.device
        if got.dtype.is_integer:
            np.testing.assert_array_equal(got, want)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_results_are_the_same_every_time(device):
    """Nothing to do for TensorFlow's switch `enable_op_determinism`: no op sums in an order of its own choice."""
    assert EXAMPLES
    for example in EXAMPLES.values():
        first, second = (tf.nest.flatten(with_gradients(example, tf.float32)) for _ in range(2))
        for a, b in zip(first, second):
            np.testing.assert_array_equal(a, b, err_msg=example.name)


def test_index_out_of_range_is_missing_to_a_gpu(on_gpu):
    if not on_gpu:
        pytest.skip("the CPU refuses it")
    x = tf.reshape(tf.range(1.0, 9.0), [4, 2])
    np.testing.assert_array_equal(ops.gather_rows(x, [4, 1, -7]), [[0, 0], [3, 4], [0, 0]])

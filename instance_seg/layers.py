"""Layers every network of the package is made of: batch normalization, linear layer, dense unit.

The constants are those of the paper's released program: see `BatchNorm`.

Half precision is a matter of Keras' dtype policy. Layers with a kernel compute in `compute_dtype`; no layer casts what
passes through it, for coordinates, interpolation weights and probabilities stay float32 (`Layer`).
"""

import math
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.replicas import assign_here, num_replicas, sum_over_replicas

EPSILON = 1e-3
DECAY = 0.99
LEAKY_SLOPE = 0.1

_SLOPES = {"relu": 0.0, "leaky_relu": LEAKY_SLOPE, "linear": 1.0}


def uniform(limit: float) -> keras.initializers.Initializer:
    """Keras' initializer of the weights between -limit and limit."""
    return keras.initializers.RandomUniform(-limit, limit)


def activation_slope(name: str) -> float:
    """What the activation called `name` multiplies negative numbers with; ValueError naming the known ones."""
    if name not in _SLOPES:
        raise ValueError(f"activation={name!r} is unknown; choose one of {sorted(_SLOPES)}")
    return _SLOPES[name]


def value_in(variable, dtype) -> tf.Tensor:
    """The value of a Keras variable, which is float32, in the type a layer computes in."""
    return tf.cast(tf.convert_to_tensor(variable), dtype)


def side_by_side(parts: list[tf.Tensor]) -> tf.Tensor:
    """[..., C_p] each -> [..., sum of C_p]; half precision if a part is: the next layer computes in that anyway."""
    dtype = min((x.dtype for x in parts), key=lambda dtype: dtype.size)
    return tf.concat([tf.cast(x, dtype) for x in parts], axis=-1)


class Layer(keras.layers.Layer):
    """A layer that gets inputs and weights as they are, where Keras would cast every float to the layer's type.

    Args:
        initializer: of its weights; a layer of layers hands it to them.

    Attributes:
        observer: a function of the layer and its inputs that is told of every call, or None.
    """

    observer = None

    def __init__(self, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.initializer = initializer

    def add_weight(self, **kwargs):
        return super().add_weight(autocast=False, **kwargs)

    def __call__(self, *inputs, **named):
        if self.observer is not None:
            self.observer(self, inputs)
        return super().__call__(*inputs, **named)

    def multiplications(self, *inputs) -> int:
        """In the matrix products of a call on these inputs; those of layers inside of it are theirs."""
        return 0


class Composite(Layer):
    """A layer whose weights all belong to layers inside it.

    Keras would trace `call` once more to build it, at every level of nesting; here the first call builds the parts.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True


def global_moments(x: tf.Tensor, pivot: tf.Tensor, total: Callable[[tf.Tensor], tf.Tensor] = sum_over_replicas):
    """Mean [C], biased variance [C] and number [1] of the rows of x [M, C] in all replicas together.

    The replicas exchange sums and sums of squares about `pivot` [C], anything near the mean: so they lose few digits.
    With tf.identity for `total` each has its own.
    """

    @tf.custom_gradient
    def moments(x, pivot):
        """Those of all replicas, and a gradient that sums over them, too."""
        x = ops.full_precision(x)
        mean, variance = ops.moments(x)
        rows, offset = tf.cast(tf.shape(x)[:1], x.dtype), mean - pivot
        sums = total(tf.concat([rows * offset, rows * (variance + offset * offset), rows], axis=0))
        offset, square, rows = tf.split(sums, [x.shape[1], x.shape[1], 1])
        offset, square = tf.math.divide_no_nan(offset, rows), tf.math.divide_no_nan(square, rows)
        mean, variance = pivot + offset, tf.maximum(square - offset * offset, 0.0)

        def gradient(*grads):
            """Every replica's loss depends on the rows of this one."""
            grad_mean, grad_variance = tf.split(total(tf.concat(grads[:2], axis=0)) / rows[0], 2)
            return grad_mean + 2.0 * grad_variance * (x - mean), None

        return (mean, variance, rows), gradient

    return moments(x, pivot)


class BatchNorm(Layer):
    """Batch normalization of the rows of a [M, C] tensor, with the statistics TF1 kept, then an activation.

    Normalizes with the biased variance of the batch and accumulates the unbiased one (M / (M - 1)) in the moving
    statistic, as TF1's fused kernel does; Keras 3 accumulates the biased one. Normalization, a shortcut and the
    activation are one pass over the rows. Statistics are float32 whatever x is.

    Among several replicas the batch is the global one, unless `synchronized` is set to False (`separate_statistics`).

    Args:
        epsilon: added to the variance.
        decay: what the moving statistics keep of themselves in a step (see `common_decay`).
    """

    synchronized = True

    def __init__(self, activation_name: str = "linear", epsilon: float = EPSILON, decay: float = DECAY, **kwargs):
        super().__init__(**kwargs)
        self.slope, self.epsilon, self.decay = activation_slope(activation_name), epsilon, decay

    def build(self, shape):
        self.gamma, self.beta = self._add(shape[-1], True, gamma=1.0, beta=0.0)
        self.moving_mean, self.moving_variance = self._add_statistics(shape[-1])

    def _add_statistics(self, channels):
        return self._add(channels, False, moving_mean=0.0, moving_variance=1.0)

    def _add(self, channels, trainable, **values):
        """A weight [channels] for each name, with its first value."""
        return [
            self.add_weight(
                name=name, shape=(channels,), initializer=keras.initializers.Constant(value), trainable=trainable
            )
            for name, value in values.items()
        ]

    def call(self, x, shortcut=None, training=False):
        """[M, C] -> [M, C]; `shortcut` [M, C] is added before the activation; `training`: statistics of the batch."""
        return self.normalize(x, *self.statistics(x, training), shortcut, training)

    def statistics(self, x, training=False):
        """Mean and variance [C] to normalize x with: those of the batch, and the moving ones follow, or the latter."""
        if not training:
            return tuple(map(tf.convert_to_tensor, (self.moving_mean, self.moving_variance)))
        mean, variance, rows = self._moments(x)
        self._accumulate(self.moving_mean, mean, rows)
        self._accumulate(self.moving_variance, variance * (rows / tf.maximum(rows - 1.0, 1.0)), rows)
        return mean, variance

    def normalize(self, x, mean, variance, shortcut=None, training=False):
        """What `call` gives, with the `statistics` of x."""
        weights = map(tf.convert_to_tensor, (self.gamma, self.beta))
        own = training and not self._shares_statistics()
        return ops.normalize(x, *weights, mean, variance, self.epsilon, self.slope, shortcut, batch_statistics=own)

    def _shares_statistics(self):
        return self.synchronized and num_replicas() > 1

    def _moments(self, x):
        """Mean, biased variance and number of the rows of x, or of x in all replicas together."""
        if self._shares_statistics():
            return global_moments(x, tf.convert_to_tensor(self.moving_mean))
        mean, variance = ops.moments(x)
        return mean, variance, tf.cast(tf.shape(x)[0], mean.dtype)

    def _accumulate(self, moving, batch, rows):
        after = moving * self.decay + batch * (1.0 - self.decay)
        after = tf.where(rows > 0, after, tf.convert_to_tensor(moving))  # a batch without any row says nothing
        if self.compute_dtype == "float16":  # an activation out of its range costs a step, not the statistics
            after = tf.where(tf.math.is_finite(after), after, tf.convert_to_tensor(moving))
        assign_here(moving, after)


def layers_of(network: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The layer and all those among its attributes, each before the layers inside of it."""
    inside = {id(x): x for x in keras.tree.flatten(list(vars(network).values())) if isinstance(x, keras.layers.Layer)}
    yield network
    for layer in inside.values():
        yield from layers_of(layer)


def common_decay(network: keras.Model, decay: tf.Variable) -> None:
    """Makes all moving statistics of a network keep of themselves what a variable says."""
    for layer in layers_of(network):
        if isinstance(layer, BatchNorm):
            layer.decay = decay


def separate_statistics(network: keras.Model) -> None:
    """Makes every replica normalize with the statistics of its own part of the batch."""
    for layer in layers_of(network):
        if isinstance(layer, BatchNorm):
            layer.synchronized = False


class Linear(Layer):
    """x [N, Cin] -> x W (+ b) [N, Cout]. The initializer draws the bias as well."""

    def __init__(self, units: int, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.use_bias = units, use_bias

    def build(self, shape):
        fans = shape[-1], self.units
        limit = self.initializer.linear(*fans)
        self.kernel = self.add_weight(name="kernel", shape=fans, initializer=uniform(limit), trainable=True)
        self.bias = None
        if self.use_bias:
            limit = self.initializer.bias(*fans)
            self.bias = self.add_weight(name="bias", shape=fans[1:], initializer=uniform(limit), trainable=True)

    def call(self, x):
        y = self.product(x)
        return y if self.bias is None else tf.nn.bias_add(y, value_in(self.bias, self.compute_dtype))

    def product(self, x):
        """x W."""
        return tf.cast(x, self.compute_dtype) @ value_in(self.kernel, self.compute_dtype)

    def multiplications(self, x) -> int:
        return int(x.shape[0]) * math.prod(self.kernel.shape)


class Unit(Composite):
    """One "1x1 convolution": linear, batch normalization, activation. [N, Cin] -> [N, units].

    Args:
        use_bias: of the linear layer; the normalization takes it away again, but some released weights have it.
        epsilon, decay: of the normalization.
    """

    def __init__(
        self,
        units: int,
        activation_name: str = "leaky_relu",
        use_bias: bool = False,
        epsilon: float = EPSILON,
        decay: float = DECAY,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.linear = Linear(units, use_bias=use_bias, initializer=self.initializer, name="linear")
        self.norm = BatchNorm(activation_name, epsilon, decay, name="norm")

    def call(self, x, shortcut=None, training=False):
        """x [N, Cin]; `shortcut` [N, units] is added before the activation."""
        return self.norm(self.linear(x), shortcut, training=training)

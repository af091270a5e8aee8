"""Layers every network of the package is made of: initializer, batch normalization, dense unit.

The constants are those of the paper's released program: see `BatchNorm` and `stored_xavier`.
"""

import math

import keras
import tensorflow as tf

import ocnn_tf_ops as ops

EPSILON = 1e-3
DECAY = 0.99
LEAKY_SLOPE = 0.1

_SLOPES = {"relu": 0.0, "leaky_relu": LEAKY_SLOPE, "linear": 1.0}


def activation_slope(name: str) -> float:
    """What the activation called `name` multiplies negative numbers with; ValueError naming the known ones."""
    if name not in _SLOPES:
        raise ValueError(f"activation={name!r} is unknown; choose one of {sorted(_SLOPES)}")
    return _SLOPES[name]


def stored_xavier(rows: int, columns: int) -> keras.initializers.Initializer:
    """Xavier's uniform initializer for a weight that TF1 O-CNN stores as a [rows, columns] matrix.

    The limit is sqrt(6 / (rows + columns)) whatever shape we keep the weight in: a 3x3x3 convolution is stored as
    [Cout, 27 Cin], so its limit differs from Keras' Glorot limit for a [27, Cin, Cout] kernel.
    """
    limit = math.sqrt(6.0 / (rows + columns))
    return keras.initializers.RandomUniform(-limit, limit)


class Composite(keras.layers.Layer):
    """A layer whose weights all belong to layers inside it.

    Keras would trace `call` once more to build it, at every level of nesting; here the first call builds the parts.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True


class BatchNorm(keras.layers.Layer):
    """Batch normalization of the rows of a [M, C] tensor, with the statistics TF1 kept, then an activation.

    Normalizes with the biased variance of the batch and accumulates the unbiased one (M / (M - 1)) in the moving
    statistic, as TF1's fused kernel does; Keras 3 accumulates the biased one. Normalization, a shortcut and the
    activation are one pass over the rows.
    """

    def __init__(self, activation_name: str = "linear", **kwargs):
        super().__init__(**kwargs)
        self.slope = activation_slope(activation_name)

    def build(self, shape):
        channels = shape[-1]

        def weight(name, value, trainable):
            init = keras.initializers.Constant(value)
            return self.add_weight(name=name, shape=(channels,), initializer=init, trainable=trainable)

        self.gamma = weight("gamma", 1.0, True)
        self.beta = weight("beta", 0.0, True)
        self.moving_mean = weight("moving_mean", 0.0, False)
        self.moving_variance = weight("moving_variance", 1.0, False)

    def call(self, x, shortcut=None, training=False):
        """[M, C] -> [M, C]; `shortcut` [M, C] is added before the activation; `training`: statistics of the batch."""
        if training:
            mean, variance = ops.moments(x)
            rows = tf.cast(tf.shape(x)[0], x.dtype)
            self._accumulate(self.moving_mean, mean)
            self._accumulate(self.moving_variance, variance * (rows / tf.maximum(rows - 1.0, 1.0)))
        else:
            mean, variance = map(tf.convert_to_tensor, (self.moving_mean, self.moving_variance))
        weights = map(tf.convert_to_tensor, (self.gamma, self.beta))
        return ops.normalize(x, *weights, mean, variance, EPSILON, self.slope, shortcut, batch_statistics=training)

    def _accumulate(self, moving, batch):
        moving.assign(moving * DECAY + batch * (1.0 - DECAY))


class Linear(keras.layers.Layer):
    """x [N, Cin] -> x W (+ b) [N, Cout]. The bias starts from Xavier's range as well, not from zero (released code).

    Several inputs, as a list, count as one that has all of their columns; they are never copied together.
    """

    def __init__(self, units: int, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.use_bias = units, use_bias

    def build(self, shape):
        shapes = shape if isinstance(shape, list) else [shape]
        rows, columns = self.units, sum(s[-1] for s in shapes)
        self.kernel = self.add_weight(
            name="kernel", shape=(columns, rows), initializer=stored_xavier(rows, columns), trainable=True
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(rows,), initializer=stored_xavier(rows, 1), trainable=True)

    def call(self, x):
        parts = list(x) if isinstance(x, list | tuple) else [x]
        kernel = tf.convert_to_tensor(self.kernel)
        y = ops.linear(parts, kernel)
        return y if self.bias is None else tf.nn.bias_add(y, tf.convert_to_tensor(self.bias))


class Unit(Composite):
    """One "1x1 convolution": linear without bias, batch normalization, activation. [N, Cin] -> [N, units]."""

    def __init__(self, units: int, activation_name: str = "leaky_relu", **kwargs):
        super().__init__(**kwargs)
        self.linear = Linear(units, name="linear")
        self.norm = BatchNorm(activation_name, name="norm")

    def call(self, x, shortcut=None, training=False):
        """x [N, Cin], or a list of inputs side by side; `shortcut` [N, units] is added before the activation."""
        return self.norm(self.linear(x), shortcut, training=training)

"""Layers every network of the package is made of: initializer, batch normalization, dense unit.

The constants are those of the paper's released program: see `BatchNorm` and `stored_xavier`.
"""

import math

import keras
import tensorflow as tf

EPSILON = 1e-3
DECAY = 0.99
LEAKY_SLOPE = 0.1

_ACTIVATIONS = {
    "relu": tf.nn.relu,
    "leaky_relu": lambda x: tf.nn.leaky_relu(x, LEAKY_SLOPE),
    "linear": tf.identity,
}


def activation(name: str):
    """The activation function called `name`; ValueError naming the known ones otherwise."""
    if name not in _ACTIVATIONS:
        raise ValueError(f"activation={name!r} is unknown; choose one of {sorted(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


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
    """Batch normalization of the rows of a [M, C] tensor, with the statistics TF1 kept.

    Normalizes with the biased variance of the batch and accumulates the unbiased one (M / (M - 1)) in the moving
    statistic, as TF1's fused kernel does; Keras 3 accumulates the biased one. Running on the [1, M, 1, C] view of the
    fused kernel also takes half the time of Keras' own layer on a CPU.
    """

    def build(self, shape):
        channels = shape[-1]

        def weight(name, value, trainable):
            init = keras.initializers.Constant(value)
            return self.add_weight(name=name, shape=(channels,), initializer=init, trainable=trainable)

        self.gamma = weight("gamma", 1.0, True)
        self.beta = weight("beta", 0.0, True)
        self.moving_mean = weight("moving_mean", 0.0, False)
        self.moving_variance = weight("moving_variance", 1.0, False)

    def call(self, x, training=False):
        """[M, C] -> [M, C]; `training` chooses batch or moving statistics."""
        known = () if training else (self.moving_mean, self.moving_variance)
        mean, variance = map(tf.convert_to_tensor, known or ([], []))
        y, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(x, [1, -1, 1, x.shape[-1]]),  # a slice would cost a copy in the backward pass
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=mean,
            variance=variance,
            epsilon=EPSILON,
            is_training=bool(training),
        )
        if training:
            self._accumulate(self.moving_mean, batch_mean)
            self._accumulate(self.moving_variance, batch_variance)
        return tf.reshape(y, tf.shape(x))

    def _accumulate(self, moving, batch):
        moving.assign(moving * DECAY + batch * (1.0 - DECAY))


class Linear(keras.layers.Layer):
    """x [N, Cin] -> x W (+ b) [N, Cout]. The bias starts from Xavier's range as well, not from zero (released code)."""

    def __init__(self, units: int, use_bias: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.use_bias = units, use_bias

    def build(self, shape):
        rows, columns = self.units, shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(columns, rows), initializer=stored_xavier(rows, columns), trainable=True
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(rows,), initializer=stored_xavier(rows, 1), trainable=True)

    def call(self, x):
        y = tf.linalg.matmul(x, tf.convert_to_tensor(self.kernel))
        return y if self.bias is None else tf.nn.bias_add(y, tf.convert_to_tensor(self.bias))


class Unit(Composite):
    """One "1x1 convolution": linear without bias, batch normalization, activation. [N, Cin] -> [N, units]."""

    def __init__(self, units: int, activation_name: str = "leaky_relu", **kwargs):
        super().__init__(**kwargs)
        self.linear = Linear(units, name="linear")
        self.norm = BatchNorm(name="norm")
        self.activate = activation(activation_name)

    def call(self, x, training=False):
        return self.activate(self.norm(self.linear(x), training=training))

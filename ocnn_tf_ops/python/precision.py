"""Types beside features: half precision (float16, bfloat16) is for features and their weights, sums are wider."""

import tensorflow as tf

HALF_TYPES = (tf.float16, tf.bfloat16)


def wide_type(dtype: tf.DType) -> tf.DType:
    """Of statistics and interpolation weights beside features of `dtype`: float32 beside half ones, else the same."""
    return tf.float32 if dtype in HALF_TYPES else dtype


def full_precision(value):
    """A half tensor as float32; anything else as it is."""
    return tf.cast(value, tf.float32) if getattr(value, "dtype", None) in HALF_TYPES else value

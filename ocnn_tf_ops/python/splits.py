"""Row splits, which cut the rows of a batch into its shapes: int32 or, as tf.RaggedTensor has them, int64."""

import tensorflow as tf


def int32_splits(row_splits: tf.Tensor) -> tf.Tensor:
    """Row splits [B + 1] as the ops take them; int64 ones beyond int32 become its ends, which no op accepts."""
    row_splits = tf.convert_to_tensor(row_splits, dtype_hint=tf.int32)
    return tf.saturate_cast(row_splits, tf.int32) if row_splits.dtype == tf.int64 else row_splits

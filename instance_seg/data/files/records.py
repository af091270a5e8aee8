"""TFRecord files of tf.train.Example: written whole or not at all, and read with errors that name file and record.

Every record carries a CRC-32C of its bytes, so that damage is found wherever it is. What a file cannot know is how many
records it once had: `read_examples` wants to be told. TensorFlow is imported on first use: it takes seconds to load,
and who merely looks which files a folder has can do without.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from instance_seg.files import replacing

Value = bytes | np.ndarray | list[int]  # one string of bytes, or whole numbers [K]


class Example:
    """One record; its fields are looked up by name."""

    def __init__(self, where: str, features: Mapping[str, Any]):
        self.where = where  # what to call the record in an error
        self._features = features

    def bytes(self, name: str) -> bytes:
        """A field that is one string of bytes. Raises ValueError naming record and field if it is not."""
        values = self._field(name, "bytes_list")
        if len(values) != 1:
            raise ValueError(f"{self.where}: {name!r} has {len(values)} strings, expected 1")
        return values[0]

    def text(self, name: str) -> str:
        """A field that is one string of text. Raises ValueError naming record and field if it is not."""
        try:
            return self.bytes(name).decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.where}: {name!r} is no text ({error})") from error

    def integers(self, name: str) -> np.ndarray:
        """A field of whole numbers, [K] int64. Raises ValueError naming record and field if it is not."""
        return np.array(self._field(name, "int64_list"), np.int64)

    def _field(self, name: str, kind: str):
        if name not in self._features or self._features[name].WhichOneof("kind") != kind:
            raise ValueError(f"{self.where} has no {name!r} of kind {kind}; it has {sorted(self._features)}")
        return getattr(self._features[name], kind).value


def write_examples(path: str | os.PathLike, examples: Iterable[Mapping[str, Value]], compression: str = "") -> int:
    """Writes one record for each mapping of names to values and returns how many.

    `compression`: "", "GZIP" or "ZLIB".
    """
    import tensorflow as tf

    def feature(value: Value) -> tf.train.Feature:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=np.asarray(value, np.int64).ravel()))

    written = 0
    with replacing(path) as temporary:
        with tf.io.TFRecordWriter(str(temporary), compression) as writer:
            for example in examples:
                features = tf.train.Features(feature={name: feature(value) for name, value in example.items()})
                writer.write(tf.train.Example(features=features).SerializeToString(deterministic=True))
                written += 1
    return written


def read_examples(path: str | os.PathLike, count: int, compression: str = "") -> Iterator[Example]:
    """Reads all records of a file.

    Args:
        count: how many there must be.
        compression: as it was written with.

    Raises:
        ValueError: naming the file, and the record: it is missing, damaged, cut, or has another number of records.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    path, row = Path(path), 0
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        for row, record in enumerate(tf.data.TFRecordDataset(str(path), compression, buffer_size=1 << 20), start=1):
            where = f"{path}: record {row - 1}"
            if row > count:
                raise ValueError(f"{path}: has more than the {count} records that it should have")
            try:
                features = tf.train.Example.FromString(record.numpy()).features.feature
            except DecodeError as error:
                raise ValueError(f"{where} is no tf.train.Example") from error
            yield Example(where, features)
    except tf.errors.OpError as error:
        reason = error.message.rpartition("}} ")[2].partition("\n")[0]
        raise ValueError(f"{path}: damaged or cut at record {row} ({reason}); copy the file again") from error
    if row != count:
        raise ValueError(f"{path}: ends after {row} of {count} records; the file is cut, copy it again")

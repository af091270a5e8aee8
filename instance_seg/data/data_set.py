"""What trainer, evaluator and predictor know of a data set."""

import contextlib
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from instance_seg.data.augment import STILL, Motion
from instance_seg.options import Settings
from instance_seg.structures import Cloud, Segmented, Task


class DataSet:
    """A data set as its settings describe it; what derives from it is a folder in data/ or a module of a user's own.

    `settings` are of `Settings`.
    """

    Settings: ClassVar[type[Settings]] = Settings
    metrics: ClassVar[tuple[str, ...]] = ()  # what it is measured by, unless --metrics says otherwise
    # Called as prediction_writer(folder, clouds of the split): a context manager whose `append(levels)` keeps what was
    # found in the next cloud, a tuple of Segmented. None: there are no files for it.
    prediction_writer: ClassVar[Callable[[pathlib.Path, Sequence[Cloud]], contextlib.AbstractContextManager] | None] = (
        None
    )
    up: ClassVar[str] = "y"  # the axis of its clouds that points up, for pictures; or "z"
    picture: ClassVar[Mapping[str, Any]] = {}  # how it is drawn: arguments of drawing.pictures.render_panel
    # Of a mesh of one's own as many points are drawn, or its vertices taken (0); more than that are thinned out.
    mesh_points: ClassVar[int] = 10_000
    most_points: ClassVar[int] = 100_000
    augmentation: Any = None  # how training clouds are varied (data.batches.SampleConfig); None: not at all

    def __init__(self, settings: Any):
        self.settings = settings

    def task(self) -> Task:
        """What is learned. ValueError for settings that name nothing."""
        raise NotImplementedError

    def split(self, root: str, name: str, limit: int | None = None) -> Sequence[Cloud]:
        """The clouds of "train", "val" or "test", or the first `limit` of them; `[i]` may read.

        A sequence whose clouds are portions has an attribute `wholes` [W + 1], row splits: which consecutive ones make
        one whole. One whose clouds are samples may have `drawn(i, rng)`, which takes another one for training. Raises
        ValueError if it is not there or malformed; the message names the file.
        """
        raise NotImplementedError

    def pose(self, seed: int, index: int) -> Motion:
        """How the cloud at a place of a split stands in an evaluation."""
        return STILL

    def assembler(
        self, clouds: Sequence[Cloud], reading: Any, conclude: Callable[[tuple[Segmented, ...]], tuple[Segmented, ...]]
    ) -> Callable | None:
        """What puts portions together again (evaluation.evaluate.Assembler); None: nothing to do.

        Args:
            clouds: what `split` or `portions` gave.
            reading: settings of the system's grouping.
            conclude: what remains of the instances of a whole, one Segmented per level.
        """
        return None

    def fingerprint(self, root: str) -> dict[str, str]:
        """What tells one folder of data from another without reading it: split -> a line. {}: unknown."""
        return {}

    def foreign(self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None) -> Cloud:
        """A cloud from anywhere as one of this data set, without labels. ValueError if it cannot be one.

        Args:
            points: [N, 3], any position and scale, y up.
            normals: [N, 3] float32.
            colors: [N, 3] uint8, where they are known.
        """
        return Cloud(np.float32(points), np.float32(normals), (), "")

    def portions(self, cloud: Cloud) -> Sequence[Cloud]:
        """What a network sees of a cloud of `foreign`: portions that `assembler` makes a whole, of all its points."""
        return [cloud]

"""What trainer, evaluator, predictor and benchmark know of a system."""

import pathlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import keras

from instance_seg.backbones import BACKBONES
from instance_seg.data.augment import Motion
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Composite
from instance_seg.options import Settings
from instance_seg.registry import load
from instance_seg.structures import Batch, Cloud, Labels, Points, Segmented, Task


class System(keras.Model):
    """A network with its losses, and how its outputs become instances.

    One file holds a system. Its parts come from backbones, heads, fusion, losses and clustering; it does not inherit
    the forward pass of another system.

    Args:
        settings: of `Settings`; stored whole in every checkpoint.
        task: what it learns.
        initializer: of all weights.
    """

    Settings: ClassVar[type[Settings]] = Settings
    settled_on: ClassVar[str] = ""  # the split that `settle` wants to see; "": none
    backbone: Composite | None = None  # a system may do without
    last_phase: str = ""  # a kind of update that ends a training, while moving statistics rest; "": none
    may_lack: ClassVar[tuple[str, ...]] = ()  # how variables begin that either checkpoint or system may be without
    targets: ClassVar[Any] = None  # what it aims at besides labels (data.batches.Split), e.g. CenterTargets()

    def __init__(self, settings: Any, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.settings, self.task, self.initializer = settings, task, initializer

    def tables(self, cloud: Points, points: Points) -> Any:
        """What the backbone looks up for the labeled `points` of clouds: a nest of tensors, made in the pipeline."""
        return () if self.backbone is None else self.backbone.tables(cloud, points)

    def call(self, points: Points, tables: Any, *, phase: Hashable = "", training: bool = False) -> Any:
        """The outputs, a nest of tensors. `training`: normalize with the statistics of the batch."""
        raise NotImplementedError

    def infer(self, points: Points, tables: Any) -> Any:
        """The outputs for evaluation and prediction, where all points of the clouds are labeled ones."""
        return self(points, tables, training=False)

    def losses(self, outputs: Any, batch: Batch) -> dict[str, Any]:
        """The weighted terms of the loss, scalars by name; the trainer adds them up.

        Among several replicas each term is the replica's share: the sum over replicas is the term of the whole batch.
        """
        raise NotImplementedError

    def phase_losses(self, outputs: Any, batch: Batch, phase: Hashable) -> dict[str, Any]:
        """Terms beside those of `losses` that differ between phases; of the same names in all of them."""
        return {}

    def phase(self, step: int) -> Hashable:
        """What kind of update the one with 0-based index `step` is; each kind is compiled for itself."""
        return ""

    def rate_factors(self) -> list[float]:
        """The learning rate of each trainable variable, in units of the schedule's."""
        return [1.0] * len(self.trainable_variables)

    @classmethod
    def readings(cls, settings: Any) -> Mapping[str, Settings]:
        """The ways in which instances are read off the same outputs: name -> settings, mostly one.

        Args:
            settings: of the system, not always those it was made with: a sweep changes them.
        """
        raise NotImplementedError

    def all_readings(self, settings: Any, folder: pathlib.Path) -> Mapping[str, Settings]:
        """Those of `readings`, and those of values that lie beside the checkpoints in `folder`; the default first.

        Raises ValueError naming the file if the values do not fit the task.
        """
        return self.readings(settings)

    def prepare_readings(
        self, folder: pathlib.Path | None, clouds: Sequence[Cloud], pose: Callable[[int], Motion]
    ) -> None:
        """Before a training: measures values of readings that follow from the training clouds, if it has such.

        Args:
            folder: of the checkpoints, which keeps them; None: another worker sees to that.
            pose: how the cloud at a place stands when it is evaluated.
        """

    def store_learned(self, folder: pathlib.Path) -> None:
        """Before an evaluation on the way: stores values of readings that are learned with the weights, if any are."""

    def readout(self, outputs: Any) -> Any:
        """What `segment` needs of the outputs, computed on the device."""
        return outputs

    def segment(self, readout: Any, points: Points, reading: Settings) -> Sequence[tuple[Segmented, ...]]:
        """The instances of every cloud of a batch at every level (NumPy).

        Args:
            readout: what `readout` gave.
            points: of the batch.
            reading: one of the settings of `readings`, or like them.
        """
        raise NotImplementedError

    def conclude(self, levels: tuple[Segmented, ...], reading: Settings) -> tuple[Segmented, ...]:
        """What is decided of a cloud when all of its portions are put together, on every level."""
        return levels

    def calibrate(self, clouds: Sequence[Cloud]) -> dict[str, Any]:
        """What is measured on the training clouds before the first update: names and values for results and records."""
        return {}

    def settle(self, found: Iterable[tuple[Any, Points, Sequence[Labels]]]) -> None:
        """Sets variables that are measured with trained weights, as thresholds are; each evaluation begins with it.

        Args:
            found: the readout, the points and the labels of every batch of the split `settled_on` (NumPy).
        """


def make_backbone(settings: Any, task: Task, initializer: Initializer, num_decoders: int = 2) -> Composite:
    """The backbone that `settings.backbone` names; of two decoders the semantic one comes first."""
    kind = load(BACKBONES, "backbone", settings.backbone)
    return kind.from_settings(
        settings.backbone_settings,
        num_decoders=num_decoders,
        directions=task.directions,
        initializer=initializer,
        name="backbone",
    )

"""What the comparison methods share: PartNet's PointNet++ with one decoder, on the one level of the task."""

from collections.abc import Mapping

from instance_seg.initializers import RELEASED, Initializer
from instance_seg.options import Settings
from instance_seg.structures import Task
from instance_seg.systems.comparison.settings import SingleLevelSettings
from instance_seg.systems.system import System, make_backbone


class SingleLevel(System):
    """A system with a `backbone` for the only level of its task.

    Raises:
        ValueError: the task has several levels.
    """

    def __init__(self, settings: SingleLevelSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        if len(task.levels) != 1:
            raise ValueError(f"{type(self).__name__} is one network per level: choose a level by --level=1, 2 or 3")
        (self.level,) = task.levels
        self.backbone = make_backbone(settings, task, initializer, num_decoders=1)

    @classmethod
    def readings(cls, settings: SingleLevelSettings) -> Mapping[str, Settings]:
        """The given grouping."""
        return {"instances": settings.grouping}

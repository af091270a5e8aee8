"""Finds the bandwidth and lambda of each class of a run, and keeps them beside its checkpoints.

    python -m instance_seg.calibrate --run=RUN_DIR --data_dir=DIR

The predictions of the network are clustered with every bandwidth and lambda of a grid, as `evaluate` would.
Readings are kept (clustering/by_class.py, across.py), which `evaluate` and `predict --reading` offer from then on:

    paired classes only    the run's own, without a push for classes that never have two instances in a training shape
    from labels            by sizes and distances of the training shapes (tools/measure_dataset.py)
    calibrated by level    the best of the grid for each level
    calibrated             the best of the grid for each class
    across classes         all points of a level together, whatever their classes
    auto                   across classes where they are less certain than on the validation split, else the best there

With --learn=modes or pairs there are three more, whose values go down the gradient of a loss (losses/modes.py):

    learned gaussian       with the kernel that they were learned for, of standard deviation s
    learned flat 2.45 s    with the flat kernel of the same spread, and one as wide as the loss draws its boundary:
    learned flat 1.18 s
"""

import functools
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from absl import app, flags

from instance_seg.building import make_data_set, restore_system
from instance_seg.clustering.across import write_limits
from instance_seg.clustering.by_class import write_readings
from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.spacing import measure_spacing, values_from_labels
from instance_seg.evaluation.calibration import best_values, make_grid
from instance_seg.evaluation.summary import values_table
from instance_seg.evaluator import Evaluator
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.losses.modes import LOSSES
from instance_seg.registry import load
from instance_seg.systems import SYSTEMS
from instance_seg.systems.learned_clustering import learn_values, learned_readings, sample_regions
from instance_seg.systems.system import System
from instance_seg.tables import markdown, percent
from instance_seg.training.checkpoint_files import checkpoint_folder, described_config, run_folder
from instance_seg.training.run_lock import EXIT_CODE, RunIsHeld, holding

# Other programs have flags of these two names, and one process may import several of them.
_RUN = flags.DEFINE_string("run", None, "run folder or checkpoint prefix", required=True, allow_override=True)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "folder of the data set", required=True, allow_override=True)
_SPLIT = flags.DEFINE_enum("split", "train", ["train", "val"], "whose shapes the grid is measured on")
_SHAPES = flags.DEFINE_integer("shapes", 100, "the first so many of them; 0: all", 0, 10**9)
_BANDWIDTHS = flags.DEFINE_list("bandwidths", ["0.05", "0.1", "0.15", "0.2", "0.3", "0.4"], "of the grid")
_PUSHES = flags.DEFINE_list("pushes", ["0", "0.25", "0.5"], "lambda of the grid, in units of the bandwidth")
_ACROSS = flags.DEFINE_float("across_bandwidth", 0.2, "of the reading across classes", 1e-5, 10)
_LEARN = flags.DEFINE_enum("learn", "none", ["none", *LOSSES], "loss that bandwidth and lambda are learned by")
_MEASURE = flags.DEFINE_string("measure", "AP50", "by which clusterings are compared")


class Options(NamedTuple):
    """What is tried on which shapes."""

    split: str = "train"  # or "val": which shapes the grid is measured on
    shapes: int = 100  # the first so many of them; 0: all
    bandwidths: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    pushes: tuple[float, ...] = (0.0, 0.25, 0.5)  # lambda in units of the bandwidth
    measure: str = "AP50"  # by which they are compared
    across: float = 0.2  # bandwidth across classes
    learn: str = "none"  # or one of losses.modes.LOSSES


def calibrate(checkpoint: str, data_dir: str, options: Options) -> str:
    """Writes the readings; returns what was found as Markdown.

    Raises:
        ValueError: no such checkpoint, data or measure, a system that does not cluster shifted points, or a push that
            is not learned.
        RunIsHeld: another process works in the folder of the run.
    """
    folder = run_folder(checkpoint)
    config = described_config(checkpoint, {"data_dir": data_dir, "logdir": str(folder)})
    given = next(iter(load(SYSTEMS, "system", config.system).readings(config.network).values()))
    if not isinstance(given, ClusterConfig):
        raise ValueError(f"--run={checkpoint}: the system {config.system} has no bandwidth and lambda of classes")
    if options.learn != "none" and given.region_push != "unit":
        raise ValueError(
            f"--learn={options.learn} learns the length of a push, which region_push={given.region_push} of the run "
            "cuts; leave it out"
        )
    data_set = make_data_set(config)
    system = restore_system(config, data_set.task(), checkpoint)
    with holding(folder):
        pose = functools.partial(data_set.pose, config.run.seed)
        readings = values_from_labels(measure_spacing(data_set.split(data_dir, "train"), system.task, pose), given)
        clouds = data_set.split(data_dir, options.split, options.shapes or None)
        grid = make_grid(given, options.bandwidths, options.pushes)
        evaluator = Evaluator(config, data_set, system, clouds)
        measured = evaluator.run(grid).readings
        readings |= best_values(grid, measured, system.task, options.measure)
        if options.learn != "none":
            regions = sample_regions(evaluator.readouts(), system.task)
            values = learn_values(regions, system.task, given, LOSSES[options.learn])
            readings |= learned_readings(values, given)
        path = write_readings(checkpoint_folder(checkpoint), readings)
        validation = Evaluator(config, data_set, system, data_set.split(data_dir, "val"))
        within, best = _best_within(validation, {"": given, **readings}, options.measure)
        write_limits(path.parent, system.task, _entropies(system, validation), options.across, within)
    levels = list(next(iter(measured.values()))["levels"])
    rows = [[name, *(percent(of["levels"][k][options.measure]) for k in levels)] for name, of in measured.items()]
    title = f"{options.measure} on {len(clouds)} shapes of the split {options.split}; the first row is the run's own."
    values = values_table({name: each.recorded()["by_class"] for name, each in readings.items()})
    return "\n\n".join([title, markdown(["Clustering", *levels], rows), values, best, str(path)])


def _best_within(validation: Evaluator, readings: Mapping[str, ClusterConfig], measure: str) -> tuple[str, str]:
    """The name of the best reading on the validation split, and a sentence that says so."""
    measured = validation.run(readings).readings
    means = {name: np.mean([level[measure] for level in of["levels"].values()]) for name, of in measured.items()}
    name = max(means, key=means.get)
    told = f"{name or 'the given one'}, {percent(means[name])}"
    return name, f"Best on {len(validation.clouds)} shapes of the split val: {told}."


def _entropies(system: System, validation: Evaluator) -> dict[str, list[float]]:
    """The mean entropy of every cloud of a split at each level that is scored."""
    found = defaultdict(list)
    for readout, points, _ in validation.readouts():
        for level, of_batch in system.entropies(readout, points).items():
            found[level] += of_batch
    return found


@ending_at_signals("stopped; nothing is written, and the same command starts again")
def main(argv: list[str]) -> None:
    """Calibrates the run that the flags name."""
    refuse_arguments(argv)
    try:
        bandwidths, pushes = (tuple(map(float, flag.value)) for flag in (_BANDWIDTHS, _PUSHES))
        options = Options(_SPLIT.value, _SHAPES.value, bandwidths, pushes, _MEASURE.value, _ACROSS.value, _LEARN.value)
        print(calibrate(_RUN.value, _DATA_DIR.value, options))
    except RunIsHeld as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    app.run(main)

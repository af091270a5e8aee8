"""Trains and evaluates one category.

    python -m instance_seg.train --preset=demo --category=Chair --data_dir=DIR --logdir=DIR
    python -m instance_seg.train --category=Chair --describe

The same command continues an interrupted run.
"""

import sys

from absl import app, flags

from instance_seg.allocator import keep_freed_memory
from instance_seg.building import build_system, make_data_set
from instance_seg.describe import describe
from instance_seg.experiment import train
from instance_seg.flags import config_from_flags, define_flags, refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.training.run_lock import EXIT_CODE, RunIsHeld
from instance_seg.training.strategy import WorkerLost
from instance_seg.training.trainer import LossIsNotFinite

_DESCRIBE = flags.DEFINE_boolean(
    "describe", False, "print the network's layers, shapes and parameter counts, and leave"
)


@ending_at_signals("stopped at once; the same command continues from the last checkpoint")
def main(argv: list[str]) -> None:
    """Trains and evaluates what the flags name, or describes its network."""
    refuse_arguments(argv)
    keep_freed_memory()
    try:
        config = config_from_flags()
        if _DESCRIBE.value:
            print(describe(build_system(config, make_data_set(config).task())))
            return
        sys.exit(train(config))
    except RunIsHeld as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    except (ValueError, OSError, LossIsNotFinite, WorkerLost) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    define_flags()
    app.run(main)

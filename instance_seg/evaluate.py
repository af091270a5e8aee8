"""Evaluates a checkpoint on the test split: results.json, table.md and PartNet's prediction files.

python -m instance_seg.evaluate --preset=demo --category=Chair --data_dir=DIR --logdir=DIR [--ckpt=PREFIX]
"""

import sys

from absl import app

from instance_seg.flags import config_from_flags, define_flags
from instance_seg.training.experiment import evaluate


def main(_) -> None:
    try:
        evaluate(config_from_flags())
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    define_flags()
    app.run(main)

"""Turns a TF1 checkpoint of the paper's released program into a run's folder of this one.

    python tools/import_tf1_checkpoint.py path/to/iter100000.ckpt --category=Chair --logdir=DIR
    python -m instance_seg.evaluate --preset=released --category=Chair --data_dir=... --logdir=DIR

CKPT is the name without .index. Nothing is written unless the checkpoint holds exactly the variables of the category's
network.
"""

import sys

from absl import app, flags

from instance_seg.building import build_system, make_data_set
from instance_seg.presets import load_config
from instance_seg.released.tf1_import import Imported, import_tf1_checkpoint
from instance_seg.run_files import writable_folder
from instance_seg.training.checkpoint import Checkpoints, Progress, describe_system
from instance_seg.training.optimizers import Momentum

PRESET = "released"

FLAGS = flags.FLAGS


def define_flags() -> None:
    """The two flags of this tool."""
    flags.DEFINE_string("category", "Chair", "PartNet category the checkpoint was trained for")
    flags.DEFINE_string("logdir", None, "folder of the run; its checkpoints/ must hold no checkpoint yet")


def convert(prefix: str, category: str, logdir: str) -> Imported:
    """Imports the TF1 checkpoint `prefix` and saves it to `logdir`/checkpoints.

    Raises:
        ValueError: unknown category, a checkpoint that does not fit, or a folder that holds a checkpoint already.
    """
    config = load_config(PRESET, {"category": category})
    task = make_data_set(config).task()
    folder = writable_folder(logdir) / "checkpoints"
    if list(folder.glob("*.index")):
        raise ValueError(f"--logdir={logdir}: {folder} holds checkpoints already; name an empty folder")
    network = build_system(config, task)
    taken = import_tf1_checkpoint(prefix, network)
    optimizer = Momentum([v.value for v in network.trainable_variables], config.schedule.momentum)
    description = describe_system(config, task)
    saved = Checkpoints(folder, network, optimizer, description).save(Progress(taken.step, 0.0))
    print(
        f"{taken.variables} variables, {taken.numbers:,} numbers taken from {prefix} (iteration {taken.step}); "
        f"{taken.ignored} others passed over\nwritten to {saved}; use --preset={PRESET} to evaluate it"
    )
    return taken


def main(argv: list[str]) -> None:
    if len(argv) != 2:
        raise app.UsageError("expected one argument, the TF1 checkpoint without .index")
    if not FLAGS.logdir:
        raise app.UsageError("--logdir is needed: the folder of the run to make")
    try:
        convert(argv[1], FLAGS.category, FLAGS.logdir)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    define_flags()
    app.run(main)

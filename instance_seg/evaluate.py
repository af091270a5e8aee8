"""Evaluates a checkpoint on the test split: results.json, table.md and the data set's prediction files.

    python -m instance_seg.evaluate --preset=demo --category=Chair --data_dir=DIR --logdir=DIR [--ckpt=PREFIX]

Or clusters the same predictions in other ways, as the paper's Table 5 does, into DIR/sweep/<setting>_<value>:

    python -m instance_seg.evaluate --preset=demo --category=Chair --data_dir=DIR --logdir=DIR --sweep=bandwidth=0.05

Or scores prediction files, by this or any other program, with PartNet's or ScanNet's official measure:

    python -m instance_seg.evaluate --predictions=DIR --ground_truth=DIR

Or by the class-agnostic protocol, of PartNet's files or of labels of points or faces (instance_seg.score_parts):

    python -m instance_seg.evaluate --predictions=DIR --ground_truth=DIR --protocol=class_agnostic
"""

import sys

from absl import app, flags

from instance_seg.allocator import keep_freed_memory
from instance_seg.config import Config
from instance_seg.experiment import evaluate, sweep
from instance_seg.flags import config_from_flags, define_flags, refuse_arguments
from instance_seg.interrupt import ending_at_signals
from instance_seg.score_files import score_predictions, score_table
from instance_seg.score_parts import parts_table, score_parts
from instance_seg.score_scannet import is_submission, score_submission, submission_table
from instance_seg.training.run_lock import EXIT_CODE, RunIsHeld

_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "folder of PartNet's <Category>-<level>/test-NN.h5 or ScanNet's <scene>.txt"
)
_GROUND_TRUTH = flags.DEFINE_string(
    "ground_truth", None, "PartNet's ins_seg_h5_gt or ScanNet's <scene>.txt, or the data set"
)
_PROTOCOL = flags.DEFINE_enum(
    "protocol",
    "official",
    ["official", "class_agnostic"],
    "of predictions in files: the benchmark's measure, or mean IoU of true parts with their best proposals",
)
_OVERLAPPING = flags.DEFINE_bool("overlapping_masks", False, "masks of ScanNet's files may share vertices")
_SWEEP = flags.DEFINE_multi_string("sweep", [], "SETTING=VALUE of the clustering; may be given again and again")


def score(predictions: str, ground_truth: str, config: Config) -> str:
    """The table of the measures of prediction files."""
    if _PROTOCOL.value == "class_agnostic":
        return parts_table(score_parts(predictions, ground_truth))
    if is_submission(predictions):
        return submission_table(score_submission(predictions, ground_truth, config.data.test_split, _OVERLAPPING.value))
    arithmetic = config.metric.ap_arithmetic
    return score_table(score_predictions(predictions, ground_truth, arithmetic), arithmetic)


@ending_at_signals("stopped; what was not finished is not written, and the same command starts again")
def main(argv: list[str]) -> None:
    """Evaluates what the flags name: a network, or predictions in files."""
    refuse_arguments(argv)
    keep_freed_memory()
    try:
        if (_PREDICTIONS.value is None) != (_GROUND_TRUTH.value is None):
            raise ValueError("--predictions and --ground_truth go together")
        if _PREDICTIONS.value is not None:
            print(score(_PREDICTIONS.value, _GROUND_TRUTH.value, config_from_flags()))
            return
        if _SWEEP.value:
            sweep(config_from_flags(), _SWEEP.value)
        else:
            evaluate(config_from_flags())
    except RunIsHeld as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_CODE)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    define_flags()
    app.run(main)

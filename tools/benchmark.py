"""Times the parts of the program, as the best of several runs, with the median beside it.

    python tools/benchmark.py --suite=octree,conv,step --shapes=shapes.npz --batch=4 --depth=6 --runs=6 --json=out.json

    octree    octrees with neighbors
    conv      every differing layer with weights, forward and with its gradients
    step      the network's forward pass and training step, and the memory they need
    fusion    inference with the paper's fusion and without
    pipeline  shapes a second from augmentation to octrees
    cluster   mean-shift, ours and scikit-learn's
    metrics   clustering and measuring of test shapes
    sparse    a sparse U-Net on the scan --room, and the components of its points
    blocks    S3DIS' networks on blocks of the scan --room, and the merging of a room of a million points
    scannet_ap  ScanNet's average precision of 20 and of 312 scans like --room
    scale     10,000 to a million points, depth 6 to 9: time and memory per octant, every case in a fresh process

The counted operations stand beside the rate of TensorFlow's matrix product, measured in the same run. --peer runs
another program that takes --shapes, --batch, --depth and --runs and prints a line of JSON, in turn with ours, in place
of the suites octree and step.
"""

import csv
import json
import sys
from pathlib import Path

from absl import app, flags
from tabulate import tabulate

from instance_seg.allocator import keep_freed_memory
from instance_seg.benchmark import blocks, evaluation, growth, peer, rooms, suites
from instance_seg.benchmark.timing import CLOCKS, Row
from instance_seg.benchmark.workload import read_shapes
from instance_seg.files import replacing, write_json
from instance_seg.flags import refuse_arguments
from instance_seg.interrupt import ending_at_signals

SUITES = {
    "octree": suites.octree,
    "conv": suites.conv,
    "step": suites.step,
    "fusion": suites.fusion,
    "pipeline": suites.pipeline,
    "cluster": evaluation.cluster,
    "metrics": evaluation.metrics,
    "scale": growth.scale,
    "sparse": rooms.sparse,
    "blocks": blocks.blocks,
    "scannet_ap": evaluation.scannet_ap,
}
OF_ROOMS = {"sparse", "blocks", "scannet_ap"}


FLAGS = flags.FLAGS
flags.DEFINE_list("suite", ["octree", "step"], "suites, separated by commas, or all")
flags.DEFINE_string("shapes", None, ".npz file with points and normals [B, N, 3]", required=True)
flags.DEFINE_string("room", "", "suites sparse, blocks and scannet_ap: .npz file with xyz, rgb, semantic and instance")
flags.DEFINE_integer("batch", 4, "shapes in a batch", lower_bound=1)
flags.DEFINE_integer("depth", 6, "depth of the octrees", lower_bound=1)
flags.DEFINE_integer("runs", 6, "runs of everything", lower_bound=1)
flags.DEFINE_string("preset", "paper", "settings of the network")
flags.DEFINE_enum("clock", "wall", list(CLOCKS), "cpu: processor time, on a machine that is busy")
flags.DEFINE_integer("threads", 0, "threads of TensorFlow; 0: one a core", lower_bound=0)
flags.DEFINE_string("json", "", "file for the results")
flags.DEFINE_string("csv", "", "file for the rows, sizes included")
flags.DEFINE_list("peer", [], "PYTHON,SCRIPT: another program on the same work")
flags.DEFINE_integer("turns", 2, "turns with the peer", lower_bound=1)
flags.DEFINE_bool("line", False, "print one line of JSON only")


def chosen_suites() -> list[str]:
    """The suites of --suite. ValueError for an unknown one, and for one of rooms without --room."""
    names = [name for name in SUITES if FLAGS.room or name not in OF_ROOMS] if FLAGS.suite == ["all"] else FLAGS.suite
    for name in names:
        if name not in SUITES:
            raise ValueError(f"--suite: {name!r} is unknown; choose from {', '.join(SUITES)}")
    if not FLAGS.room and (lacking := [name for name in names if name in OF_ROOMS]):
        raise ValueError(f"--suite={lacking[0]} needs --room")
    return names


def run_suites(names: list[str]) -> list[Row]:
    """The rows of these suites."""
    if FLAGS.threads:
        import tensorflow as tf  # not before our package, which turns its notes off

        tf.config.threading.set_intra_op_parallelism_threads(FLAGS.threads)
    shapes = read_shapes(FLAGS.shapes)
    if len(shapes.points) < FLAGS.batch:
        raise ValueError(f"--batch={FLAGS.batch}: {FLAGS.shapes} has {len(shapes.points)} shapes")
    settings = suites.Settings(
        shapes, FLAGS.batch, FLAGS.depth, FLAGS.runs, FLAGS.preset, FLAGS.clock, FLAGS.threads, FLAGS.room
    )
    return [row for name in names for row in SUITES[name](settings)]


def run_in_turn() -> list[Row]:
    """The rows of the comparison with the peer, which are about the suites `peer.SUITES`."""
    if len(FLAGS.peer) != 2:
        raise ValueError("--peer: want PYTHON,SCRIPT, the peer's interpreter and its program")
    work = (FLAGS.shapes, FLAGS.batch, FLAGS.depth, FLAGS.runs)
    rows = peer.compare(peer.our_side(*work, FLAGS.preset), peer.peer_side(*FLAGS.peer, *work), FLAGS.turns)
    points = read_shapes(FLAGS.shapes).points.shape[1]
    sizes = f"batch {FLAGS.batch}, depth {FLAGS.depth}, {points} points, wall time, {FLAGS.turns} turns"
    return [row._replace(sizes=sizes) for row in rows]


def run() -> list[Row]:
    """All rows asked for: beside a peer, those suites that it has no counterpart to run by themselves."""
    names = chosen_suites()
    if not FLAGS.peer:
        return run_suites(names)
    return run_in_turn() + run_suites([name for name in names if name not in peer.SUITES])


def summary(rows: list[Row]) -> dict:
    """Figures by name, medians as NAME_median."""
    return {r.name: round(r.value, 4) for r in rows} | {f"{r.name}_median": round(r.median, 4) for r in rows}


def write_csv(path: str, rows: list[Row]) -> None:
    """One line a row."""
    with replacing(path) as temporary, Path(temporary).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows([f"{x:.6g}" if isinstance(x, float) else x for x in row] for row in rows)


@ending_at_signals("stopped; nothing is written")
def main(argv: list[str]) -> None:
    """Runs what the flags ask for and prints it."""
    refuse_arguments(argv)
    keep_freed_memory()  # as the trainer does
    try:
        rows = run()
    except (ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    if FLAGS.line:
        print(json.dumps(summary(rows)))
    else:
        print(tabulate(rows, Row._fields, floatfmt=".4g"))
    if FLAGS.json:
        write_json(FLAGS.json, {"results": summary(rows), "rows": [r._asdict() for r in rows]}, indent=1)
    if FLAGS.csv:
        write_csv(FLAGS.csv, rows)


if __name__ == "__main__":
    app.run(main)

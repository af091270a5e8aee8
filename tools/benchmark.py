"""Times the parts of the program, as the best of several runs, with the median beside it.

    python tools/benchmark.py --suite=octree,conv,step --shapes=shapes.npz --batch=4 --depth=6 --runs=6 --json=out.json

    octree    octrees with neighbors
    conv      every differing layer with weights, forward and with its gradients
    linear    linear layers on several inputs: ways to multiply them
    step      the network's forward pass and training step, and the memory they need
    fusion    inference with the paper's fusion and without
    pipeline  shapes a second from augmentation to octrees
    cluster   mean-shift, ours and scikit-learn's
    metrics   clustering and measuring of test shapes
    sparse    a sparse U-Net on the scan --room, and the components of its points
    scale     10,000 to a million points, depth 6 to 9: time and memory per octant, every case in a fresh process

The counted operations stand beside the rate of TensorFlow's matrix product, measured in the same run. --peer runs
another program that takes --shapes, --batch, --depth and --runs and prints a line of JSON, in turn with ours, in place
of the suites octree and step.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

from tabulate import tabulate

from instance_seg.benchmark import evaluation, growth, peer, rooms, suites
from instance_seg.benchmark.timing import CLOCKS, Row
from instance_seg.benchmark.workload import read_shapes
from instance_seg.files import replacing, write_json
from instance_seg.interrupt import ending_at_signals

SUITES = {
    "octree": suites.octree,
    "conv": suites.conv,
    "linear": suites.linear,
    "step": suites.step,
    "fusion": suites.fusion,
    "pipeline": suites.pipeline,
    "cluster": evaluation.cluster,
    "metrics": evaluation.metrics,
    "scale": growth.scale,
    "sparse": rooms.sparse,
}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The flags; unknown suites and sizes out of range end the program with a message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="octree,step", help="suites, separated by commas, or all")
    parser.add_argument("--shapes", required=True, help=".npz file with points and normals [B, N, 3]")
    parser.add_argument("--room", default="", help="suite sparse: .npz file with xyz, rgb, semantic and instance")
    parser.add_argument("--batch", type=int, default=4, help="shapes in a batch")
    parser.add_argument("--depth", type=int, default=6, help="depth of the octrees")
    parser.add_argument("--runs", type=int, default=6, help="runs of everything")
    parser.add_argument("--preset", default="paper", help="settings of the network")
    parser.add_argument(
        "--clock", default="wall", choices=CLOCKS, help="cpu: processor time, on a machine that is busy"
    )
    parser.add_argument("--threads", type=int, default=0, help="threads of TensorFlow; 0: one a core")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--csv", help="file for the rows, sizes included")
    parser.add_argument("--peer", nargs=2, metavar=("PYTHON", "SCRIPT"), help="another program on the same work")
    parser.add_argument("--turns", type=int, default=2, help="turns with the peer")
    parser.add_argument("--line", action="store_true", help="print one line of JSON only")
    arguments = parser.parse_args(argv)
    every = [name for name in SUITES if arguments.room or name != "sparse"]
    arguments.suite = every if arguments.suite == "all" else arguments.suite.split(",")
    unknown = [name for name in arguments.suite if name not in SUITES]
    if unknown:
        parser.error(f"--suite: {unknown[0]!r} is unknown; choose from {', '.join(SUITES)}")
    if "sparse" in arguments.suite and not arguments.room:
        parser.error("--suite=sparse needs --room")
    for name in ("batch", "depth", "runs", "turns"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name}={getattr(arguments, name)} must be at least 1")
    return arguments


def run_suites(arguments: argparse.Namespace) -> list[Row]:
    """The rows of the suites asked for."""
    if arguments.threads:
        import tensorflow as tf  # not before our package, which turns its notes off

        tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    shapes = read_shapes(arguments.shapes)
    if len(shapes.points) < arguments.batch:
        raise ValueError(f"--batch={arguments.batch}: {arguments.shapes} has {len(shapes.points)} shapes")
    a = arguments
    settings = suites.Settings(shapes, a.batch, a.depth, a.runs, a.preset, a.clock, a.threads, a.room)
    return [row for name in arguments.suite for row in SUITES[name](settings)]


def run_in_turn(arguments: argparse.Namespace) -> list[Row]:
    """The rows of the comparison with the peer, which are about the suites `peer.SUITES`."""
    a = arguments
    work = (a.shapes, a.batch, a.depth, a.runs)
    rows = peer.compare(peer.our_side(*work, a.preset), peer.peer_side(*a.peer, *work), a.turns)
    points = read_shapes(a.shapes).points.shape[1]
    sizes = f"batch {a.batch}, depth {a.depth}, {points} points, wall time, {a.turns} turns"
    return [row._replace(sizes=sizes) for row in rows]


def run(arguments: argparse.Namespace) -> list[Row]:
    """All rows asked for: beside a peer, those suites that it has no counterpart to run by themselves."""
    if not arguments.peer:
        return run_suites(arguments)
    arguments.suite = [name for name in arguments.suite if name not in peer.SUITES]
    return run_in_turn(arguments) + run_suites(arguments)


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
def main(argv: list[str] | None = None) -> None:
    """Runs what the flags ask for and prints it."""
    arguments = parse_arguments(argv)
    try:
        rows = run(arguments)
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))
    if arguments.line:
        print(json.dumps(summary(rows)))
    else:
        print(tabulate(rows, Row._fields, floatfmt=".4g"))
    if arguments.json:
        write_json(arguments.json, {"results": summary(rows), "rows": [r._asdict() for r in rows]}, indent=1)
    if arguments.csv:
        write_csv(arguments.csv, rows)


if __name__ == "__main__":
    main()

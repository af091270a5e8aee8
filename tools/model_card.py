"""Writes the model card of a network that comes along: what it was trained on, what it reaches, where it ends.

    python tools/model_card.py --run=RUN --output=instance_seg/weights/Chair

The card, README.md, is made of RUN/results.json alone.
"""

import pathlib
import sys

from absl import app, flags

from instance_seg.evaluation.results import FILE_NAME, read_results
from instance_seg.flags import refuse_arguments
from instance_seg.procedural.grammars.sturdy import STURDY
from instance_seg.tables import capitalized, markdown, percent, write_text

FLAGS = flags.FLAGS
flags.DEFINE_string("run", None, "folder of the run", required=True)
flags.DEFINE_string("output", None, "folder with the weights", required=True)

SHAPES = """# {subset}: parts on three levels

The network of the preset `{preset}`, {parameters:,} parameters in half precision, {iterations} iterations in
{minutes:.0f} minutes of wall time; `bash experiments/weights.sh --categories={subset}` makes it again.

**Data.** Procedural shapes with PartNet's labels{styles}; no scan and no artist's model. In
training they are warped, unevenly sampled and of rough normals.

**Measures**, percent, on {clouds} held-out procedural shapes, by every reading of the outputs. `auto` is what `predict`
takes; `unlike` is how many of the shapes it finds unlike those of the training. `_any`: whatever the class.

{table}

**Limits.** It knows the parts of these shapes and no others. y must point up, and the front to z.
{real}
Where its classes are uncertain it says so, and looks for parts across classes.
"""
STURDY_STYLES = ", 40 % of them of the sturdy styles"
TRIED = "On real furniture (`bash experiments/real_shapes.sh`) it finds some parts and misses others."
UNTRIED = "It was tried on no real shape."
ROOMS = """# Rooms: the objects of scans

The network `{variant}` of the preset `{preset}`, {parameters:,} parameters in half precision, {iterations}
iterations in {minutes:.0f} minutes of wall time; `bash experiments/weights.sh --categories=Rooms` makes it again.

**Data.** Procedural rooms with ScanNet's classes, vertices 6 cm apart, half of them with a ceiling; no scan. In
training half of them are gray, as scans without colors are.

**Measures** of ScanNet, percent, on {clouds} held-out procedural rooms.

{table}

**Limits.** It knows the objects of these rooms and no others. Coordinates are meters. `bash experiments/real_rooms.sh`
tells what it finds of five rooms that people scanned with a headset: floors and walls, and pieces of furniture
whose classes it often mistakes; nothing flat, such as doors and pictures.
"""
CARDS = {  # of a task: the text, and the measures of its table
    "partnet": (SHAPES, ("AP50", "mIoU", "AP50_any", "mIoU_any", "unlike")),
    "scannet": (ROOMS, ("AP", "AP50", "AP25", "mIoU")),
}


def card(results: dict) -> str:
    """The text of the card."""
    run, rows = results["run"], []
    text, measures = CARDS[run["task"]]
    for name, reading in results["readings"].items():
        levels = reading["levels"] if name == list(results["readings"])[-1] else {}
        for level, entry in [*levels.items(), ("mean", reading["mean"])]:
            rows.append([name, capitalized(level), *(percent(entry.get(measure)) for measure in measures)])
    table = markdown(["Reading", "Level", *measures], rows, num_names=2)
    # The sturdy styles are those of the categories that there are real pieces of (real_pieces.py).
    styles, real = (STURDY_STYLES, TRIED) if run["subset"] in STURDY else ("", UNTRIED)
    return text.format(**run, minutes=run["seconds"]["train"] / 60, table=table, styles=styles, real=real)


def main(argv: list[str]) -> None:
    """Writes the card of the run that the flags name."""
    refuse_arguments(argv)
    try:
        results = read_results(pathlib.Path(FLAGS.run) / FILE_NAME)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
    write_text(pathlib.Path(FLAGS.output) / "README.md", card(results))


if __name__ == "__main__":
    app.run(main)

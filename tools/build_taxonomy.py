"""Makes instance_seg/data/partnet/taxonomies/*.yaml from the label lists of PartNet.

    python tools/build_taxonomy.py path/to/after_merging_label_ids

PartNet's folder holds one file `<Category>-level-<k>.txt` per category and level, one line `id full/part/name type`
per class. The order of the lines is the order of the classes. `<Category>.txt` lists every name that a part tree may
have, also of parts that no level makes a class.
"""

import os
from pathlib import Path

import yaml
from absl import app, flags

NUM_LEVELS = 3
HEADER = (
    "# Classes of each level, coarse to fine, in PartNet's order (class 0 = other is implied); null = no such level.\n"
    "# unclassed: further names of PartNet's part trees, which no level lists.\n"
)
DEFAULT_OUT = Path(__file__).resolve().parent.parent / "instance_seg" / "data" / "partnet" / "taxonomies"

FLAGS = flags.FLAGS
flags.DEFINE_string("out", str(DEFAULT_OUT), "Folder of the YAML files.")


def read_names(path: Path) -> list[str] | None:
    """Part names of one label list in the order of its lines, or None when there is no such file.

    Raises:
        ValueError: a line is not `id name type`, or a name stands there twice.
    """
    if not path.exists():
        return None
    names: list[str] = []
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split()
        if len(fields) != 3:
            raise ValueError(f"{path}:{row}: expected `id name type`, found {line!r}")
        if fields[1] in names:
            raise ValueError(f"{path}:{row}: {fields[1]!r} is listed twice")
        names.append(fields[1])
    return names


def build_category(stats_dir: Path, category: str) -> dict:
    """The content of one YAML file: the category, its `NUM_LEVELS` lists of names (None = missing level), the rest."""
    levels = [read_names(stats_dir / f"{category}-level-{number}.txt") for number in range(1, NUM_LEVELS + 1)]
    classed = {name for level in levels if level for name in level}
    unclassed = [name for name in read_names(stats_dir / f"{category}.txt") or () if name not in classed]
    return {"category": category, "levels": levels, "unclassed": unclassed}


def write_category(folder: Path, content: dict) -> Path:
    """Writes one YAML file, complete or not at all, and returns its path."""
    path = folder / f"{content['category']}.yaml"
    temporary = path.with_suffix(".yaml.tmp")
    temporary.write_text(HEADER + yaml.safe_dump(content, sort_keys=False, width=120), encoding="utf-8")
    os.replace(temporary, path)
    return path


def main(argv: list[str]) -> None:
    if len(argv) != 2:
        raise app.UsageError("expected one argument, PartNet's folder after_merging_label_ids")
    stats_dir, out = Path(argv[1]), Path(FLAGS.out)
    lists = sorted(stats_dir.glob("*-level-1.txt"))
    if not lists:
        raise app.UsageError(f"{stats_dir}: no <Category>-level-1.txt there; give PartNet's after_merging_label_ids")
    out.mkdir(parents=True, exist_ok=True)
    for path in lists:
        write_category(out, build_category(stats_dir, path.name.removesuffix("-level-1.txt")))
    print(f"{len(lists)} categories -> {out}")


if __name__ == "__main__":
    app.run(main)

"""The taxonomy against the published class counts and against a plain second version of the prefix rule."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from instance_seg.data.partnet.taxonomy import CATEGORIES, Level, Taxonomy, load_taxonomy

# Classes of each level with class 0; None = PartNet has no such level.
CLASS_COUNTS = {
    "Bag": (4, None, None),
    "Bed": (4, 10, 15),
    "Bottle": (6, None, 9),
    "Bowl": (4, None, None),
    "Chair": (6, 30, 39),
    "Clock": (6, None, 11),
    "Dishwasher": (3, 5, 7),
    "Display": (3, None, 4),
    "Door": (3, 4, 5),
    "Earphone": (6, None, 10),
    "Faucet": (8, None, 12),
    "Hat": (6, None, None),
    "Keyboard": (3, None, None),
    "Knife": (5, None, 10),
    "Lamp": (18, 28, 41),
    "Laptop": (3, None, None),
    "Microwave": (3, 5, 6),
    "Mug": (4, None, None),
    "Refrigerator": (3, 6, 7),
    "Scissors": (3, None, None),
    "StorageFurniture": (7, 19, 24),
    "Table": (11, 42, 51),
    "TrashCan": (5, None, 11),
    "Vase": (4, None, 6),
}


def test_the_categories_and_their_50_levels():
    assert tuple(CLASS_COUNTS) == CATEGORIES
    assert sum(len(load_taxonomy(category).real_levels) for category in CATEGORIES) == 50


@pytest.mark.parametrize("category", CLASS_COUNTS)
def test_class_counts(category):
    taxonomy = load_taxonomy(category)
    counts = CLASS_COUNTS[category]
    assert taxonomy.real_levels == tuple(index for index, count in enumerate(counts) if count)
    borrowed = counts[0]
    for level, count in zip(taxonomy.levels, counts, strict=True):
        borrowed = count or borrowed
        assert level.num_classes == len(set(level.names)) == borrowed
        assert level.names[0] == "other"
    assert taxonomy.num_classes == tuple(level.num_classes for level in taxonomy.levels)


def test_missing_levels_borrow_the_coarser_names():
    bag, vase = load_taxonomy("Bag"), load_taxonomy("Vase")
    assert bag.levels[0].names == bag.levels[1].names == bag.levels[2].names
    assert vase.levels[1].names == vase.levels[0].names != vase.levels[2].names
    assert [level.real for level in vase.levels] == [True, False, True]


def test_names_keep_the_order_of_the_label_lists():
    names = load_taxonomy("Chair").levels[0].names
    assert names == ("other", *(f"chair/chair_{part}" for part in ("head", "back", "arm", "base", "seat")))


def test_class_of():
    level = load_taxonomy("Mug").levels[0]
    assert level.class_of("mug/handle") == 2
    assert [level.class_of(name) for name in ("mug", "other", "", "mug/handle/grip")] == [0, 0, 0, 0]


def parents_by_string_prefix(fine: tuple[str, ...], coarse: tuple[str, ...]) -> list[int]:
    return [0] + [
        next((i for i, parent in enumerate(coarse) if i and (name + "/").startswith(parent + "/")), 0)
        for name in fine[1:]
    ]


@pytest.mark.parametrize("category", CLASS_COUNTS)
def test_parent_map_is_the_prefix_rule(category):
    taxonomy = load_taxonomy(category)
    for fine in range(3):
        for coarse in range(fine + 1):
            parents = taxonomy.parent_map(fine, coarse)
            expected = parents_by_string_prefix(taxonomy.levels[fine].names, taxonomy.levels[coarse].names)
            assert parents.dtype == np.int32 and parents.tolist() == expected
        assert taxonomy.parent_map(fine, fine).tolist() == list(range(taxonomy.num_classes[fine]))


def test_parent_map_compares_whole_components():
    coarse = Level(("other", "a/leg"), real=True)
    fine = Level(("other", "a/leg_set/wheel", "a/leg/foot", "a/leg", "b/leg"), real=True)
    taxonomy = Taxonomy("Made-up", (coarse, fine))
    assert taxonomy.parent_map(1, 0).tolist() == [0, 0, 1, 1, 0]


def test_parts_without_a_coarse_class_map_to_other():
    chair = load_taxonomy("Chair")
    assert chair.parent_map(2, 0)[chair.levels[2].class_of("chair/footrest/chair_seat/seat_surface")] == 0


@pytest.mark.parametrize("typed, meant", [("chair", "Chair"), ("StorageFurnitur", "StorageFurniture"), ("mugs", "Mug")])
def test_unknown_category_names_the_nearest(typed, meant):
    with pytest.raises(ValueError, match=f"{typed}.*'{meant}'"):
        load_taxonomy(typed)


BUILD_TAXONOMY = Path(__file__).resolve().parents[3] / "tools" / "build_taxonomy.py"


def build_taxonomy(stats: Path, out: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(BUILD_TAXONOMY), str(stats), f"--out={out}"]
    return subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=60)


def test_tool_keeps_the_order_of_lines_and_marks_missing_levels(tmp_path):
    (tmp_path / "Cup-level-1.txt").write_text("7 cup/body leaf\n2 cup/handle leaf\n")
    (tmp_path / "Cup-level-3.txt").write_text("2 cup/handle leaf\n9 cup/body/rim leaf\n")
    (tmp_path / "Cup.txt").write_text("1 cup subcomponents\n2 cup/handle leaf\n7 cup/body leaf\n9 cup/body/rim leaf\n")
    out = tmp_path / "out"
    assert build_taxonomy(tmp_path, out).returncode == 0
    content = yaml.safe_load((out / "Cup.yaml").read_text())
    levels = [["cup/body", "cup/handle"], None, ["cup/handle", "cup/body/rim"]]
    assert content == {"category": "Cup", "levels": levels, "unclassed": ["cup"]}
    assert [path.name for path in out.iterdir()] == ["Cup.yaml"]


@pytest.mark.parametrize(
    "text, message", [("1 cup leaf\n2 cup/handle\n", ":2: expected"), ("1 cup leaf\n2 cup leaf\n", "listed twice")]
)
def test_tool_names_the_file_and_row_of_a_bad_line(tmp_path, text, message):
    (tmp_path / "Cup-level-1.txt").write_text(text)
    done = build_taxonomy(tmp_path, tmp_path / "out")
    assert done.returncode != 0 and message in done.stderr and "Cup-level-1.txt" in done.stderr
    assert not list(tmp_path.glob("out/*"))


def test_tool_on_a_folder_without_lists(tmp_path):
    done = build_taxonomy(tmp_path, tmp_path / "out")
    assert done.returncode != 0 and "after_merging_label_ids" in done.stdout + done.stderr


def test_one_level_alone_knows_its_place():
    vase = load_taxonomy("Vase")
    fine = vase.only(2)
    assert (fine.levels, fine.first, fine.real_levels) == (vase.levels[2:], 2, (0,))
    with pytest.raises(ValueError, match="--level=2: Vase has no such level; choose one of 1, 3"):
        vase.only(1)

"""PartNet's part classes: 24 categories, three levels of detail each, and how the levels nest.

The names stand in `taxonomies/<Category>.yaml`, written by `tools/build_taxonomy.py`. 17 categories have no level 2 of
their own and some no level 3: a missing level borrows the classes of the next coarser one, so that a network always
has three levels to train on, and is left out of every evaluation (`Taxonomy.real_levels`).
"""

import difflib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import yaml

FOLDER = Path(__file__).resolve().parent / "taxonomies"
CATEGORIES: tuple[str, ...] = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
LEVEL_NAMES = ("coarse", "middle", "fine")
NUM_LEVELS = len(LEVEL_NAMES)
UNNAMED = ("other", "other_leaf")  # what PartNet's annotators called a part that has no name of its own
OTHER = "other"  # name of class 0: points that no class of the level lists


@dataclass(frozen=True)
class Level:
    """The classes of one level.

    Attributes:
        names: class 0 is "other", then full part names ("chair/chair_back") in PartNet's order.
        real: False where the category has no such level and borrows the coarser one's names.
    """

    names: tuple[str, ...]
    real: bool

    @property
    def num_classes(self) -> int:
        """Number of classes, class 0 included."""
        return len(self.names)

    @cached_property
    def _class_by_name(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names) if index > 0}

    def class_of(self, part_name: str) -> int:
        """Class of the part with exactly this full name, 0 if the level does not list it."""
        return self._class_by_name.get(part_name, 0)


@dataclass(frozen=True)
class Taxonomy:
    """The part classes of one category; `levels` runs from coarse to fine.

    Attributes:
        first: place of levels[0] among the category's levels, for a taxonomy cut down to one level (`only`).
        unclassed: further names that PartNet's part trees have, of parts that no level makes a class.
    """

    category: str
    levels: tuple[Level, ...]
    first: int = 0
    unclassed: tuple[str, ...] = ()

    @cached_property
    def part_names(self) -> frozenset[str]:
        """Every name that PartNet lists for a part of the category."""
        return frozenset(self.unclassed).union(*(level.names[1:] for level in self.levels))

    def knows(self, part_name: str) -> bool:
        """Whether a part of the category may have this name: a listed one, or that of an unnamed part of such a one."""
        parent, _, last = part_name.rpartition("/")
        return part_name in self.part_names or last in UNNAMED and parent in self.part_names

    @property
    def num_classes(self) -> tuple[int, ...]:
        """Number of classes of each level, class 0 included: (6, 30, 39) for Chair."""
        return tuple(level.num_classes for level in self.levels)

    @property
    def real_levels(self) -> tuple[int, ...]:
        """Indices of the levels that the category has of its own: (0, 2) for Vase."""
        return tuple(index for index, level in enumerate(self.levels) if level.real)

    def only(self, index: int) -> "Taxonomy":
        """The taxonomy of one level alone. ValueError if the category does not have it of its own."""
        if index not in self.real_levels:
            existing = ", ".join(str(k + 1) for k in self.real_levels)
            raise ValueError(f"--level={index + 1}: {self.category} has no such level; choose one of {existing}")
        return Taxonomy(self.category, (self.levels[index],), first=index, unclassed=self.unclassed)

    def parent_map(self, fine: int, coarse: int) -> np.ndarray:
        """For each class of level `fine`, the class of level `coarse` that contains it.

        A class belongs to the coarse class whose name equals its own or is a path prefix of it, counted in whole path
        components; to class 0 if there is none.

        Returns:
            [S_fine] int32, entry 0 is 0.
        """
        parents = [0]
        for name in self.levels[fine].names[1:]:
            words = name.split("/")
            prefixes = ("/".join(words[:length]) for length in range(len(words), 0, -1))
            parents.append(next(filter(None, map(self.levels[coarse].class_of, prefixes)), 0))
        return np.array(parents, np.int32)


def check_category(category: str) -> None:
    """Raises ValueError, naming the nearest known category, if there is no category of this name."""
    if category in CATEGORIES:
        return
    by_lower_case = {name.lower(): name for name in CATEGORIES}
    near = difflib.get_close_matches(category.lower(), by_lower_case, n=1, cutoff=0.0)
    suggestion = f"; did you mean {by_lower_case[near[0]]!r}?" if near else ""
    raise ValueError(f"unknown category {category!r}{suggestion} (known: {', '.join(CATEGORIES)})")


@cache
def load_taxonomy(category: str) -> Taxonomy:
    """Reads the classes of one category.

    Raises ValueError if there is no such category; the message names the nearest known one.
    """
    check_category(category)
    path = FOLDER / f"{category}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    listed = content["levels"]
    if len(listed) != NUM_LEVELS or not listed[0]:
        raise ValueError(f"{path}: expected {NUM_LEVELS} levels, the first not null; rerun tools/build_taxonomy.py")
    levels: list[Level] = []
    for names in listed:
        levels.append(Level((OTHER, *names), real=True) if names else Level(levels[-1].names, real=False))
    return Taxonomy(category, tuple(levels), unclassed=tuple(content["unclassed"]))

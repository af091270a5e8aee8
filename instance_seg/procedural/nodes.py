"""The grammar: a shape is a tree of named parts, made by mirroring, turning and repeating leaves with surfaces."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from instance_seg.procedural.frames import MIRROR_X, MIRROR_Z, Frame, Y, shift, turn
from instance_seg.procedural.solids import Solid
from instance_seg.procedural.surfaces import Surface


@dataclass(frozen=True)
class Node:
    """One part: a leaf has surfaces, any other node has children."""

    name: str  # one component of the full part name
    surfaces: Solid = ()
    children: tuple["Node", ...] = ()

    def moved(self, frame: Frame) -> Self:
        """The same part after a rigid motion."""
        surfaces = tuple(surface.moved(frame) for surface in self.surfaces)
        return Node(self.name, surfaces, tuple(child.moved(frame) for child in self.children))


Children = Node | Iterable | None  # parts, possibly in nested lists, or nothing


def node(path: str, *children: Children) -> Node | None:
    """A part made of parts; None if there are none. Of "a/b" the part a holds the part b alone."""
    found = tuple(_flat(children))
    return _nest(path, (), found) if found else None


def leaf(path: str, *solids: Solid) -> Node:
    """A part with a surface of its own, possibly of several bodies; "a/b" as in `node`."""
    return _nest(path, tuple(surface for solid in solids for surface in solid), ())


def _nest(path: str, surfaces: tuple[Surface, ...], children: tuple[Node, ...]) -> Node:
    *outer, name = path.split("/")
    inner = Node(name, surfaces, children)
    for name in reversed(outer):
        inner = Node(name, (), (inner,))
    return inner


def _flat(children: Iterable) -> Iterator[Node]:
    for child in children:
        if isinstance(child, Node):
            yield child
        elif child is not None:
            yield from _flat(child)


def mirrored(*parts: Children, frame: Frame = MIRROR_X) -> list[Node]:
    """The parts and their reflections, left and right unless told otherwise."""
    found = list(_flat(parts))
    return found + [part.moved(frame) for part in found]


def corners(*parts: Children) -> list[Node]:
    """The parts and their reflections left to right and front to back: four of each."""
    return mirrored(mirrored(*parts), frame=MIRROR_Z)


def around(count: int, *parts: Children, start: float = 0.0, axis=Y) -> list[Node]:
    """`count` copies of the parts, spread evenly round an axis through the origin; `start` in degrees."""
    found = list(_flat(parts))
    return [part.moved(turn(axis, start + 360.0 * i / count)) for i in range(count) for part in found]


def at_each(offsets: Iterable, *parts: Children) -> list[Node]:
    """A copy of the parts at each offset (x, y, z)."""
    found = list(_flat(parts))
    return [part.moved(shift(*offset)) for offset in offsets for part in found]

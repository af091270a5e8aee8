"""What several styles of chair share: the seat's measures, and arms that are not part of a sofa."""

from dataclasses import dataclass

import numpy as np

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.frames import X, shift, turn
from instance_seg.procedural.nodes import Node, leaf, mirrored, node
from instance_seg.procedural.solids import (
    bezier,
    block,
    moved,
    oval,
    plate,
    rod,
    tube,
)


@dataclass(frozen=True)
class Seat:
    """Sizes that all parts of a chair refer to."""

    w: float  # half the width
    d: float  # half the depth
    y: float  # height of the underside
    thickness: float
    back: float  # height of the back above the seat
    lean: float  # degrees by which the back leans backwards

    @property
    def top(self) -> float:
        return self.y + self.thickness

    def leaned(self, parts: list[Node]) -> list[Node]:
        """Parts of the upright back, leaned about the seat's rear edge."""
        return [part.moved(turn(X, -self.lean, (0.0, self.top, -self.d))) for part in parts]


def no_arms(draw: Draw, seat: Seat) -> None:
    """A chair without arms."""
    return None


def bar_arms(draw: Draw, seat: Seat) -> list[Node]:
    """A rest on one or two posts, or on the seat's side by a row of them."""
    height, x, count = seat.top + draw.between(0.32, 0.45), seat.w + 0.02, draw.count(1, 3)
    z = seat.d - 0.1
    rest = block((x - 0.06, x + 0.06), (height, height + 0.06), (-seat.d - 0.05, z + 0.06))
    posts = [
        leaf("arm_near_vertical_bar", rod((x, seat.y + 0.02, place), (x, height, place), draw.between(0.03, 0.045)))
        for place in z - np.arange(count) * draw.between(0.2, 0.28)
    ]
    return mirrored(node("chair_arm", leaf("arm_horizontal_bar", rest), posts))


def loop_arms(draw: Draw, seat: Seat) -> list[Node]:
    """One bent tube from the seat up, along and back down."""
    height, x, z = seat.top + draw.between(0.35, 0.5), seat.w + 0.03, seat.d - 0.08
    path = bezier(
        (x, seat.y, z), (x, height + 0.15, z + 0.1), (x, height + 0.1, -z), (x, seat.top + 0.15, -seat.d), steps=10
    )
    return mirrored(node("chair_arm", leaf("arm_holistic_frame", tube(path, draw.between(0.035, 0.05)))))


def writing_arm(draw: Draw, seat: Seat) -> Node:
    """A school chair's table at one side."""
    x, height = seat.w + 0.06, seat.top + draw.between(0.4, 0.5)
    table = plate(oval(0.6, 0.9, 4.0), (height, height + 0.05))
    post_path = bezier((x, seat.y, -0.1), (x + 0.15, seat.y, 0.1), (x, seat.top, 0.3), (x - 0.05, height, 0.3), steps=8)
    return node(
        "chair_arm",
        leaf("arm_writing_table", moved(table, shift(x - 0.1, 0.0, 0.35))),
        leaf("arm_connector", tube(post_path, 0.04)),
    )

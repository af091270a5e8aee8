"""Lamps: chandeliers and pendants on the ceiling, table and desk lamps, wall lamps, street lamps."""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars.ceiling_lamp import chandelier, pendant
from instance_seg.procedural.grammars.outer_lamp import street_lamp, wall_lamp
from instance_seg.procedural.grammars.standing_lamp import desk_lamp, table_lamp
from instance_seg.procedural.nodes import Node, node


def lamp(draw: Draw) -> Node:
    """A lamp of one of six styles."""
    style = draw.pick(
        [table_lamp, desk_lamp, pendant, chandelier, wall_lamp, street_lamp], [0.26, 0.16, 0.15, 0.14, 0.14, 0.15]
    )
    return node("lamp", style(draw))

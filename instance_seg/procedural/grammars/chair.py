"""Chairs: dining and rocking chairs on legs, office chairs on a star, lounge chairs on a pedestal, sofas.

Units: about half a meter; the floor is y = 0, the sitter looks to +z. `w`, `d` are half the seat's width and depth.
"""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars.dining_chair import dining_chair
from instance_seg.procedural.grammars.lounge_chair import lounge_chair, sofa
from instance_seg.procedural.grammars.office_chair import office_chair
from instance_seg.procedural.nodes import Node, node


def chair(draw: Draw) -> Node:
    """A chair of one of four styles."""
    style = draw.pick([dining_chair, office_chair, lounge_chair, sofa], [0.45, 0.25, 0.15, 0.15])
    return node("chair", style(draw))

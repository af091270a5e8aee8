"""Tables: on legs, on a star, on a pedestal, desks with drawers; picnic, ping-pong and pool tables.

Units: about half a meter; the floor is y = 0, the front looks to +z. `w`, `d`: half the width and the depth.
"""

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars.desk import desk
from instance_seg.procedural.grammars.regular_table import legged_table, pedestal_table, star_table
from instance_seg.procedural.grammars.special_table import picnic_table, ping_pong_table, pool_table
from instance_seg.procedural.nodes import Node, node


def table(draw: Draw) -> Node:
    """A table of one of seven styles."""
    styles = [legged_table, star_table, pedestal_table, desk, picnic_table, ping_pong_table, pool_table]
    return node("table", draw.pick(styles, [0.27, 0.09, 0.11, 0.23, 0.1, 0.1, 0.1])(draw))

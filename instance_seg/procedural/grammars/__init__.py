"""One grammar for each category: a function that turns random decisions into a part tree."""

from collections.abc import Callable

from instance_seg.procedural.draw import Draw
from instance_seg.procedural.grammars import appliances, blades, screens, vessels, wearables
from instance_seg.procedural.grammars.bed import bed
from instance_seg.procedural.grammars.chair import chair
from instance_seg.procedural.grammars.clock import clock
from instance_seg.procedural.grammars.door import door_set
from instance_seg.procedural.grammars.faucet import faucet
from instance_seg.procedural.grammars.lamp import lamp
from instance_seg.procedural.grammars.storage_furniture import storage_furniture
from instance_seg.procedural.grammars.table import table
from instance_seg.procedural.grammars.trash_can import trash_can
from instance_seg.procedural.nodes import Node

GRAMMARS: dict[str, Callable[[Draw], Node]] = {
    "Bag": wearables.bag,
    "Bed": bed,
    "Bottle": vessels.bottle,
    "Bowl": vessels.bowl,
    "Chair": chair,
    "Clock": clock,
    "Dishwasher": appliances.dishwasher,
    "Display": screens.display,
    "Door": door_set,
    "Earphone": wearables.earphone,
    "Faucet": faucet,
    "Hat": wearables.hat,
    "Keyboard": screens.keyboard,
    "Knife": blades.knife,
    "Lamp": lamp,
    "Laptop": screens.laptop,
    "Microwave": appliances.microwave,
    "Mug": vessels.mug,
    "Refrigerator": appliances.refrigerator,
    "Scissors": blades.scissors,
    "StorageFurniture": storage_furniture,
    "Table": table,
    "TrashCan": trash_can,
    "Vase": vessels.vase,
}

"""Procedural rooms: floor, walls, doors, windows and furniture, scanned as ScanNet and S3DIS are."""

from instance_seg.procedural.rooms.generate import Room, make_room
from instance_seg.procedural.rooms.kinds import KINDS

__all__ = ["KINDS", "Room", "make_room"]

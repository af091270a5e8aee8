"""What the things in a room are called: raw name, NYU40 class (ScanNet's), S3DIS' class."""

from typing import NamedTuple


class Label(NamedTuple):
    """A raw name with its classes in the benchmarks."""

    nyu40: int  # id 1..40
    nyu40_name: str  # as the label table of ScanNet spells it
    s3dis: str = "clutter"


LABELS = {
    "wall": Label(1, "wall", "wall"),
    "floor": Label(2, "floor", "floor"),
    "cabinet": Label(3, "cabinet"),
    "kitchen cabinet": Label(3, "cabinet"),
    "wardrobe": Label(3, "cabinet"),
    "bed": Label(4, "bed"),
    "chair": Label(5, "chair", "chair"),
    "office chair": Label(5, "chair", "chair"),
    "armchair": Label(5, "chair", "chair"),
    "couch": Label(6, "sofa", "sofa"),
    "table": Label(7, "table", "table"),
    "coffee table": Label(7, "table", "table"),
    "door": Label(8, "door", "door"),
    "window": Label(9, "window", "window"),
    "bookshelf": Label(10, "bookshelf", "bookcase"),
    "picture": Label(11, "picture"),
    "counter": Label(12, "counter"),
    "desk": Label(14, "desk", "table"),
    "shelf": Label(15, "shelves", "bookcase"),
    "curtain": Label(16, "curtain"),
    "dresser": Label(17, "dresser"),
    "mirror": Label(19, "mirror"),
    "mat": Label(20, "floor mat"),
    "ceiling": Label(22, "ceiling", "ceiling"),
    "book": Label(23, "books"),
    "refrigerator": Label(24, "refridgerator"),  # so spelled in the table
    "tv": Label(25, "television"),
    "towel": Label(27, "towel"),
    "shower curtain": Label(28, "shower curtain"),
    "box": Label(29, "box"),
    "whiteboard": Label(30, "whiteboard", "board"),
    "nightstand": Label(32, "night stand"),
    "toilet": Label(33, "toilet"),
    "sink": Label(34, "sink"),
    "lamp": Label(35, "lamp"),
    "bathtub": Label(36, "bathtub"),
    "backpack": Label(37, "bag"),
    "column": Label(38, "otherstructure", "column"),
    "beam": Label(38, "otherstructure", "beam"),
    "trash can": Label(39, "otherfurniture"),
    "radiator": Label(39, "otherfurniture"),
    "ottoman": Label(39, "otherfurniture"),
    "monitor": Label(40, "otherprop"),
    "keyboard": Label(40, "otherprop"),
    "laptop": Label(40, "otherprop"),
    "microwave": Label(40, "otherprop"),
    "clock": Label(40, "otherprop"),
    "vase": Label(40, "otherprop"),
    "bowl": Label(40, "otherprop"),
    "mug": Label(40, "otherprop"),
    "bottle": Label(40, "otherprop"),
}

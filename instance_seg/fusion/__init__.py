"""How branches fuse their features, and the choices that the fusions offer."""

GRADIENT_TO = ("all", "own", "others")
HARD_IN = ("both", "spread")
ORDERS = ("released", "paper")
PATHS = ("none", "add", "concat")
SPACES = ("features", "shifted")

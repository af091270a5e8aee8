"""How branches fuse their features, and the choices that the fusions offer."""

GRADIENT_TO = ("all", "own", "others")
HARD_IN = ("both", "spread")
ORDERS = ("released", "paper")
PATHS = ("none", "add", "concat")
SPACES = ("features", "shifted")


def source_levels(fusion: str, level: int, num_levels: int) -> tuple[int, ...]:
    """The levels whose probabilities level `level` fuses: its own first, then the others ascending."""
    if fusion == "none":
        return ()
    others = tuple(r for r in range(num_levels) if r != level) if fusion == "cross" else ()
    return (level, *others)

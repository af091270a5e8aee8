"""Settings of the losses."""

from dataclasses import dataclass

from instance_seg.options import Settings, option


@dataclass(frozen=True)
class LossConfig(Settings):
    """Choices where the paper's text and the released program differ, and the weights of the terms."""

    offset_loss: str = option(
        "l2norm", "l2norm: Eq. 2; l1: mean absolute error per coordinate (released)", ("l2norm", "l1")
    )
    loss_average: str = option(
        "shape", "mean per shape, then over the batch (released), or over points", ("shape", "point")
    )
    center_average: str = option(
        "points",
        "what counts alike in the instance center loss: points, or (ours) instances however small; "
        "roots: an instance counts as the root of its points",
        ("points", "roots", "instances"),
    )
    mask_unlabeled: bool = option(True, "points of class 0 carry no loss (released program)")
    semantic_weight: float = option(1.0, "weight of the semantic loss", low=0, high=1e6)
    instance_weight: float = option(1.0, "weight of the instance center loss", low=0, high=1e6)
    region_weight: float = option(1.0, "weight of the semantic region center loss", low=0, high=1e6)
    level_weights: tuple[float, ...] = option(
        (), "a weight for every level, coarse to fine; empty: 1 each", low=0, high=1e6
    )
    weight_decay: float = option(1e-4, "times half the squared norm of every trainable variable", low=0, high=1e3)

"""How S3DIS is divided and sampled."""

from dataclasses import dataclass

from instance_seg.options import LARGEST_SEED, Settings, option


@dataclass(frozen=True)
class S3disSettings(Settings):
    """Which area is held out, and what of a block the network sees."""

    area: int = option(5, "area that is held out for the test; the other five are for training", low=1, high=6)
    allow_partial: bool = option(False, "areas may have fewer rooms than S3DIS has, or be missing", free=True)
    block_points: int = option(4096, "points sampled of each block", low=1, high=1_000_000)
    draw_again: bool = option(False, "training sees another sample of a block each time (JSNet), not the same (ASIS)")
    block_seed: int = option(0, "seed of these samples", low=0, high=LARGEST_SEED)

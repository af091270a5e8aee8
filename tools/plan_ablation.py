"""Prints the runs of experiments/ablation.sh, one a line: variant, category, seed, level.

    python tools/plan_ablation.py --categories=Chair,Scissors --seeds=0,1 --variants=single_level_fusion

Level 0 stands for a network of all levels. What matters most comes first, with all categories and seeds, so that a
study cut short already tells the main thing: does cross-level fusion beat the baseline?
"""

import argparse
import sys
from pathlib import Path

import yaml

from instance_seg.data.taxonomy import load_taxonomy
from instance_seg.report.paper import paper_tables

PRIORITY = (  # the variants that follow are of equal rank
    {"multi_level_baseline", "cross_level_fusion"},
    {"multi_level_fusion"},
    {"single_level_baseline", "single_level_fusion"},
)
VARIANTS = Path(__file__).resolve().parents[1] / "experiments" / "variants"


def plan(variants: list[str], categories: list[str], seeds: list[int]) -> list[tuple[str, str, int, int]]:
    """All runs; ValueError naming an unknown variant or category."""
    single = {name: is_single_level(name) for name in variants}
    levels = {name: [k + 1 for k in load_taxonomy(name).real_levels] for name in categories}
    return [
        (variant, category, seed, level)
        for group in by_priority(variants)
        for seed in seeds
        for category in categories
        for variant in group
        for level in (levels[category] if single[variant] else [0])
    ]


def by_priority(variants: list[str]) -> list[list[str]]:
    """Groups of equal rank, the first ones first; the order within a group is kept."""
    ranks = [next((i for i, group in enumerate(PRIORITY) if name in group), len(PRIORITY)) for name in variants]
    return [[name for name, rank in zip(variants, ranks) if rank == i] for i in sorted(set(ranks))]


def all_variants() -> list[str]:
    """Every variant, in the order of the paper's Table 4."""
    order = list(paper_tables()["ablation"])
    names = sorted(path.stem for path in VARIANTS.glob("*.yaml"))
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def is_single_level(variant: str) -> bool:
    """Whether a variant is one network per level; read here, since instance_seg.config needs TensorFlow and seconds.

    Raises:
        ValueError: there is no such variant.
    """
    if variant not in all_variants():
        raise ValueError(f"--variants: {variant!r} is no variant; choose from {', '.join(all_variants())}")
    settings = yaml.safe_load((VARIANTS / f"{variant}.yaml").read_text(encoding="utf-8")) or {}
    return bool(settings.get("single_level", False))


def main(argv: list[str] | None = None) -> None:
    """Prints the plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--categories", required=True, help="separated by commas")
    parser.add_argument("--seeds", default="0", help="separated by commas")
    parser.add_argument("--variants", default="", help="separated by commas; empty: all")
    arguments = parser.parse_args(argv)
    variants = arguments.variants.split(",") if arguments.variants not in ("", "all") else all_variants()
    try:
        seeds = [int(seed) for seed in arguments.seeds.split(",")]
    except ValueError:
        sys.exit(f"error: --seeds={arguments.seeds}: want whole numbers separated by commas")
    try:
        runs = plan(variants, arguments.categories.split(","), seeds)
    except ValueError as error:
        sys.exit(f"error: {error}")
    for run in runs:
        print(*run)


if __name__ == "__main__":
    main()

"""All settings of a run: every room's dataclass under one roof.

Names are unique, so the name of a setting is also the name of its flag. Data set, system and backbone bring settings of
their own: a run has those of what it uses.
"""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from instance_seg.data import DATA_SETS
from instance_seg.metrics.config import MetricConfig
from instance_seg.nesting import Option, flatten, make_settings, options
from instance_seg.options import LARGEST_COUNT, LARGEST_SEED, Settings, chosen, group, option
from instance_seg.schedule import ScheduleConfig
from instance_seg.systems import SYSTEMS


@dataclass(frozen=True)
class DataConfig(Settings):
    """What is read and in which portions."""

    data_dir: str = option("", "folder of the data set (PartNet: the one with ins_seg_h5)", free=True)
    train_shapes: int = option(0, "use only the first so many training shapes; 0: all", low=0, high=LARGEST_COUNT)
    test_shapes: int = option(0, "use only the first so many test shapes; 0: all", low=0, high=LARGEST_COUNT)
    test_split: str = option("test", "split that is evaluated", ("train", "val", "test"))
    train_batch_size: int = option(8, "shapes per training step, all replicas together", low=1, high=LARGEST_COUNT)
    test_batch_size: int = option(1, "shapes per evaluation step", low=1, high=LARGEST_COUNT, free=True)
    points_per_shape: int = option(
        0, "points per shape the heads see in training; 0: all. Tables always have all", low=0, high=LARGEST_COUNT
    )


@dataclass(frozen=True)
class RunConfig(Settings):
    """Where a run lives and how often it reports."""

    logdir: str = option("", "folder of the run: checkpoints, logs, results", free=True)
    ckpt: str = option(
        "", "checkpoint, .safetensors or .pth file to start from or to evaluate; empty: the latest of logdir, if any"
    )
    seed: int = option(0, "seed of initial weights, data order and augmentation", low=0, high=LARGEST_SEED)
    variant: str = option("cross_level_fusion", "row of the paper's Table 4: a file of experiments/variants")
    dataset: str = option("", "name of the data set, for the report; empty: the name of data_dir", free=True)
    test_every_iter: int = option(
        5000,
        "iterations between evaluations on the test split; 0: only after the last",
        low=0,
        high=LARGEST_COUNT,
        free=True,
    )
    ckpt_every_iter: int = option(
        1000, "iterations between checkpoints; 0: only after the last", low=0, high=LARGEST_COUNT, free=True
    )
    log_every_iter: int = option(20, "iterations between TensorBoard scalars", low=1, high=LARGEST_COUNT, free=True)
    keep_ckpts: int = option(3, "checkpoints kept", low=1, high=LARGEST_COUNT, free=True)
    picture_shapes: int = option(
        2, "test shapes drawn for TensorBoard at each evaluation", low=0, high=LARGEST_COUNT, free=True
    )
    allow_changed: tuple[str, ...] = option(
        (), "settings in which a run that goes on may differ from its start; `data`: the data set", free=True
    )


@dataclass(frozen=True)
class EngineConfig(Settings):
    """On what and in which precision a network is trained; nothing here belongs to the network or its checkpoints."""

    strategy: str = option(
        "one_device",
        "who trains: one_device; mirrored: the GPUs of this machine; multi_worker: the machines that TF_CONFIG names",
        ("one_device", "mirrored", "multi_worker"),
        free=True,
    )
    num_replicas: int = option(
        0,
        "devices of this machine that --strategy uses; 0: all GPUs. Without a GPU mirrored takes so many CPU devices",
        low=0,
        high=1024,
        free=True,
    )
    sync_batch_norm: bool = option(True, "batch statistics are those of the global batch, not of a replica's part")
    mixed_precision: str = option(
        "none",
        "float16 (with loss scaling) or bfloat16: compute convolutions and linear layers in it; none: all in float32",
        ("none", "float16", "bfloat16"),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.num_replicas > 1 and self.strategy == "one_device":
            raise ValueError(f"num_replicas={self.num_replicas} needs --strategy=mirrored or multi_worker")


@dataclass(frozen=True)
class Config(Settings):
    """The settings of a run, group by group."""

    data_set: str = option("partnet", f"{', '.join(DATA_SETS)}, or MODULE:CLASS of your own")
    system: str = option("semantic_assisted", f"{', '.join(SYSTEMS)}, or MODULE:CLASS of your own")
    run: RunConfig = group(RunConfig)
    data: DataConfig = group(DataConfig)
    source: Settings = chosen("data_set", DATA_SETS)
    network: Settings = chosen("system", SYSTEMS)
    schedule: ScheduleConfig = group(ScheduleConfig)
    metric: MetricConfig = group(MetricConfig)
    engine: EngineConfig = group(EngineConfig)
    preset: str = "paper"

    def flat(self) -> dict[str, Any]:
        """Every setting by name."""
        return flatten(self)

    def options(self) -> Iterator[Option]:
        """Every setting of this run."""
        return options(Config, self.flat())


def make_config(settings: Mapping[str, Any], preset: str = "paper") -> Config:
    """A Config from names and values over the defaults. ValueError names an unknown setting and the nearest known."""
    return dataclasses.replace(make_settings(Config, settings), preset=pathlib.Path(preset).stem)

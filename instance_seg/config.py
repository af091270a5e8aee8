"""All settings of a run: every room's dataclass under one roof, read from YAML files and overridden by flags.

A preset says how much (sizes, schedule), a variant what: a row of the paper's Table 4, as far as it differs from the
default network. Flags beat the variant, which beats the preset, so every variant can be had at every preset. Both are
flat YAML mappings of setting names to values; `base: NAME` starts from another file of the folder. Names are unique
over all groups, so the name of a setting is also the name of its flag.
"""

import dataclasses
import difflib
import pathlib
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.augment import AugmentConfig
from instance_seg.losses.segmentation import LossConfig
from instance_seg.options import check_choices, option
from instance_seg.schedule import ScheduleConfig
from instance_seg.systems.settings import NetworkConfig

_IN_REPOSITORY = pathlib.Path(__file__).resolve().parents[1] / "experiments"
_INSTALLED = pathlib.Path(sys.prefix) / "share" / "instance_seg"  # where setup.py puts copies of the YAML files
EXPERIMENTS = _IN_REPOSITORY if _IN_REPOSITORY.is_dir() else _INSTALLED
PRESETS, VARIANTS = EXPERIMENTS / "presets", EXPERIMENTS / "variants"


@dataclass(frozen=True)
class DataConfig:
    """What is read and in which portions."""

    data_dir: str = option("", "folder with PartNet's trees (ins_seg_h5/...)")
    category: str = option("Chair", "PartNet category")
    train_shapes: int = option(0, "use only the first so many training shapes; 0: all")
    test_shapes: int = option(0, "use only the first so many test shapes; 0: all")
    test_split: str = option("test", "split that is evaluated", ("train", "val", "test"))
    train_batch_size: int = option(8, "shapes per training step, all replicas together")
    test_batch_size: int = option(1, "shapes per evaluation step")
    points_per_shape: int = option(0, "points per shape the heads see in training; 0: all. The octree always has all")
    level: int = option(0, "the only level of this network, 1 the coarsest; 0: all levels in one network")
    single_level: bool = option(False, "one network per level: --level is needed")

    def __post_init__(self):
        check_choices(self)
        if self.level not in range(4):
            raise ValueError(f"level={self.level}: want 1, 2 or 3, or 0 for all levels in one network")


@dataclass(frozen=True)
class RunConfig:
    """Where a run lives and how often it reports."""

    logdir: str = option("", "folder of the run: checkpoints, logs, results")
    ckpt: str = option("", "checkpoint to start from or to evaluate; empty: the latest of logdir, if any")
    seed: int = option(0, "seed of initial weights, data order and augmentation")
    variant: str = option("cross_level_fusion", "row of the paper's Table 4: a file of experiments/variants")
    dataset: str = option("", "name of the data set, for the report; empty: the name of data_dir")
    test_every_iter: int = option(5000, "iterations between evaluations on the test split; 0: only after the last")
    ckpt_every_iter: int = option(1000, "iterations between checkpoints")
    log_every_iter: int = option(20, "iterations between TensorBoard scalars")
    keep_ckpts: int = option(3, "checkpoints kept")
    picture_shapes: int = option(2, "test shapes drawn for TensorBoard at each evaluation")


@dataclass(frozen=True)
class EngineConfig:
    """On what and in which precision a network is trained; nothing here belongs to the network or its checkpoints."""

    strategy: str = option(
        "one_device",
        "who trains: one_device; mirrored: the GPUs of this machine; multi_worker: the machines that TF_CONFIG names",
        ("one_device", "mirrored", "multi_worker"),
    )
    num_replicas: int = option(
        0, "devices of this machine that --strategy uses; 0: all GPUs. Without a GPU mirrored takes so many CPU devices"
    )
    sync_batch_norm: bool = option(True, "batch statistics are those of the global batch, not of a replica's part")
    mixed_precision: str = option(
        "none",
        "float16 (with loss scaling) or bfloat16: compute convolutions and linear layers in it; none: all in float32",
        ("none", "float16", "bfloat16"),
    )

    def __post_init__(self):
        check_choices(self)
        if self.num_replicas < 0:
            raise ValueError(f"num_replicas={self.num_replicas} must not be negative")
        if self.num_replicas > 1 and self.strategy == "one_device":
            raise ValueError(f"num_replicas={self.num_replicas} needs --strategy=mirrored or multi_worker")


@dataclass(frozen=True)
class Config:
    """The settings of a run, group by group."""

    run: RunConfig = field(default_factory=RunConfig)
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    preset: str = "paper"

    def __post_init__(self):
        if self.data.single_level and not self.data.level:
            raise ValueError(
                f"--variant={self.run.variant} trains one network per level: choose one by --level=1, 2 or 3"
            )

    def flat(self) -> dict[str, Any]:
        """Every setting by name, in the order of the groups."""
        return {o.name: getattr(getattr(self, o.group), o.name) for o in options()}


class Option(typing.NamedTuple):
    """One setting, as flags and documentation see it."""

    group: str
    name: str
    type: Any
    default: Any
    help: str


def groups() -> dict[str, type]:
    """The dataclass of every group of settings."""
    return {f.name: f.type for f in dataclasses.fields(Config) if dataclasses.is_dataclass(f.type)}


def options() -> Iterator[Option]:
    """Every setting of every group."""
    for group, cls in groups().items():
        for f in dataclasses.fields(cls):
            yield Option(group, f.name, f.type, f.default, f.metadata.get("help", ""))


def make_config(settings: Mapping[str, Any], preset: str = "paper") -> Config:
    """A Config from flat settings over the defaults. ValueError names an unknown setting and the nearest known one."""
    known = {o.name: o for o in options()}
    by_group: dict[str, dict[str, Any]] = {group: {} for group in groups()}
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"setting {name!r} is unknown{_nearest(name, known)}")
        by_group[known[name].group][name] = _convert(name, value, known[name].type)
    return Config(**{group: cls(**by_group[group]) for group, cls in groups().items()}, preset=preset)


def read_preset(name: str) -> dict[str, Any]:
    """The flat settings of a preset: a name below experiments/presets or the path of a YAML file."""
    return _read_settings(_preset_path(name), read_preset)


def read_variant(name: str) -> dict[str, Any]:
    """The flat settings of a variant of experiments/variants; ValueError naming the nearest one if there is none."""
    if name not in variant_names():
        raise ValueError(f"--variant={name}: no such variant{_nearest(name, variant_names())}")
    return _read_settings(VARIANTS / f"{name}.yaml", read_variant)


def load_config(preset: str, overrides: Mapping[str, Any] | None = None) -> Config:
    """The settings of a preset, under those of the variant, under `overrides` (flags)."""
    settings, overrides = read_preset(preset), dict(overrides or {})
    variant = (settings | overrides).get("variant", RunConfig.variant)
    return make_config(settings | read_variant(variant) | overrides, preset=pathlib.Path(preset).stem)


def variant_label(config: Config) -> str:
    """The variant's name, and what of its composition was set otherwise: "multi_level_fusion transfer=False".

    The composition is what of the network is a choice rather than a size; `edge_mode` changes no layer.
    """
    plain, given = make_config(read_variant(config.run.variant) | {"level": config.data.level}).flat(), config.flat()
    choices = [o.name for o in options() if o.group == "network" and o.type in (str, bool) and o.name != "edge_mode"]
    changed = [f"{name}={given[name]}" for name in choices if given[name] != plain[name]]
    return " ".join([config.run.variant, *changed])


def preset_names() -> list[str]:
    """The presets that come along."""
    return sorted(p.stem for p in PRESETS.glob("*.yaml"))


def variant_names() -> list[str]:
    """The variants that come along."""
    return sorted(p.stem for p in VARIANTS.glob("*.yaml"))


def _read_settings(path: pathlib.Path, read_base) -> dict[str, Any]:
    """A flat YAML mapping of known settings, over those of its base; ValueError naming the file."""
    try:
        settings = yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: want a mapping of settings to values, found {type(settings).__name__}")
    known = [o.name for o in options()] + ["base"]
    for key in settings:
        if key not in known:
            raise ValueError(f"{path}: setting {key!r} is unknown{_nearest(key, known)}")
    base = settings.pop("base", None)
    return (read_base(base) if base else {}) | settings


def _preset_path(name: str) -> pathlib.Path:
    for path in (pathlib.Path(name), PRESETS / f"{name}.yaml"):
        if path.is_file():
            return path
    raise ValueError(f"--preset={name}: no such file, and no preset of that name{_nearest(name, preset_names())}")


def _nearest(name: str, known) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _convert(name: str, value: Any, kind: Any) -> Any:
    """`value` as the type of a setting; numbers are never rounded and strings never guessed."""
    if isinstance(kind, types.GenericAlias):
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise ValueError(f"{name}={value!r}: want a list")
        item = typing.get_args(kind)[0]
        return tuple(_convert(name, _number(x), item) for x in items if x != "")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is float and isinstance(value, str):
        value = _number(value)  # YAML 1.1 reads 1e-4 as a string
    if type(value) is not kind:
        raise ValueError(f"{name}={value!r}: want {kind.__name__}, found {type(value).__name__}")
    return value


def _number(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text

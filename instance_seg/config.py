"""All settings of a run: every room's dataclass under one roof, read from YAML files and overridden by flags.

A preset says how much (sizes, schedule), a variant what: a row of the paper's Table 4, as far as it differs from the
default network. Flags beat the variant, which beats the preset, so every variant can be had at every preset. Both are
flat YAML mappings of setting names to values; `base: NAME` starts from another file of the folder. Names are unique
over all groups, so the name of a setting is also the name of its flag. A section holds for some runs alone:

    category=Keyboard: {depth: 6, bandwidth: 0.05}
"""

import dataclasses
import difflib
import math
import pathlib
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from instance_seg.clustering.config import ClusterConfig
from instance_seg.data.augment import AugmentConfig
from instance_seg.losses.segmentation import LossConfig
from instance_seg.metrics.config import MetricConfig
from instance_seg.options import LARGEST_COUNT, LARGEST_SEED, Bounds, Settings, name_shown, option, shown
from instance_seg.schedule import ScheduleConfig
from instance_seg.settings_file import read_settings_file
from instance_seg.systems.settings import NetworkConfig

_IN_REPOSITORY = pathlib.Path(__file__).resolve().parents[1] / "experiments"
_INSTALLED = pathlib.Path(sys.prefix) / "share" / "instance_seg"  # where setup.py puts copies of the YAML files
EXPERIMENTS = _IN_REPOSITORY if _IN_REPOSITORY.is_dir() else _INSTALLED
PRESETS, VARIANTS = EXPERIMENTS / "presets", EXPERIMENTS / "variants"


@dataclass(frozen=True)
class DataConfig(Settings):
    """What is read and in which portions."""

    data_dir: str = option("", "folder with PartNet's trees (ins_seg_h5/...)", free=True)
    category: str = option("Chair", "PartNet category")
    train_shapes: int = option(0, "use only the first so many training shapes; 0: all", low=0, high=LARGEST_COUNT)
    test_shapes: int = option(0, "use only the first so many test shapes; 0: all", low=0, high=LARGEST_COUNT)
    test_split: str = option("test", "split that is evaluated", ("train", "val", "test"))
    train_batch_size: int = option(8, "shapes per training step, all replicas together", low=1, high=LARGEST_COUNT)
    test_batch_size: int = option(1, "shapes per evaluation step", low=1, high=LARGEST_COUNT, free=True)
    points_per_shape: int = option(
        0, "points per shape the heads see in training; 0: all. The octree always has all", low=0, high=LARGEST_COUNT
    )
    level: int = option(
        0, "the only level of this network, 1 the coarsest; 0: all levels in one network", low=0, high=3
    )
    single_level: bool = option(False, "one network per level: --level is needed")


@dataclass(frozen=True)
class RunConfig(Settings):
    """Where a run lives and how often it reports."""

    logdir: str = option("", "folder of the run: checkpoints, logs, results", free=True)
    ckpt: str = option("", "checkpoint to start from or to evaluate; empty: the latest of logdir, if any")
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
class Config:
    """The settings of a run, group by group."""

    run: RunConfig = field(default_factory=RunConfig)
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    metric: MetricConfig = field(default_factory=MetricConfig)
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
    bounds: Bounds | None  # of a number, or of each number of a tuple
    free: bool  # changes no result


def groups() -> dict[str, type]:
    """The dataclass of every group of settings."""
    return {f.name: f.type for f in dataclasses.fields(Config) if dataclasses.is_dataclass(f.type)}


def options() -> Iterator[Option]:
    """Every setting of every group."""
    for group, cls in groups().items():
        for f in dataclasses.fields(cls):
            known = f.metadata
            yield Option(group, f.name, f.type, f.default, known["help"], known["bounds"], known["free"])


def make_config(settings: Mapping[str, Any], preset: str = "paper") -> Config:
    """A Config from flat settings over the defaults. ValueError names an unknown setting and the nearest known one."""
    known = {o.name: o for o in options()}
    by_group: dict[str, dict[str, Any]] = {group: {} for group in groups()}
    for name, value in settings.items():
        if name not in known:
            raise ValueError(f"setting {shown(name)} is unknown{_nearest(name, known)}")
        by_group[known[name].group][name] = _convert(name, value, known[name].type)
    return Config(**{group: cls(**by_group[group]) for group, cls in groups().items()}, preset=preset)


def read_preset(name: str) -> dict[str, Any]:
    """The settings and sections of a preset: a name below experiments/presets or the path of a YAML file."""
    return _read_settings(_preset_path(name), _preset_path)


def read_variant(name: str) -> dict[str, Any]:
    """The settings and sections of a variant of experiments/variants; ValueError naming the nearest if there is none."""
    return _read_settings(_variant_path(name), _variant_path)


def load_config(preset: str, overrides: Mapping[str, Any] | None = None) -> Config:
    """The settings of a preset, under those of the variant, under `overrides` (flags)."""
    first, overrides = read_preset(preset), dict(overrides or {})
    second = read_variant((first | overrides).get("variant", RunConfig.variant))
    chosen = {o.name: o.default for o in options()} | first | second | overrides
    settings = _for_run(first, chosen) | _for_run(second, chosen) | overrides
    return make_config(settings, preset=pathlib.Path(preset).stem)


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


def _read_settings(path: pathlib.Path, find: Callable[[str], pathlib.Path]) -> dict[str, Any]:
    """The settings of a YAML file over those of its base, and of the base's base; ValueError naming the file.

    `find` gives the path of a base.
    """
    settings, chain = {}, []
    while path is not None:
        if path.resolve() in chain:
            raise ValueError(f"{path}: the chain of its bases leads back to it; end it with a file that has no base")
        chain.append(path.resolve())
        own = read_settings_file(path)
        _check_names(own, path)
        path = _base_path(own.pop("base"), path, find) if "base" in own else None
        settings = own | settings
    return settings


def _for_run(settings: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Plain settings, and over them those of the sections whose condition holds among the `chosen` ones."""
    plain = {name: value for name, value in settings.items() if not isinstance(value, dict)}
    for condition, section in settings.items():
        name, _, value = condition.partition("=")
        if isinstance(section, dict) and str(chosen[name]) == value:
            plain |= section
    return plain


def _check_names(settings: Mapping[str, Any], path: pathlib.Path) -> None:
    known = [o.name for o in options()] + ["base"]
    for key, value in settings.items():
        name, is_section, _ = key.partition("=")
        if is_section and not isinstance(value, dict):
            raise ValueError(f"{path}: {shown(key)}: want the settings of a section, {{NAME: VALUE, ...}}")
        if isinstance(value, dict) and not is_section and name != "base":
            raise ValueError(f"{path}: {shown(key)}: a section is called SETTING=VALUE, after the runs it holds for")
        if name not in known or is_section and name == "base":
            raise ValueError(f"{path}: setting {shown(name)} is unknown{_nearest(name, known)}")
        if is_section:
            _check_names(dict.fromkeys(value), path)


def _base_path(base: Any, path: pathlib.Path, find: Callable[[str], pathlib.Path]) -> pathlib.Path:
    if not isinstance(base, str):
        raise ValueError(f"{path}: base={shown(base)}: want the name of one file to start from")
    try:
        return find(base)
    except ValueError as error:
        raise ValueError(f"{path}: base: {error}") from error


def _preset_path(name: str) -> pathlib.Path:
    for path in (pathlib.Path(name), PRESETS / f"{name}.yaml"):
        if path.is_file():
            return path
    nearest = _nearest(name, preset_names())
    raise ValueError(f"--preset={name_shown(name)}: no such file, and no preset of that name{nearest}")


def _variant_path(name: str) -> pathlib.Path:
    if name not in variant_names():
        raise ValueError(f"--variant={name_shown(name)}: no such variant{_nearest(name, variant_names())}")
    return VARIANTS / f"{name}.yaml"


def _nearest(name: str, known) -> str:
    close = difflib.get_close_matches(str(name)[:200], list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _convert(name: str, value: Any, kind: Any) -> Any:
    """`value` as the type of a setting; numbers are never rounded and strings never guessed."""
    if isinstance(kind, types.GenericAlias):
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise ValueError(f"{name}={shown(value)}: want a list")
        item = typing.get_args(kind)[0]
        return tuple(_convert(name, _number(x), item) for x in items if x != "")
    if kind is float and isinstance(value, str):
        value = _number(value)  # YAML 1.1 reads 1e-4 as a string
    if kind is float and type(value) is int:
        value = _float(value)
    if type(value) is not kind:
        raise ValueError(f"{name}={shown(value)}: want {kind.__name__}, found {type(value).__name__}")
    return value


def _number(text: Any) -> Any:
    """What a string says, an integer before a float; anything else as it is."""
    if not isinstance(text, str):
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _float(number: int) -> float:
    """Infinity, which is out of all bounds, for what no float holds."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf

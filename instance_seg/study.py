"""Studies: which runs a study has, in which order, and where their results go. `jobs` runs them.

    python -m instance_seg.study experiments/studies/ablation.yaml --preset=smoke --categories=Scissors
    bash experiments/ablation.sh --preset=smoke --categories=Scissors          # the same, set up first

Flags that are not the study's own go to every run. A run that has results is skipped, an interrupted one goes on where
it was, one that fails does not stop the others. With --results, a study can go on without the earlier runs, on another
day or machine:

    bash experiments/ablation.sh --seeds=0,1 --results=experiments/results/demo_ablation
"""

import functools
import itertools
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from absl import app, flags

from instance_seg.config import Config
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.evaluation.results import FILE_NAME, SWEEP
from instance_seg.flags import CHOOSING
from instance_seg.jobs import Jobs
from instance_seg.nesting import all_names, nearest, options
from instance_seg.presets import load_settings, read_variant, variant_names
from instance_seg.report.collect import FIGURES, collect
from instance_seg.report.descriptions import description_of, papers_networks
from instance_seg.study_data import PARTS, find_data

_PRESET = flags.DEFINE_string("preset", "demo", "demo, smoke, paper, released, or a YAML file")
_CATEGORIES = flags.DEFINE_list(
    "categories", None, "a subset, or `all`; default: those of --data_dir, or a few procedural ones"
)
_FOLDS = flags.DEFINE_list("folds", None, "S3DIS: areas held out in turn, or `all`; default: those of the study")
_VARIANTS = flags.DEFINE_list("variants", None, "files of experiments/variants; default: all of the study")
_SYSTEMS = flags.DEFINE_list("systems", None, "only the networks of these systems; default: all")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "seeds of every network and part of the data")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "the data set; default: procedural shapes or rooms, made in data/")
_RUNS = flags.DEFINE_string("runs", None, "where the runs go; default: logs/STUDY/PRESET")
_RESULTS = flags.DEFINE_string(
    "results", None, "keep results there; what it holds is skipped, the report is of all it holds"
)
_JOBS = flags.DEFINE_integer("jobs", 1, "runs side by side, each on its share of the cores", lower_bound=1)
_FORCE = flags.DEFINE_bool("force", False, "redo runs that are done")


class Run(NamedTuple):
    """One training of a study."""

    name: str  # its folder below the runs
    flags: tuple[str, ...]
    after: str = ""  # name of the run whose weights it starts from
    sweep: tuple[str, ...] = ()  # SETTING=VALUE of the clustering to be measured on its predictions too


def read_study(path: str | Path) -> dict[str, Any]:
    """The YAML of a study: `runs`, `name`, and, for several networks, `variants`.

    One of PartNet has `procedural_categories`, one of S3DIS `data_set: s3dis` and the `folds` done by default, one of
    ScanNet `data_set: scannet`. Variants may have ranks (`first`), a `sweep`, `flags` of all runs, `after`: a network
    that each run of another starts from, and `figures`: what is drawn of pairs of networks, without and with fusion.
    """
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: no study can be read here: {error}") from error


def plan(study: dict, parts: Sequence[str], seeds: Sequence[str], variants: Sequence[str] | None) -> list[Run]:
    """The runs of a study, what matters most first. ValueError naming an unknown variant or category, or a bad seed."""
    if "{variant}" not in study["name"]:
        if variants:
            raise ValueError("--variants: this study has one network; --variant=NAME chooses another")
        return [Run(study["name"].format(category=name), (f"--category={name}",)) for name in parts]
    for seed in seeds:
        if not seed.isdigit():
            raise ValueError(f"--seeds={','.join(seeds)}: want whole numbers separated by commas")
    names = study["variants"] if variants in (None, [], ["all"]) else variants
    first = study.get("first", [])
    rank = {name: i for i, group in enumerate(first) for name in group}
    ranked = [[name for name in names if rank.get(name, len(first)) == i] for i in range(len(first) + 1)]
    return [
        _run(study, variant, part, seed, level)
        for group in ranked
        for seed in seeds
        for part in parts
        for variant in group
        for level in ([k + 1 for k in load_taxonomy(part).real_levels] if is_single_level(variant) else [0])
    ]


def _run(study: dict, variant: str, part: str, seed: str, level: int) -> Run:
    data_set = study.get("data_set", "partnet")
    setting = PARTS.get(data_set, "part")

    def name_of(variant):
        name = study["name"].format(variant=variant, seed=seed, **{setting: part})
        return name + (f"/level_{level}" if level else "")

    before = study.get("after", {}).get(variant)
    chosen = (f"--variant={variant}", *([f"--{setting}={part}"] if part else []), f"--seed={seed}")
    chosen += (f"--level={level}",) if data_set == "partnet" else (f"--data_set={data_set}",)
    sweep = study.get("sweep", {"variant": None})
    settings = tuple(sweep["settings"]) if variant == sweep["variant"] else ()
    return Run(name_of(variant), chosen, name_of(before) if before else "", settings)


def of_systems(variants: Sequence[str], systems: Sequence[str]) -> list[str]:
    """The variants of these systems; ValueError naming a system that none is of."""
    system = {name: load_settings("paper", {"variant": name}).get("system", Config.system) for name in variants}
    for name in systems:
        if name not in system.values():
            known = ", ".join(dict.fromkeys(system.values()))
            raise ValueError(f"--systems: {name!r} is in no network of this study; choose from {known}")
    return [name for name in variants if system[name] in systems]


def all_variants() -> list[str]:
    """Every variant, in the order of the paper's Table 4, and then ours."""
    order = papers_networks(description_of("partnet"))
    return sorted(variant_names(), key=lambda name: order.index(name) if name in order else len(order))


@functools.cache
def is_single_level(variant: str) -> bool:
    """Whether a variant is one network per level."""
    if variant not in all_variants():
        raise ValueError(f"--variants: {variant!r} is no variant; choose from {', '.join(all_variants())}")
    return any(layer.get("single_level", False) for layer in read_variant(variant))


def flags_of(run: Run, preset: str, passed_on: Sequence[str]) -> list[str]:
    """The flags among `passed_on` that this run has: a flag of another backbone or system is left out.

    ValueError names a word that is no flag of any run.
    """
    given = dict(flag.lstrip("-").partition("=")[::2] for flag in (*passed_on, *run.flags))
    own, known = _settings_of(preset=preset, **{name: given[name] for name in CHOOSING[1:] if name in given})
    kept = []
    for flag in passed_on:
        if not flag.startswith("-"):
            raise ValueError(f"{flag!r} belongs to no flag; write --flag=VALUE, several values joined by commas")
        name = flag.lstrip("-").partition("=")[0]
        name = name if name in known else name.removeprefix("no")
        if name not in known:
            raise ValueError(f"{flag}: neither a study nor its runs have such a flag{nearest(name, known)}")
        if name in own:
            kept.append(flag)
    return kept


@functools.cache
def _settings_of(preset: str, **chosen: str) -> tuple[set[str], set[str]]:
    """The flags that a run has, and those that runs of any backbone, system and data set have.

    Args:
        chosen: what decides between them (flags.CHOOSING), over the preset's.
    """
    settings = load_settings(preset, chosen)
    return {"preset", *(o.name for o in options(Config, settings))}, {"preset", *all_names(Config, settings)}


class Study:
    """Does the runs of a study, keeps their results, and reports."""

    def __init__(self, jobs: Jobs, runs: Path, results: Path | None, preset: str, common: Sequence[str], force: bool):
        self.jobs, self.runs, self.results, self.preset, self.common = jobs, runs, results, preset, list(common)
        self.force = force
        self._ended: dict[str, threading.Event] = {}  # of the runs that have been begun

    def do(self, run: Run) -> None:
        """Trains a run that has no results, and measures the clusterings of its sweep that have none."""
        ended = self._ended[run.name] = threading.Event()
        try:
            self._do(run)
        finally:
            ended.set()

    def _do(self, run: Run) -> None:
        if not self._is_done(run.name) and not self._train(run):
            return
        self._keep(run.name)
        if run.sweep:
            self._sweep(run)

    def _train(self, run: Run) -> bool:
        """Trains a run, whether it ended well. One that starts from another waits until that has come to its end."""
        if not run.after:
            return self._start(run, "train")
        if run.after in self._ended:
            self._ended[run.after].wait()
        if (self.runs / run.after / FILE_NAME).exists():  # not before: half a training has checkpoints, too
            return self._start(run, "train", f"--ckpt={self.runs / run.after}")
        kept = self.results is not None and (self.results / run.after / FILE_NAME).exists()
        lack = f"{self.results} has of it the results alone" if kept else f"it has no results in {self.runs}"
        folder = self.runs / run.name
        self.jobs.fail(folder, f"not started: {folder} starts from the weights of {run.after}; {lack}")
        return False

    def _sweep(self, run: Run) -> None:
        names = {setting: f"{run.name}/{SWEEP}/{setting.replace('=', '_')}" for setting in run.sweep}
        missing = [setting for setting, name in names.items() if not self._is_done(name)]
        if missing and not (self.runs / run.name / FILE_NAME).exists():  # it was run elsewhere
            print(f"no checkpoint of {run.name} is here to be clustered in other ways")
            return
        settings = [f"--sweep={setting}" for setting in missing]
        if missing and not self._start(run, "evaluate", f"--ckpt={self.runs / run.name}", *settings):
            return
        for name in names.values():
            self._keep(name)

    def _start(self, run: Run, program: str, *more: str) -> bool:
        common = flags_of(run, self.preset, self.common)
        command = ["-m", f"instance_seg.{program}", f"--logdir={self.runs / run.name}", *common, *run.flags, *more]
        return self.jobs.run(self.runs / run.name, command, clear=self.force and program == "train")

    def _is_done(self, name: str) -> bool:
        for folder in [] if self.force else filter(None, (self.runs, self.results)):
            if (folder / name / FILE_NAME).exists():
                print(f"done: {folder / name / FILE_NAME} (--force redoes it)")
                return True
        return False

    def _keep(self, name: str) -> None:
        """Copies the results of a run to those that are kept."""
        if self.results is None or not (self.runs / name / FILE_NAME).exists():
            return
        try:
            collect(self.runs / name, self.results / name, self.force)
        except (ValueError, OSError) as error:
            self.jobs.fail(self.results / name, f"error: {error}")


def draw_figures(study: dict, seeds: Sequence[str], runs: Path, folder: Path, data_dir: str) -> None:
    """Pictures of the pairs of networks that a study has figures of, where both were trained here."""
    figures = study.get("figures", {"pairs": ()})
    for pair, seed in itertools.product(figures["pairs"], seeds):
        names = [study["name"].format(variant=variant, seed=seed) for variant in pair]
        out = folder / FIGURES / names[1].replace("/", "_")
        if not out.exists() and all((runs / name / FILE_NAME).exists() for name in names):
            what = [f"--data_dir={data_dir}", f"--split={figures['split']}", f"--shapes={figures['shapes']}"]
            what += [f"--baseline={runs / names[0]}", f"--fusion={runs / names[1]}", f"--out={out}"]
            subprocess.run([sys.executable, "tools/draw_figures.py", *what], check=False)


def main(argv: list[str]) -> None:
    """The study that the command line names; everything that is no flag of a study goes to the runs."""
    try:
        study, passed_on = read_study(argv[1]), argv[2:]
        load_settings(_PRESET.value, {})  # an unknown preset is refused before data is made
        preset, variants = Path(_PRESET.value).stem, _VARIANTS.value
        if _SYSTEMS.value:
            variants = of_systems(variants or study.get("variants", ()), _SYSTEMS.value)
        parts = _FOLDS.value if study.get("data_set") == "s3dis" else _CATEGORIES.value
        data = find_data(study, _DATA_DIR.value, parts, preset)
        runs = plan(study, data.parts, _SEEDS.value, variants)
        for run in runs:
            flags_of(run, _PRESET.value, passed_on)  # a mistake is refused before anything is trained
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
    folder = Path(_RUNS.value or study["runs"].format(preset=preset))
    results = Path(_RESULTS.value) if _RESULTS.value else None
    with Jobs(_JOBS.value) as jobs:
        common = [f"--preset={_PRESET.value}", f"--data_dir={data.data_dir}"]
        common += [*data.flags, *study.get("flags", []), *passed_on]
        work = Study(jobs, folder, results, _PRESET.value, common, _FORCE.value)
        jobs.each(work.do, runs)
    draw_figures(study, _SEEDS.value, folder, results or folder, data.data_dir)
    subprocess.run([sys.executable, "-m", "instance_seg.report", str(results or folder)], check=False)
    sys.exit(jobs.summary())


def known_flags(argv: list[str]) -> list[str]:
    """Takes the flags of a study out of a command line, and leaves those of the runs."""
    try:
        return flags.FLAGS(argv, known_only=True)
    except flags.Error as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main, flags_parser=known_flags)

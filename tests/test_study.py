"""The scripts of experiments/ with a stand-in for the runs, which notes what it is told and leaves made-up results."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from small_results import WITH, results

from instance_seg.presets import read_variant, variant_names
from instance_seg.report.descriptions import description_of

ROOT = pathlib.Path(__file__).resolve().parents[1]
STUDY = """
import sys
from absl import app
from instance_seg import study, study_data
sys.executable = "./stand_in"
study_data.chosen_categories = lambda data_dir, wanted: wanted or ["Chair"]
app.run(study.main, ["study", *sys.argv[1:]], study.known_flags)
"""
STAND_IN = """#!/bin/bash
if [ "$2" = instance_seg.study ]; then shift 2; exec REAL study_here.py "$@"; fi
echo "$@" >>commands
case "$*" in
  *FAIL*) exit 3 ;;
  *"-m instance_seg.train"*ELSEWHERE*) exit 75 ;;
  *"$STOP_AT"*) [ -n "$STOP_AT" ] && exit 143 ;;
esac
case "$*" in
  *"$FAIL_AT"*) [ -n "$FAIL_AT" ] && exit "$FAIL_CODE" ;;
esac
echo "$TF_NUM_INTRAOP_THREADS" >>threads
hang() {
  trap 'echo saved >>commands; exit 143' TERM
  echo >hangs
  sleep 60 & wait
}
case "$*" in
  *"$HANG_AT"*) [ -n "$HANG_AT" ] && hang ;;
esac
folders=()
for word in "$@"; do
  case $word in
    --logdir=*) logdir=${word#*=} ;;
    --sweep=*) word=${word#--sweep=} && folders+=("$logdir/sweep/${word/=/_}") ;;
  esac
done
for folder in "${folders[@]:-$logdir}"; do
  if [ -n "$folder" ]; then echo "writing $folder" && mkdir -p "$folder" && cp made_up.json "$folder/results.json"; fi
done
exit 0
"""


@pytest.fixture
def checkout(tmp_path):
    """A folder with the scripts and the stand-in."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "there").mkdir()
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    (tmp_path / "instance_seg").symlink_to(ROOT / "instance_seg")
    (tmp_path / "study_here.py").write_text(STUDY)
    (tmp_path / "tools" / "setup.sh").write_text("PYTHON=./stand_in\n")
    (tmp_path / "made_up.json").write_text(json.dumps(results({0: 50.0})))
    (tmp_path / "stand_in").write_text(STAND_IN.replace("REAL", sys.executable))
    (tmp_path / "stand_in").chmod(0o755)
    return tmp_path


def call(checkout, script, *arguments, stop_at="", fail_at="", fail_code=3):
    (checkout / "commands").write_text("")
    environment = {**os.environ, "STOP_AT": stop_at, "HANG_AT": "", "FAIL_AT": fail_at, "FAIL_CODE": str(fail_code)}
    command = ["bash", f"experiments/{script}", *arguments]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, env=environment)
    return done, (checkout / "commands").read_text().splitlines()


def runs_of(commands, program="instance_seg.train"):
    return [
        dict(word.lstrip("-").split("=", 1) for word in c.split()[2:])
        for c in commands
        if c.startswith(f"-m {program}")
    ]


def swept(command):
    return [word.removeprefix("--sweep=") for word in command.split() if word.startswith("--sweep=")]


VARIANTS = "--variants=single_level_fusion,cross_level_fusion"


def test_every_level_of_single_level_networks_and_the_sweep(checkout):
    flags = ("--preset=smoke", "--categories=Scissors,Chair", "--seeds=0,1", "--data_dir=there", "--max_iter=2")
    done, commands = call(checkout, "ablation.sh", VARIANTS, *flags)
    assert done.returncode == 0, done.stderr
    trained = runs_of(commands)
    assert len(trained) == 2 * ((1 + 1) + (3 + 1))
    assert {run["max_iter"] for run in trained} == {"2"} and {run["data_dir"] for run in trained} == {"there"}
    assert trained[1]["logdir"] == "logs/ablation/smoke/cross_level_fusion/Chair/seed_0" and trained[1]["level"] == "0"
    assert trained[4]["logdir"] == "logs/ablation/smoke/single_level_fusion/Scissors/seed_0/level_1"
    sweeps = runs_of(commands, "instance_seg.evaluate")
    assert len(sweeps) == 2 * 2
    assert sweeps[0]["ckpt"] == sweeps[0]["logdir"] == "logs/ablation/smoke/cross_level_fusion/Scissors/seed_0"
    programs = [command for command in commands if command.startswith("-m instance_seg.")]
    assert [program.split()[1] for program in programs[:3]] == [
        f"instance_seg.{p}" for p in ("train", "evaluate", "train")
    ]
    pushes = [f"semantic_center_offset={push}" for push in ("0.025", "0.075")]
    assert swept(programs[1]) == ["bandwidth=0.05", "bandwidth=0.20", *pushes, "region_push=soft"]
    assert commands[-1] == "-m instance_seg.report logs/ablation/smoke"


def test_all_twelve_networks_by_default(checkout):
    _, commands = call(checkout, "ablation.sh", "--preset=smoke", "--categories=Scissors", "--data_dir=there")
    order = [run["variant"] for run in runs_of(commands)]
    assert len(set(order)) == len(order) == 12
    assert set(order[:2]) == {"multi_level_baseline", "cross_level_fusion"}
    assert order[2:4] == ["multi_level_fusion", "multi_level_baseline_unit_xyz"]
    assert set(order[4:6]) == {"single_level_baseline", "single_level_fusion"}


def test_what_is_done_is_skipped_unless_forced(checkout):
    flags = (VARIANTS, "--categories=Scissors", "--data_dir=there")
    call(checkout, "ablation.sh", *flags)
    _, again = call(checkout, "ablation.sh", *flags)
    assert not runs_of(again) and not runs_of(again, "instance_seg.evaluate") and "instance_seg.report" in again[-1]
    shutil.rmtree(next(checkout.rglob("sweep/bandwidth_0.20")))
    _, partly = call(checkout, "ablation.sh", *flags)
    assert [swept(c) for c in partly if "instance_seg.evaluate" in c] == [["bandwidth=0.20"]] and not runs_of(partly)
    _, forced = call(checkout, "ablation.sh", *flags, "--force")
    assert len(runs_of(forced)) == 2 and [len(swept(c)) for c in forced if "instance_seg.evaluate" in c] == [5]


def test_a_study_goes_on_from_kept_results_without_the_runs(checkout):
    flags = (VARIANTS, "--categories=Scissors", "--data_dir=there", "--results=kept/study")
    _, commands = call(checkout, "ablation.sh", *flags)
    kept = [str(path.parent.relative_to(checkout / "kept/study")) for path in checkout.rglob("kept/**/results.json")]
    cross = "cross_level_fusion/Scissors/seed_0"
    assert len(kept) == 2 + 5 and {cross, cross + "/sweep/region_push_soft"} < set(kept)
    assert commands[-1] == "-m instance_seg.report kept/study"
    shutil.rmtree(checkout / "logs")
    done, again = call(checkout, "ablation.sh", *flags, "--seeds=0,1")
    assert [run["seed"] for run in runs_of(again)] == ["1", "1"]
    assert {run["seed"] for run in runs_of(again, "instance_seg.evaluate")} == {"1"}
    assert "no checkpoint" not in done.stdout
    shutil.rmtree(checkout / "logs")
    shutil.rmtree(checkout / "kept" / "study" / cross / "sweep" / "region_push_soft")
    done, again = call(checkout, "ablation.sh", *flags, "--seeds=0,1")
    assert done.returncode == 0 and not runs_of(again) and not runs_of(again, "instance_seg.evaluate")
    assert f"no checkpoint of {cross} is here" in done.stdout


def test_other_results_of_a_kept_run_are_a_failure_unless_forced(checkout):
    flags = ("--categories=Chair", "--data_dir=there", "--results=kept")
    call(checkout, "partnet_all.sh", *flags)
    kept = checkout / "kept" / "Chair" / "results.json"
    kept.write_text(json.dumps(results({0: 10.0})))
    done, _ = call(checkout, "partnet_all.sh", *flags)
    assert done.returncode == 1 and "FAILED: kept/Chair" in done.stderr
    assert "kept/Chair/results.json holds other results than logs/partnet/demo/Chair/results.json" in done.stderr
    done, _ = call(checkout, "partnet_all.sh", *flags, "--force")
    assert done.returncode == 0 and json.loads(kept.read_text())["readings"][WITH]["mean"]["AP50"] == 50


def test_a_failure_does_not_stop_the_others(checkout):
    done, commands = call(checkout, "ablation.sh", VARIANTS, "--categories=Scissors", "--data_dir=there", "--ckpt=FAIL")
    assert len(runs_of(commands)) == 2 and not runs_of(commands, "instance_seg.evaluate")  # no checkpoint to sweep
    assert done.returncode == 1
    assert "FAILED: logs/ablation/demo/cross_level_fusion/Scissors/seed_0 logs" in done.stderr


def test_an_interruption_does(checkout):
    done, commands = call(
        checkout, "ablation.sh", VARIANTS, "--categories=Chair", "--data_dir=there", stop_at="level=2"
    )
    assert done.returncode == 143 and [run["level"] for run in runs_of(commands)] == ["0", "1", "2"]


def test_runs_side_by_side_are_the_same_runs(checkout):
    flags = (VARIANTS, "--categories=Scissors,Chair", "--seeds=0,1", "--data_dir=there")
    _, in_turn = call(checkout, "ablation.sh", *flags, "--runs=a")
    done, at_once = call(checkout, "ablation.sh", *flags, "--runs=a", "--force", "--jobs=3")
    assert done.returncode == 0, done.stderr
    assert sorted(at_once) == sorted(in_turn) and at_once[-1] == "-m instance_seg.report a"
    folder = "a/single_level_fusion/Chair/seed_1/level_3"
    said = [line for line in done.stdout.splitlines() if folder in line]
    assert said == [f"started: {folder} (tail -f {folder}/output.log)", f"ended: {folder}"]
    assert (checkout / folder / "output.log").read_text() == f"writing {folder}\n"
    share = max(1, len(os.sched_getaffinity(0)) // 3)
    assert set((checkout / "threads").read_text().split()) == {str(share)}


def test_a_failure_beside_others_is_named(checkout):
    flags = ("--categories=Chair,Bag,Hat", "--data_dir=there", "--jobs=2", "--ckpt=FAIL")
    done, commands = call(checkout, "partnet_all.sh", *flags)
    assert done.returncode == 1 and len(runs_of(commands)) == 3 and "instance_seg.report" in commands[-1]
    assert "failed: logs/partnet/demo/Bag (see its output.log)" in done.stderr
    assert set(done.stderr.splitlines()[-1].split()) == {
        "FAILED:",
        *(f"logs/partnet/demo/{c}" for c in ("Chair", "Bag", "Hat")),
    }


def test_an_interruption_reaches_what_runs_beside_others(checkout):
    flags = ("--categories=Chair,Bag,Hat", "--data_dir=there", "--jobs=2")
    command = ["bash", "experiments/partnet_all.sh", *flags]
    environment = {**os.environ, "STOP_AT": "", "FAIL_AT": "", "HANG_AT": "category=Bag"}
    os.mkfifo(checkout / "hangs")
    script = subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL)
    assert (checkout / "hangs").read_text() == "\n"  # it has come so far
    script.terminate()
    assert script.wait(timeout=20) == 143
    commands = (checkout / "commands").read_text()
    assert "saved" in commands.splitlines() and "instance_seg.report" not in commands


TWO_STAGES = (
    "comparison.sh",
    "--variants=sgpn_semantics,sgpn",
    "--categories=Scissors",
    "--data_dir=there",
    "--runs=a",
)
FIRST, SECOND = "sgpn_semantics/Scissors/seed_0/level_1", "sgpn/Scissors/seed_0/level_1"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_starts_from_the_weights_of_another_that_has_ended(checkout, jobs):
    done, commands = call(checkout, *TWO_STAGES, f"--jobs={jobs}")
    assert done.returncode == 0, done.stderr
    first, second = runs_of(commands)
    assert (first["logdir"], second["logdir"]) == (f"a/{FIRST}", f"a/{SECOND}")
    assert "ckpt" not in first and second["ckpt"] == f"a/{FIRST}"


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("code", [3, 75])
def test_a_run_does_not_start_from_one_that_failed_or_is_running_elsewhere(checkout, code, jobs):
    done, commands = call(checkout, *TWO_STAGES, f"--jobs={jobs}", fail_at="variant=sgpn_semantics", fail_code=code)
    assert done.returncode == 1 and [run["logdir"] for run in runs_of(commands)] == [f"a/{FIRST}"]
    lack = f"not started: a/{SECOND} starts from the weights of {FIRST}; it has no results in a"
    assert lack in done.stderr.splitlines()
    assert done.stderr.splitlines()[-1].startswith("FAILED: ") and f"a/{SECOND}" in done.stderr.splitlines()[-1]
    done, commands = call(checkout, *TWO_STAGES)
    assert done.returncode == 0 and len(runs_of(commands)) == 2


def test_a_run_does_not_start_from_one_whose_results_alone_are_kept(checkout):
    (checkout / "kept" / FIRST).mkdir(parents=True)
    shutil.copy(checkout / "made_up.json", checkout / "kept" / FIRST / "results.json")
    done, commands = call(checkout, *TWO_STAGES, "--results=kept")
    assert done.returncode == 1 and not runs_of(commands)
    assert (
        "starts from the weights of sgpn_semantics/Scissors/seed_0/level_1; kept has of it the results" in done.stderr
    )
    done, commands = call(checkout, *TWO_STAGES, "--results=kept", "--force")
    assert done.returncode == 0 and len(runs_of(commands)) == 2


@pytest.mark.parametrize("jobs", ["0", "two", "-1", ""])
def test_jobs_that_are_no_number(checkout, jobs):
    done, commands = call(checkout, "partnet_all.sh", f"--jobs={jobs}")
    assert done.returncode == 1 and not commands
    assert done.stderr.startswith(f"error: flag --jobs={jobs}: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--seeds=0,one",), "--seeds=0,one: want whole numbers"),
        (("--categories=Chiar",), "Chair"),
        (("--data_dir=nowhere",), "--data_dir=nowhere: no such folder; without the flag, procedural data is made"),
    ],
)
def test_what_cannot_be_planned_is_one_line(checkout, flags, message):
    done, commands = call(checkout, "ablation.sh", "--data_dir=there", *flags)
    assert done.returncode == 1 and message in done.stderr and not runs_of(commands)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--preset=smokey", "--preset=smokey: no such file, and no preset of that name; did you mean 'smoke'?"),
        ("--categories=chair", "unknown category 'chair'; did you mean 'Chair'?"),
    ],
)
def test_no_data_is_made_for_what_cannot_run(checkout, wrong, message):
    done, commands = call(checkout, "partnet_all.sh", wrong)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1
    assert not any("make_procedural" in command for command in commands)


def test_a_run_held_by_another_process_is_skipped_and_named(checkout):
    done, commands = call(checkout, "partnet_all.sh", "--categories=Chair,Bag", "--data_dir=there", "--ckpt=ELSEWHERE")
    assert done.returncode == 0 and len(runs_of(commands)) == 2
    assert "running elsewhere: logs/partnet/demo/Chair" in done.stdout
    assert done.stdout.splitlines()[-1] == "RUNNING ELSEWHERE: logs/partnet/demo/Chair logs/partnet/demo/Bag"


def test_unknown_variant_is_named(checkout):
    done, commands = call(checkout, "ablation.sh", "--variants=no_such", "--categories=Chair", "--data_dir=there")
    assert done.returncode != 0 and "--variants: 'no_such' is no variant" in done.stderr and not runs_of(commands)


def test_partnet_all(checkout):
    done, commands = call(checkout, "partnet_all.sh", "--preset=smoke", "--categories=Chair,Bag", "--seed=3")
    assert done.returncode == 0, done.stderr
    make = "tools/make_procedural.py --out=data/procedural_smoke --size=smoke --skip_existing --categories=Chair,Bag"
    assert commands[0] == make
    assert [(run["category"], run["logdir"], run["seed"], run["preset"]) for run in runs_of(commands)] == [
        ("Chair", "logs/partnet/smoke/Chair", "3", "smoke"),
        ("Bag", "logs/partnet/smoke/Bag", "3", "smoke"),
    ]
    assert commands[-1] == "-m instance_seg.report logs/partnet/smoke"


def test_the_networks_of_one_level_are_those_that_the_report_merges():
    single = {name for name in variant_names() if any(layer.get("single_level") for layer in read_variant(name))}
    assert single == set(description_of("partnet")["one_network_per_level"])


def test_rooms_are_made_once_for_all_networks(checkout):
    done, commands = call(checkout, "scannet.sh", "--preset=smoke", "--seeds=0,1", "--test_augment=false", "--depth=3")
    assert done.returncode == 0, done.stderr
    assert commands[0] == "tools/make_rooms.py --out=data/procedural_rooms_smoke --size=smoke"
    runs = runs_of(commands)
    assert [run["variant"] for run in runs] == 2 * [
        name + fused for name in ("pointgroup", "dyco3d", "hais") for fused in ("", "_fusion")
    ]
    same = {"data_set": "scannet", "test_split": "val", "data_dir": "data/procedural_rooms_smoke", "preset": "smoke"}
    for run in runs:  # settings of rooms are passed on, those of a backbone that no run has are not
        assert run == run | same | {"test_augment": "false"} and "depth" not in run
        assert run["logdir"] == f"logs/scannet/smoke/{run['variant']}/seed_{run['seed']}"
    drawn = [dict(word.split("=") for word in c.split()[1:]) for c in commands if "draw_figures" in c]
    assert len(drawn) == 6 and drawn[0] == {
        "--data_dir": "data/procedural_rooms_smoke",
        "--split": "val",
        "--shapes": "0,1",
        "--baseline": "logs/scannet/smoke/pointgroup/seed_0",
        "--fusion": "logs/scannet/smoke/pointgroup_fusion/seed_0",
        "--out": "logs/scannet/smoke/figures/pointgroup_fusion_seed_0",
    }
    (checkout / "data/procedural_rooms_smoke").mkdir(parents=True)
    (checkout / "data/procedural_rooms_smoke/scannetv2_val.txt").touch()
    _, again = call(checkout, "scannet.sh", "--preset=smoke", "--force")
    assert len(runs_of(again)) == 6 and not any("make_rooms" in command for command in again)


def test_systems_choose_among_the_networks_of_rooms(checkout):
    _, commands = call(checkout, "scannet.sh", "--systems=hais", "--data_dir=there")
    assert [run["variant"] for run in runs_of(commands)] == ["hais", "hais_fusion"]
    assert {run["data_dir"] for run in runs_of(commands)} == {"there"}
    for flag, message in (("--systems=sgpn", "choose from pointgroup, dyco3d, hais"), ("--variants=hias", "hais")):
        done, commands = call(checkout, "scannet.sh", flag, "--data_dir=there")
        assert done.returncode == 1 and message in done.stderr and not runs_of(commands)


@pytest.mark.parametrize("script", ["ablation.sh", "comparison.sh", "partnet_all.sh", "scannet.sh"])
def test_help_is_the_head_of_the_script(checkout, script):
    done, _ = call(checkout, script, "--help")
    assert done.returncode == 0 and "--preset=NAME" in done.stdout and "set -" not in done.stdout


def test_a_run_gets_only_the_flags_of_its_own_backbone():
    from instance_seg import study

    passed_on = ["--depth=4", "--pointnet2_samples=8", "--max_iter=3", "--noabs_input"]
    octree, points = (study.Run("", (f"--variant={name}",)) for name in ("cross_level_fusion", "cross_level_pointnet2"))
    own = study.flags_of(octree, "demo", passed_on)
    assert own == ["--depth=4", "--max_iter=3", "--noabs_input"]
    assert study.flags_of(points, "demo", passed_on) == ["--pointnet2_samples=8", "--max_iter=3"]
    passed_on.append("--backbone=pointnet2")  # for all runs
    assert study.flags_of(octree, "demo", passed_on) == ["--pointnet2_samples=8", "--max_iter=3", passed_on[-1]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max_itr=3"], "--max_itr=3: neither a study nor its runs have such a flag; did you mean 'max_iter'?"),
        (["--no_such_flag"], "--no_such_flag: neither a study nor its runs have such a flag"),
        (["smoke"], "'smoke' belongs to no flag; write --flag=VALUE"),
        (["--max_iter", "3"], "'3' belongs to no flag"),
    ],
)
def test_words_that_no_run_knows_are_refused_even_where_all_is_done(checkout, words, message):
    assert call(checkout, "ablation.sh", "--variants=multi_level_baseline")[0].returncode == 0
    done, commands = call(checkout, "ablation.sh", "--variants=multi_level_baseline", *words)
    assert done.returncode != 0 and message in done.stderr and not runs_of(commands)


def test_folds_of_s3dis(checkout):
    for area in (2, 5):
        (checkout / f"areas/Area_{area}/room_1/Annotations").mkdir(parents=True)
    flags = ("--data_dir=areas", "--seeds=0,1", "--block_points=64", "--depth=3")
    done, commands = call(checkout, "s3dis.sh", "--folds=2,5", "--variants=asis,b_asis", *flags)
    assert done.returncode == 0, done.stderr
    trained = runs_of(commands)
    assert [run["logdir"].removeprefix("logs/s3dis/demo/") for run in trained[:4]] == [
        f"{variant}/area_{area}/seed_0" for area in (2, 5) for variant in ("asis", "b_asis")
    ]
    assert len(trained) == 8 and {run["data_set"] for run in trained} == {"s3dis"}
    assert {run["block_points"] for run in trained} == {"64"} and not any("depth" in run for run in trained)
    for folds, message in (("7", "'7' is no area of S3DIS"), ("3", "Area_3: no room in it")):
        done, commands = call(checkout, "s3dis.sh", f"--folds={folds}", "--data_dir=areas")
        assert done.returncode != 0 and message in done.stderr and not runs_of(commands)


def test_procedural_rooms_in_six_areas(checkout):
    (checkout / "data/procedural_areas_smoke").mkdir(parents=True)
    for area in range(1, 7):
        (checkout / f"data/procedural_areas_smoke/Area_{area}/room_1/Annotations").mkdir(parents=True)
    done, commands = call(checkout, "s3dis.sh", "--folds=all", "--preset=smoke", "--variants=asis")
    assert done.returncode == 0, done.stderr
    trained = [command for command in commands if "instance_seg.train" in command]
    assert len(trained) == 6 and all("--allow_partial" in command for command in trained)


@pytest.mark.parametrize(
    ("flags", "shapes", "weights"),
    [
        ((), "--train=600", "instance_seg/weights"),
        (("--preset=smoke",), "--size=smoke", "logs/weights/smoke/weights"),
        (("--preset=smoke", "--out=here"), "--size=smoke", "here"),
    ],
)
def test_weights_of_other_presets_do_not_replace_those_that_come_along(checkout, flags, shapes, weights):
    done, commands = call(checkout, "weights.sh", "--categories=Chair,Rooms", *flags)
    assert done.returncode == 0, done.stderr
    assert shapes in commands[0].split() and "--sturdy=0.4" in commands[0]
    preset = "smoke" if flags else "carried"
    chair, rooms = runs_of(commands)
    assert (chair["logdir"], chair["preset"]) == (f"logs/weights/{preset}/Chair", preset)
    assert (rooms["logdir"], rooms["variant"]) == (f"logs/weights/{preset}/Rooms", "pointgroup_fusion")
    exported = [command for command in commands if command.startswith("tools/export.py")]
    assert [command.split()[2] for command in exported] == [f"--output={weights}/{c}" for c in ("Chair", "Rooms")]


def test_a_run_of_weights_that_is_done_is_not_trained_again(checkout):
    for _ in range(2):
        done, commands = call(checkout, "weights.sh", "--categories=Chair", "--runs=a", "--out=b")
        assert done.returncode == 0, done.stderr
    assert not runs_of(commands) and commands[-1] == "tools/model_card.py --run=a/Chair --output=b/Chair"

"""The benchmark: what it counts, how it reads its flags, and that each suite runs on small shapes. No times."""

import csv
import functools
import json
import math
import sys

import numpy as np
import pytest
from tools_in_process import call, loaded

from instance_seg.backbones.sparse_unet import SparseUNet
from instance_seg.benchmark import blocks, evaluation, growth, peer, rooms, suites
from instance_seg.benchmark.timing import Row, Seconds, added_memory_mb, milliseconds, time_runs
from instance_seg.benchmark.workload import NUM_CLASSES, Work, load_settings, make_split, read_shapes
from instance_seg.fusion.semantic_assisted import SemanticAssistedFusion, Transfer
from instance_seg.octree.units import DownUnit, UpUnit


@pytest.fixture
def shapes_file(tmp_path):
    points = np.random.default_rng(0).normal(size=(2, 120, 3))
    points /= 1.1 * np.linalg.norm(points, axis=2, keepdims=True)
    np.savez(tmp_path / "shapes.npz", points=points, normals=points)
    return str(tmp_path / "shapes.npz")


def run(shapes_file, *flags):
    call("benchmark", f"--shapes={shapes_file}", "--batch=2", "--depth=4", "--runs=1", "--preset=smoke", *flags)


def test_minimum_and_median():
    seconds = Seconds((0.3, 0.1, 0.2))
    row = milliseconds("suite", "name", seconds, per=2, work=4e9, rate=80e9)
    assert row[:5] == ("suite", "name", pytest.approx(50), pytest.approx(100), "ms")
    assert row.gflop == 2 and row.fraction == pytest.approx(0.5)


def test_processor_time_leaves_out_what_waits():
    assert time_runs(lambda: None, 1, clock="cpu").best >= 0
    with pytest.raises(KeyError):
        time_runs(lambda: None, 1, clock="sun")


def test_runs_after_the_warm_up_count():
    calls = []
    assert len(time_runs(lambda: calls.append(1), 3, warmup=2).runs) == 3
    assert len(calls) == 5


def counted(shapes_file, **more):
    work = Work(load_settings("smoke", 4, **more), make_split(read_shapes(shapes_file)), 2)
    return work, work.calls()


@pytest.mark.parametrize("more", suites.FUSIONS.values(), ids=suites.FUSIONS)
def test_every_kernel_is_counted_once(shapes_file, more):
    work, calls = counted(shapes_file, **more)
    kernels = [call.layer.kernel.path for call in calls if hasattr(call.layer, "kernel")]
    assert sorted(kernels) == sorted(v.path for v in work.system.trainable_variables if v.path.endswith("kernel"))
    assert [call.differentiable for call in calls] == [False] + [True] * (len(calls) - 1)


def test_each_layer_says_its_multiplications(shapes_file):
    """What the octree and the points of the batch tell of a layer of each kind."""
    work, calls = counted(shapes_file, variant="cross_level_fusion")
    octree = work.batch.tables.octree
    octants = [keys.shape[0] for keys in octree.keys]
    entry, *others = calls
    pairs = np.count_nonzero(octree.neighbors[4].numpy() >= 0)
    assert entry.forward == 2 * pairs * math.prod(entry.layer.kernel.shape[1:]) and entry.step == 2 * entry.forward
    assert others and all(call.step == 3 * call.forward for call in others)
    for kind, rows in ((DownUnit, octants[4]), (UpUnit, octants[4])):
        widths = work.system.settings.backbone_settings.channels[:2]
        assert rows * math.prod(widths) in [c.multiplications for c in calls if isinstance(c.layer, kind)]
    logits = next(c for c in calls if c.layer.name == "logits")
    assert logits.multiplications == 240 * math.prod(logits.layer.kernel.shape)
    pooling = [c for c in calls if isinstance(c.layer, SemanticAssistedFusion)]
    assert [c.multiplications for c in pooling] == [240 * sum(NUM_CLASSES) * pooling[0].shapes[0][1]] * 3
    spreading = [c.multiplications for c in calls if isinstance(c.layer, Transfer)]
    assert sum(spreading) == 3 * 240 * sum(NUM_CLASSES) * work.system.settings.head_width


@pytest.mark.slow
def test_suites_write_json_and_csv(shapes_file, tmp_path, capsys):
    run(shapes_file, "--suite=octree,step,pipeline", f"--json={tmp_path}/a.json", f"--csv={tmp_path}/a.csv")
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    for name in ("octree_ms_per_shape", "forward_ms_per_shape", "step_ms_per_shape", "peak_rss_mb", "matmul_gflops"):
        assert results[name] > 0 and results[f"{name}_median"] > 0
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [r["name"] for r in rows][:2] == ["octree_ms_per_shape", "step_ms_per_shape"]
    assert "batch 2, depth 4, 120 points, wall time" in capsys.readouterr().out


@pytest.mark.slow
def test_the_fusion_is_what_the_networks_differ_by(shapes_file, capsys):
    run(shapes_file, "--suite=fusion", "--line")
    results = json.loads(capsys.readouterr().out)
    for levels in suites.FUSED_LEVELS:
        without, fused = (results[f"{levels}inference_{x}_fusion_ms_per_shape"] for x in ("without", "with"))
        assert results[f"{levels}with_fusion_added"] == pytest.approx(100 * (fused / without - 1), abs=0.5)


def test_layers_and_evaluation_run(shapes_file, capsys):
    run(shapes_file, "--suite=conv,cluster,metrics", "--line")
    results = json.loads(capsys.readouterr().out)
    assert results["backbone/encoder_4/entry forward"] > 0 and results["tight sklearn/native"] > 0
    assert results["seconds_per_1000_shapes"] > 0


@pytest.mark.slow
def test_growth_is_told_per_octant_and_beside_the_smallest_case(monkeypatch, shapes_file, tmp_path):
    monkeypatch.setattr(growth, "CASES", ((200, 3), (30_000, 5)))
    run(shapes_file, "--suite=scale", f"--csv={tmp_path}/a.csv")
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    small, large = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    assert "200 points, depth 3" in small[0]["sizes"] and "30000 points, depth 5" in large[0]["sizes"]
    values = [{r["name"]: float(r["value"]) for r in case} for case in (small, large)]
    octree, conv = ([v[f"{name}_ns_per_octant"] for v in values] for name in ("octree", "conv"))
    ratio = (octree[1] + conv[1]) / (octree[0] + conv[0])
    assert [v["relative_time_per_octant"] for v in values] == pytest.approx([1, ratio], rel=1e-4)
    octants = int(large[0]["sizes"].split()[-2])
    assert values[1]["memory_mb"] * 2**20 == pytest.approx(octants * values[1]["memory_bytes_per_octant"], rel=1e-4)
    assert values[1]["memory_mb"] > 27 * 4 * octants / 2**20  # at least the neighbor tables


@pytest.mark.slow
def test_a_case_of_growth_that_fails_is_quoted(monkeypatch, shapes_file):
    monkeypatch.setattr(growth, "CASES", ((200, 99),))
    with pytest.raises(SystemExit, match="depth = 99 is out of range"):
        run(shapes_file, "--suite=scale")


def test_added_memory_is_what_a_call_holds_at_its_peak():
    measured = [added_memory_mb(lambda: np.ones(8 << 20)) for _ in range(3)]
    assert max(measured) == pytest.approx(64, abs=2)  # what else the process gives back meanwhile is missing in some


def test_the_peer_runs_in_turn(tmp_path):
    script = tmp_path / "side.py"
    figures = {"octree_ms_per_shape": 1, "forward_ms_per_shape": 2, "step_ms_per_shape": 4}
    script.write_text(f"import json, sys\nopen(sys.argv[1], 'a').write(sys.argv[2])\nprint(json.dumps({figures}))\n")
    sides = [peer.Side(name, [sys.executable, str(script), str(tmp_path / "log"), name]) for name in ("A", "B")]
    rows = {row.name: row for row in peer.compare(*sides, turns=2)}
    assert (tmp_path / "log").read_text() == "ABAB"
    assert rows["ratio step_ms_per_shape"].value == 1 and rows["A peak_rss_mb"].value > 0


def test_medians_of_two_turns_lie_between_them(monkeypatch):
    figures = iter((1, 10, 3, 20))  # of A, B, A, B
    monkeypatch.setattr(peer.Side, "run", lambda side: dict.fromkeys(peer.COMPARED, next(figures)))
    rows = peer.compare(peer.Side("A", []), peer.Side("B", []), turns=2)
    assert [row[2:4] for row in rows[:3]] == [(1, 2), (10, 15), (0.1, 2 / 15)]


def test_other_suites_follow_the_peer(monkeypatch, shapes_file, tmp_path):
    figures = {"octree_ms_per_shape": 1, "forward_ms_per_shape": 2, "step_ms_per_shape": 4}
    script = tmp_path / "side.py"
    script.write_text(f"print({json.dumps(figures)!r})\n")
    monkeypatch.setattr(peer, "our_side", lambda *_: peer.Side("ours", [sys.executable, str(script)]))
    command = [f"--csv={tmp_path}/a.csv", "--turns=1", f"--peer={sys.executable},{script}"]
    run(shapes_file, "--suite=octree,step,metrics", *command)
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert {row["suite"] for row in rows} == {"peer", "metrics"}
    assert all("depth" in row["sizes"] for row in rows if row["suite"] == "peer")


def test_a_peer_that_fails_is_quoted():
    with pytest.raises(RuntimeError, match="no such thing"):
        peer.Side("peer", [sys.executable, "-c", "raise SystemExit('no such thing')"]).run()


def test_messages(shapes_file, tmp_path):
    with pytest.raises(SystemExit, match="--suite: 'fast' is unknown; choose from octree, "):
        run(shapes_file, "--suite=fast")
    with pytest.raises(SystemExit, match="--peer: want PYTHON,SCRIPT"):
        run(shapes_file, "--peer=python")
    with pytest.raises(SystemExit, match="--batch=3"):
        run(shapes_file, "--batch=3")
    with pytest.raises(SystemExit, match="missing.npz"):
        run(str(tmp_path / "missing.npz"))


def test_summary_has_medians():
    with loaded("benchmark") as benchmark:
        assert benchmark.summary([Row("s", "a", 1.0, 2.0, "ms")]) == {"a": 1.0, "a_median": 2.0}


@pytest.fixture
def room_file(tmp_path):
    rng = np.random.default_rng(0)
    room = {"xyz": rng.integers(0, 4096, (300, 3)), "rgb": rng.integers(0, 255, (300, 3))}
    room |= {"semantic": rng.integers(0, 20, 300), "instance": np.repeat([-1, 0, 1], 100)}
    np.savez(tmp_path / "room.npz", **room)
    return str(tmp_path / "room.npz")


def test_suite_of_blocks(shapes_file, room_file, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "NETWORKS", ("asis",))
    monkeypatch.setattr(blocks, "MERGED", 40_960)
    run(shapes_file, "--suite=blocks", f"--room={room_file}", f"--json={tmp_path / 'out.json'}")
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [row["name"] for row in rows] == ["asis training", "asis inference", "merging_ms", "matmul_gflops"]
    training, inference = rows[:2]
    assert 2 < training["gflop"] / inference["gflop"] < 3 and inference["fraction"] > 0
    with pytest.raises(SystemExit, match="--suite=blocks needs --room"):
        run(shapes_file, "--suite=blocks")


def test_suite_of_scannet_ap(shapes_file, room_file, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "SCANS", (1, 3))
    run(shapes_file, "--suite=scannet_ap", f"--room={room_file}", f"--json={tmp_path / 'out.json'}")
    found = json.loads((tmp_path / "out.json").read_text())["results"]
    assert found["ap_of_1_scans_ms"] > 0 and found["ap_of_3_scans_ms"] > 0
    with pytest.raises(SystemExit, match="--suite=scannet_ap needs --room"):
        run(shapes_file, "--suite=scannet_ap")


def test_suite_of_rooms(shapes_file, room_file, tmp_path, monkeypatch):
    monkeypatch.setattr(rooms, "SparseUNet", functools.partial(SparseUNet, channels=(8, 16)))
    run(shapes_file, "--suite=sparse", f"--room={room_file}", f"--json={tmp_path / 'out.json'}")
    found = json.loads((tmp_path / "out.json").read_text())["results"]
    assert {"tables_ms", "inference_ms", "forward_ms", "step_ms", "components_ms", "peak_rss_mb"} <= found.keys()
    with pytest.raises(SystemExit, match="--suite=sparse needs --room"):
        run(shapes_file, "--suite=sparse")

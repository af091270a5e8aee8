"""The figures of real, if tiny and hardly trained, runs; and of made-up segmentations."""

import types

import matplotlib.image
import numpy as np
import pytest
from plyfile import PlyData
from tools_in_process import call, loaded
from training.small_runs import tiny_config

from instance_seg.building import make_data_set
from instance_seg.clustering.partition import as_proposals
from instance_seg.evaluation.evaluate import Drawable
from instance_seg.experiment import train
from instance_seg.presets import load_config
from instance_seg.structures import Labels, Segmented


@pytest.fixture(scope="module")
def tool():
    with loaded("draw_figures") as module:
        return module


@pytest.fixture(scope="module")
def runs(small_partnet, tmp_path_factory):
    """A single-level baseline and a cross-level run."""
    folder = tmp_path_factory.mktemp("runs")
    for name, more in (("single_level_baseline", {"level": 1}), ("cross_level_fusion", {})):
        assert train(tiny_config(small_partnet, folder / name, variant=name, max_iter=1, **more)) == 0
    return folder / "single_level_baseline", folder / "cross_level_fusion"


def test_panels_and_curves_of_runs(runs, small_partnet, tmp_path):
    flags = [f"--data_dir={small_partnet}", f"--baseline={runs[0]}", f"--fusion={runs[1]}", f"--out={tmp_path}"]
    call("draw_figures", *flags, "--shapes=2", "--curves")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["curves_level_1.png", "shape_2_level_1", "shape_2_level_1.png"]
    assert matplotlib.image.imread(tmp_path / "shape_2_level_1.png").shape[1] == 4 * 320
    files = sorted(path.name for path in (tmp_path / "shape_2_level_1").iterdir())
    columns = ["baseline", "cross-level_with_region_centers", "cross-level_without_region_centers"]
    assert files == sorted(["ground_truth.ply", *(f"{c}{end}.ply" for c in columns for end in ("", "_shifted"))])
    with pytest.raises(SystemExit, match="there is no shape 3; the split has 0 to 2"):
        call("draw_figures", *flags, "--shapes=3")


def segmented_cloud():
    """Points [40, 3], their labels, and a segmentation of which the instances have other numbers."""
    gt, found = np.repeat([4, 6], 20), np.repeat([1, 0], 20)
    ones, xyz = np.ones(40, np.int32), np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    certainty = np.zeros(40, np.float32)
    segmented = Segmented(ones, as_proposals(found, ones, certainty, 2), certainty, xyz / 2)
    return xyz, Labels(ones, gt), [Drawable("ours", segmented, None)]


def test_columns_are_numbered_after_the_ground_truth(tool, tmp_path):
    xyz, truth, shown = segmented_cloud()
    tool.write_panel(tmp_path / "a_panel", xyz, truth, shown, None, {})
    vertex = PlyData.read(str(tmp_path / "a_panel" / "ours_shifted.ply"))["vertex"]
    np.testing.assert_array_equal(vertex["instance"], truth.instance)
    np.testing.assert_array_equal(vertex["x"], xyz[:, 0] / 2)
    assert (tmp_path / "a_panel.png").exists() and (tmp_path / "a_panel" / "ground_truth.ply").exists()


class Fake:
    """A run whose evaluation is known."""

    clouds, picture = range(3), types.MappingProxyType({"size": 100})

    def __init__(self, category="Chair"):
        self.task = make_data_set(load_config("paper", {"category": category})).task()

    def evaluate(self, clouds, num_samples):
        xyz, *level = segmented_cloud()
        sample = types.SimpleNamespace(xyz=xyz, normals=None, levels={self.task.levels[0].name: level})
        return types.SimpleNamespace(samples=[sample for _ in clouds][:num_samples])


def test_the_readings_of_one_run(tool, tmp_path):
    tool.draw_shapes(None, Fake(), [0, 2], tmp_path, {"below": 0.8})
    names = ["all_level_1.png", "shape_0_level_1", "shape_0_level_1.png", "shape_2_level_1", "shape_2_level_1.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert matplotlib.image.imread(tmp_path / "all_level_1.png").shape[:2] == (126, 2 * 200)
    tool.check_runs(None, Fake(), [0, 2], False)
    with pytest.raises(ValueError, match="there is no shape 3"):
        tool.check_runs(None, Fake(), [3], False)
    with pytest.raises(ValueError, match="give --baseline"):
        tool.check_runs(None, Fake(), [], True)


def test_runs_of_different_categories(tool):
    with pytest.raises(ValueError, match="--baseline is of Chair, --fusion of Bag"):
        tool.check_runs(Fake("Chair"), Fake("Bag"), [], False)

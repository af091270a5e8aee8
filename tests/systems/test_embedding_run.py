"""ASIS and JSNet on a small S3DIS by the real program: blocks, training, rooms, measures, the checkpoint read again."""

import json

import pytest
from data.s3dis.small_rooms import write_area
from plyfile import PlyData

from instance_seg.experiment import evaluate, sweep, train
from instance_seg.predict import Options, predict
from instance_seg.presets import load_config

SMALL = {
    "data_set": "s3dis",
    "allow_partial": True,
    "block_points": 256,
    "head_width": 16,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "train_batch_size": 4,
    "max_iter": 12,
    "test_every_iter": 0,
    "picture_shapes": 1,
}
SIZES = {"points": (32, 16, 8, 4), "samples": 8, "width": 0.1}

pytestmark = pytest.mark.slow


def measures(folder, reading="mean-shift"):
    results = json.loads((folder / "results.json").read_text())
    return results["run"], results["readings"][reading]["levels"]["classes"]


@pytest.mark.parametrize(("variant", "backbone"), [("b_asis_fusion", "pointnet2"), ("jsnet", "pointconv")])
def test_rooms_through_the_program(tmp_path, variant, backbone):
    small = SMALL | {"variant": variant} | {f"{backbone}_{name}": value for name, value in SIZES.items()}
    write_area(tmp_path / "data", 1, 2)
    write_area(tmp_path / "data", 5, 2)
    where = {"data_dir": str(tmp_path / "data"), "logdir": str(tmp_path / "run")}
    assert train(load_config("paper", small | where)) == 0
    run, trained = measures(tmp_path / "run")
    assert run["variant"] == variant and run["clouds"] == 2
    assert run["subset"] == "area5" and run["calibration"]["classes/mean_size"][1] > 0
    assert set(trained) == {"mCov", "mWCov", "mPrec", "mRec", "mIoU", "per_class"}
    assert trained["per_class"]["chair"]["instances"] == 6 and trained["per_class"]["sofa"]["instances"] == 0
    evaluate(load_config("paper", small | where))  # the sizes come out of the checkpoint
    assert measures(tmp_path / "run")[1] == trained
    with pytest.raises(ValueError, match="--allow_partial"):  # the remedy, not that the network is another
        evaluate(load_config("paper", small | where | {"allow_partial": False}))
    sweep(load_config("paper", small | where), ["every_point=true"])
    every = measures(tmp_path / "run" / "sweep" / "every_point_true", "mean-shift, every point")[1]
    assert every["per_class"]["chair"]["instances"] == 6 and every["per_class"]["floor"]["union"] >= 1600

    objects = sorted((tmp_path / "data" / "Area_5" / "room_0" / "Annotations").glob("*.txt"))
    (tmp_path / "mine.txt").write_text("".join(path.read_text() for path in objects))
    predict(str(tmp_path / "run"), [str(tmp_path / "mine.txt")], tmp_path / "out", Options(up="z"))
    found = PlyData.read(tmp_path / "out" / "level_1.ply")["vertex"]
    assert len(found) == 2500 and 0 <= found["semantic"].min() <= found["semantic"].max() < 13
    assert (tmp_path / "out" / "picture.png").stat().st_size > 1000

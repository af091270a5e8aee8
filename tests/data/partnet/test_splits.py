"""Lists of the shapes of a split."""

import pytest

from instance_seg.data.partnet.splits import ShapeId, read_split_list, write_split_list


def test_round_trip(tmp_path):
    shapes = [ShapeId("d601", "43250"), ShapeId("32d9", "3069")]
    write_split_list(tmp_path, "Chair", "val", shapes)
    assert read_split_list(tmp_path, "Chair", "val") == shapes
    assert [path.name for path in (tmp_path / "stats/train_val_test_split").iterdir()] == ["Chair.val.json"]


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="no split 'dev'"):
        read_split_list(tmp_path, "Chair", "dev")
    with pytest.raises(ValueError, match="Chair.val.json: cannot be read"):
        read_split_list(tmp_path, "Chair", "val")
    path = tmp_path / "stats/train_val_test_split/Chair.val.json"
    path.parent.mkdir(parents=True)
    path.write_text('[{"model_id": "a", "anno_id": "1"}, {"model_id": "b"}]')
    with pytest.raises(ValueError, match="Chair.val.json: row 1 has no"):
        read_split_list(tmp_path, "Chair", "val")
    path.write_text('{"model_id": "b"}')
    with pytest.raises(ValueError, match="Chair.val.json: expected a list"):
        read_split_list(tmp_path, "Chair", "val")

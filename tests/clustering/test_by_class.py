"""Bandwidth and lambda by class: what a reading makes of them, and what their file is refused for."""

import pytest

from instance_seg.clustering.by_class import FILE_NAME, ByClass, ClassValues, read_values, things_of, write_values
from instance_seg.clustering.config import ClusterConfig
from instance_seg.structures import Level, Task

TASK = Task(
    "made up",
    "",
    (
        Level(1, "coarse", ("other", "seat, soft", "NA"), 1, (1, 2)),
        Level(2, "middle", ("other", "leg"), 1, (1,), scored=False),
        Level(3, "fine", ("floor", "leg"), 0, (1,)),
    ),
)
SEAT, ARM, LEG = VALUES = (
    ClassValues("coarse", "seat, soft", 0.4, 0.0),
    ClassValues("coarse", "NA", 0.1, 0.025),
    ClassValues("fine", "leg", 0.05, -0.01),
)


def test_values_of_the_classes_of_a_level():
    assert [(level.name, s) for level, s in things_of(TASK)] == [("coarse", 1), ("coarse", 2), ("fine", 1)]
    reading = ByClass(bandwidth=0.2, semantic_center_offset=0.0, values=VALUES)
    coarse, fine = (reading.of_classes(TASK.levels[k]) for k in (0, 2))
    assert [x.tolist() for x in coarse] == [[0.2, 0.4, 0.1], [0, 0, 0.025]]
    assert [x.tolist() for x in fine] == [[0.2, 0.05], [0, -0.01]]
    plain = ClusterConfig(bandwidth=0.2).of_classes(TASK.levels[0])
    assert [x.tolist() for x in plain] == [[0.2] * 3, [0.05] * 3]


def test_what_is_recorded():
    assert ByClass(values=(SEAT, LEG)).recorded() == {
        "eq7_guard": True,
        "region_push": "unit",
        "by_class": {
            "coarse": {"seat, soft": {"bandwidth": 0.4, "lambda": 0.0}},
            "fine": {"leg": {"bandwidth": 0.05, "lambda": -0.01}},
        },
    }
    assert set(ClusterConfig().recorded()) == {"bandwidth", "semantic_center_offset", "eq7_guard", "region_push"}


def test_readings_with_other_values_are_other_readings():
    assert ByClass(values=VALUES) == ByClass(values=VALUES) != ByClass(values=VALUES[:2])
    assert len({ByClass(values=VALUES), ByClass(values=VALUES), ClusterConfig()}) == 2


def test_a_file_keeps_readings_by_name(tmp_path):
    assert read_values(tmp_path, TASK) == {}
    write_values(tmp_path, {"calibrated": VALUES, "from labels": VALUES})
    assert read_values(tmp_path, TASK) == {"calibrated": VALUES, "from labels": VALUES}
    changed = (SEAT._replace(bandwidth=0.3), ARM, LEG)
    write_values(tmp_path, {"calibrated": changed, "learned": VALUES})
    assert read_values(tmp_path, TASK) == {"calibrated": changed, "from labels": VALUES, "learned": VALUES}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((*VALUES, LEG._replace(level="top")), "reading a: class leg of level top the task does not have"),
        ((*VALUES, LEG._replace(class_name="wing")), "class wing of level fine the task does not have"),
        ((*VALUES, LEG._replace(class_name="floor")), "class floor of level fine the task does not have"),
        ((*VALUES, LEG._replace(level="middle")), "class leg of level middle the task does not have"),
        ((*VALUES, ARM._replace(push=0.0)), "class NA of level coarse is there twice"),
        (VALUES[1:], "class seat, soft of level coarse is missing"),
        ((SEAT._replace(bandwidth=0.0), ARM, LEG), "class seat, soft of level coarse: bandwidth=0.0"),
        ((SEAT, ARM._replace(push=float("inf")), LEG), "class NA of level coarse: semantic_center_offset=inf"),
    ],
)
def test_values_that_do_not_fit_the_task_are_named(values, message, tmp_path):
    path = write_values(tmp_path, {"a": values})
    with pytest.raises(ValueError) as raised:
        read_values(tmp_path, TASK)
    assert str(raised.value).startswith(f"{path}: ") and message in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no table"),
        (b"\xff\xfe\x00", "is no table"),
        (b"reading,level,class,bandwidth,lambda\na,b\nc,d,e,1,2,3,4\n", "is no table"),
        (b"level,class,bandwidth,lambda\n", "its columns must be reading, level, class, bandwidth, lambda"),
        (b"reading,level,class,bandwidth,lambda\na,fine,leg,wide,0\n", "is no number"),
        (b"reading,level,class,bandwidth,lambda\n,fine,leg,1,0\n", "a reading has no name"),
    ],
)
def test_damaged_files_are_named(content, message, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        read_values(tmp_path, TASK)
    assert str(tmp_path) in str(raised.value) and "\n" not in str(raised.value)

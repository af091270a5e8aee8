"""Bandwidth and lambda by class: what a reading makes of them, and what their file is refused for."""

import pytest

from instance_seg.clustering.by_class import (
    FILE_NAME,
    ByClass,
    ClassValues,
    read_readings,
    things_of,
    write_readings,
)
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
        "kernel": "flat",
        "eq7_guard": True,
        "region_push": "unit",
        "by_class": {
            "coarse": {"seat, soft": {"bandwidth": 0.4, "lambda": 0.0}},
            "fine": {"leg": {"bandwidth": 0.05, "lambda": -0.01}},
        },
    }
    assert set(ClusterConfig().recorded()) == {
        "bandwidth",
        "semantic_center_offset",
        "kernel",
        "eq7_guard",
        "region_push",
    }


def test_readings_with_other_values_are_other_readings():
    assert ByClass(values=VALUES) == ByClass(values=VALUES) != ByClass(values=VALUES[:2])
    assert len({ByClass(values=VALUES), ByClass(values=VALUES), ClusterConfig()}) == 2


def read(folder):
    return read_readings(folder, ClusterConfig(region_push="soft"), TASK)


def test_a_file_keeps_readings_by_name(tmp_path):
    assert read(tmp_path) == {}
    soft = ByClass(region_push="soft", values=VALUES)
    write_readings(tmp_path, {"calibrated": ByClass(values=VALUES), "from labels": ByClass(values=VALUES)})
    assert read(tmp_path) == {"calibrated": soft, "from labels": soft}
    changed = (SEAT._replace(bandwidth=0.3), ARM, LEG)
    learned = ByClass(values=VALUES, kernel="gaussian")
    write_readings(tmp_path, {"calibrated": ByClass(values=changed), "learned": learned})
    assert read(tmp_path) == {
        "calibrated": ByClass.of(soft, changed),
        "from labels": soft,
        "learned": ByClass.of(soft, VALUES, kernel="gaussian"),
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((*VALUES, LEG._replace(level="top")), "reading a: class leg of level top the task does not have"),
        ((*VALUES, LEG._replace(class_name="wing")), "class wing of level fine the task does not have"),
        ((*VALUES, LEG._replace(class_name="floor")), "class floor of level fine the task does not have"),
        ((*VALUES, LEG._replace(level="middle")), "class leg of level middle the task does not have"),
        ((*VALUES, ARM._replace(push=0.0)), "class NA of level coarse is there twice"),
        (VALUES[1:], "class seat, soft of level coarse is missing"),
    ],
)
def test_values_that_do_not_fit_the_task_are_named(values, message, tmp_path):
    path = write_readings(tmp_path, {"a": ByClass(values=values)})
    with pytest.raises(ValueError) as raised:
        read(tmp_path)
    assert str(raised.value).startswith(f"{path}: ") and message in str(raised.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((SEAT._replace(bandwidth=0.0), ARM, LEG), "class seat, soft of level coarse: bandwidth=0.0"),
        ((SEAT, ARM._replace(push=float("inf")), LEG), "class NA of level coarse: semantic_center_offset=inf"),
    ],
)
def test_values_out_of_bounds_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        ByClass(values=values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no table"),
        (b"\xff\xfe\x00", "is no table"),
        (b"reading,kernel,level,class,bandwidth,lambda\na,b\nc,d,e,f,1,2,3,4\n", "is no table"),
        (b"level,class,bandwidth,lambda\n", "its columns must be reading, kernel, level, class, bandwidth, lambda"),
        (b"reading,kernel,level,class,bandwidth,lambda\na,flat,fine,leg,wide,0\n", "is no number"),
        (
            b"reading,kernel,level,class,bandwidth,lambda\na,flat,fine,leg,0,0\n",
            "reading a: class seat, soft of level coarse is missing",
        ),
        (
            b"reading,kernel,level,class,bandwidth,lambda\na,flat,fine,leg,1,0\na,cone,fine,leg,1,0\n",
            "reading a: has the kernels flat, cone, want one",
        ),
        (b"reading,kernel,level,class,bandwidth,lambda\n,flat,fine,leg,1,0\n", "a reading has no name"),
    ],
)
def test_damaged_files_are_named(content, message, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ValueError, match=message) as raised:
        read(tmp_path)
    assert str(tmp_path) in str(raised.value) and "\n" not in str(raised.value)

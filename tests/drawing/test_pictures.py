import matplotlib.image
import numpy as np
import pytest

from instance_seg.drawing.pictures import (
    NO_INSTANCE,
    Column,
    camera_axes,
    colors_for,
    match_colors,
    render_panel,
    stacked,
    write_png,
)
from instance_seg.structures import UPRIGHT


def cloud(num_points=500, seed=0):
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(num_points, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def test_a_label_has_one_color_in_every_picture():
    np.testing.assert_array_equal(colors_for(np.array([5, 2]))[0], colors_for(np.array([7, -1, 5]))[2])
    np.testing.assert_array_equal(colors_for(np.array([-1, -3])), [NO_INSTANCE, NO_INSTANCE])


def test_colors_of_labels_differ():
    colors = colors_for(np.arange(40))
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=2) + np.eye(40)
    assert distance.min() > 0.05
    assert colors.min() >= 0 and colors.max() <= 1


def test_predictions_take_the_name_of_what_they_match():
    gt = np.array([4, 4, 4, 4, 7, 7, -1, -1])
    predicted = np.array([0, 0, 0, 1, 2, 2, 3, -1])
    # 0 -> 4 and 2 -> 7; the fragment 1 and the stray 3 get numbers of their own
    np.testing.assert_array_equal(match_colors(predicted, gt), [4, 4, 4, 8, 7, 7, 9, -1])


def test_matching_without_ground_truth():
    np.testing.assert_array_equal(match_colors(np.array([3, 3, 5]), np.full(3, -1)), [0, 0, 1])
    assert match_colors(np.zeros(0, int), np.zeros(0, int)).shape == (0,)


def test_camera_looks_along_z_without_rotation():
    np.testing.assert_allclose(camera_axes(0, 0), np.eye(3), atol=1e-12)
    axes = camera_axes(35, 20)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert axes[1, 1] > 0.9  # y stays up


def test_panel_is_an_image_with_every_column_drawn():
    xyz = cloud()
    columns = [Column("truth", xyz, np.zeros(500, int), xyz), ("prediction", xyz, np.arange(500) % 7)]
    image = render_panel(columns, size=100)
    assert image.shape == (126, 200, 3) and image.dtype == np.uint8
    for half in (image[26:, :100], image[26:, 100:]):
        assert 0.3 < np.mean(np.any(half < 250, axis=2)) < 0.95
    np.testing.assert_array_equal(image, render_panel(columns, size=100))


def test_nearer_points_hide_farther_ones():
    far_first = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    for xyz in (far_first, far_first[::-1]):
        labels = np.where(xyz[:, 2] > 0, 1, -1)
        image = render_panel([Column("", xyz, labels)], size=101, azimuth=0, elevation=0)
        np.testing.assert_allclose(image[26 + 50, 50] / 255, colors_for(np.array([1]))[0], atol=0.01)


def test_up_is_up():
    xyz = np.array([[0, 1.0, 0], [0, -1.0, 0]])
    image = render_panel([Column("", xyz, np.array([0, -1]))], size=100, azimuth=0, elevation=0)[26:]
    colored = np.ptp(image.astype(int), axis=2) > 30
    assert colored[:50].any() and not colored[50:].any()


def test_a_single_point_is_drawn():
    image = render_panel([Column("", np.zeros((1, 3)), np.zeros(1, int))], size=50)
    assert (image < 250).any()


@pytest.mark.parametrize(
    ("taken", "inset"),
    [((), (1, 0)), (((1, 0),), (0, 1)), (((1, 0), (0, 1)), (1, 1)), (((1, 0), (0, 1), (1, 1)), (0, 0))],
)
def test_an_inset_lies_where_the_fewest_points_are(taken, inset):
    cross = [(-0.4, 0.5, 0), (1.4, 0.5, 0), (0.5, -0.4, 0), (0.5, 1.4, 0)]  # holds the corners at their places
    xyz = np.array([*cross, *((x, y, 0) for x, y in taken)])
    image = render_panel([Column("", xyz, np.zeros(len(xyz), int), inset=xyz)], size=100, azimuth=0, elevation=0)
    without = render_panel([Column("", xyz, np.zeros(len(xyz), int))], size=100, azimuth=0, elevation=0)
    rows, columns = np.nonzero(np.any(image != without, axis=2))
    assert (columns.mean() > 50, rows.mean() < 76) == (inset[0] == 1, inset[1] == 1)


@pytest.mark.parametrize(
    "column, message",
    [
        (Column("truth", np.zeros((0, 3)), np.zeros(0, int)), "column 'truth'"),
        (Column("truth", np.zeros((5, 2)), np.zeros(5, int)), r"xyz \(5, 2\)"),
        (Column("truth", np.zeros((5, 3)), np.zeros(4, int)), r"labels \(4,\)"),
        (Column("truth", np.zeros((5, 3)), np.zeros(5, int), np.zeros((4, 3))), r"normals \(4, 3\) does not fit"),
    ],
)
def test_errors_name_the_column(column, message):
    with pytest.raises(ValueError, match=message):
        render_panel([column])


def test_no_columns():
    with pytest.raises(ValueError, match="at least one column"):
        render_panel([])


def test_png_round_trip(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    write_png(tmp_path / "docs" / "shape.png", image)
    read = matplotlib.image.imread(tmp_path / "docs" / "shape.png")
    np.testing.assert_array_equal(np.uint8(read[:, :, :3] * 255 + 0.5), image)
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["shape.png"]


def test_points_in_no_instance_hide_nothing_where_one_sees_through_them():
    """A gray wall in front of a thing, z up, seen from -y."""
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, 30), np.linspace(-1, 1, 30)), axis=-1).reshape(-1, 2)
    wall = np.column_stack([grid[:, 0], np.full(900, -1.0), grid[:, 1]])
    thing = np.column_stack([0.5 * grid[:, 0], np.zeros(900), 0.5 * grid[:, 1]])
    xyz, labels = np.concatenate([wall, thing]), np.repeat([-1, 4], 900)

    def colored(**more):
        image = render_panel([Column("", xyz, labels, **more)], 100, 0, 0, up="z", see_through=see_through)[26:]
        return np.ptp(image.astype(int), axis=2) > 40

    see_through = False
    assert not colored().any()
    see_through = True
    assert colored().mean() > 0.15
    assert colored(inset=xyz).sum() > colored().sum()  # of the thing alone


def test_the_axis_that_points_up():
    rng = np.random.default_rng(0)
    xyz, labels = rng.normal(size=(50, 3)), np.arange(50)
    turned = xyz @ UPRIGHT["z"].T
    np.testing.assert_array_equal(
        render_panel([("", xyz, labels)], 60, up="z"), render_panel([("", turned, labels)], 60)
    )


def test_a_long_title_becomes_smaller_and_is_not_cut():
    column = Column("StorageFurniture, level 1", cloud(), np.zeros(500, int))
    title = render_panel([column], size=120)[:26]
    assert (title < 200).any() and (title[:, [0, -1]] > 200).all()


def test_what_lies_above_a_share_of_the_height_is_left_out():
    xyz = np.array([[x, y, 0.0] for x in (0.0, 1.0) for y in (0.0, 0.5, 1.0)])
    one = np.zeros(6, int)
    column = Column("a room", xyz, one, None, one, xyz + 0.1)
    lower = Column(
        "a room", *(each[xyz[:, 1] < 0.9] for each in (xyz, one)), None, one[:4], (xyz + 0.1)[xyz[:, 1] < 0.9]
    )
    np.testing.assert_array_equal(render_panel([column], size=100, below=0.6), render_panel([lower], size=100))
    turned = column._replace(xyz=xyz @ UPRIGHT["z"], inset=None)
    above = lower._replace(xyz=lower.xyz @ UPRIGHT["z"], inset=None)
    np.testing.assert_array_equal(
        render_panel([turned], size=100, below=0.6, up="z"), render_panel([above], size=100, up="z")
    )


def test_panels_stack_in_two_columns(tmp_path):
    panels = [np.full((4, 6, 3), 50 * i, np.uint8) for i in range(3)]
    image = stacked(panels)
    assert image.shape == (8, 12, 3) and (image[4:, 6:] == 255).all() and (image[:4, 6:] == 50).all()
    np.testing.assert_array_equal(stacked(panels[:1]), panels[0])
    write_png(tmp_path / "few.png", image, palette=True)
    np.testing.assert_array_equal(np.uint8(255 * matplotlib.image.imread(tmp_path / "few.png"))[:, :, :3], image)

"""Tables 6, 8 and 9, of networks on rooms, and the pictures of Figure 9 on the page."""

import pytest

from instance_seg.evaluation.results import build_results
from instance_seg.report.frame import make_frame
from instance_seg.report.report import make_report, write_report


def results(variant, ap50, begun_with="", seconds=1.0, seed=0):
    level = {"AP": ap50 - 20, "AP50": ap50, "AP25": ap50 + 10, "mIoU": 60.0, "per_class": {}}
    run = {
        **{"task": "scannet", "dataset": "scannet", "subset": "", "variant": variant, "preset": "paper", "seed": seed},
        **{"iterations": 9, "clouds": 4, "begun_with": begun_with},
        "seconds": {"train": 1.0, "predict": seconds, "cluster": 0.6, "metrics": 9.0},
    }
    return build_results(run, {"proposals": {"settings": {}, "levels": {"object": level}}})


@pytest.fixture
def runs():
    """HAIS from random weights, and trained on from given ones with fusion."""
    return [
        results("hais", 60.0),
        results("hais_fusion", 62.0, seconds=1.4),
        results("hais_fusion", 66.0, "hais.pth"),
        results("hais_fusion", 68.0, "hais.pth", seed=1),
    ]


def table(runs, name):
    (section,) = make_report(make_frame(runs))
    return {each.name: each for each in section.tables}.get(name)


def test_what_began_with_given_weights_is_table_6_and_the_rest_table_9(runs):
    six, nine = (table(runs, name) for name in ("Table 6", "Table 9"))
    ap50 = six.headers.index("AP50")
    rows = {row[0]: row for row in six.rows}
    assert rows["hais_fusion"][ap50 : ap50 + 3] == ["67.0 ± 1.4", "64.9", "+2.1"]
    assert rows["hais"][1] == "not run"
    rows = {row[0]: row for row in nine.rows}
    assert [rows[name][ap50] for name in ("hais", "hais_fusion")] == ["60.0", "62.0"]
    assert table(runs[:2], "Table 6") is None and table(runs[:2], "Table 9") is not None


def test_table_8_shows_the_share_of_fusion(runs):
    rows = {row[0]: row[1:] for row in table(runs, "Table 8").rows}
    assert rows["hais"] == ["400", "375"] and rows["hais_fusion"] == ["500 (+100, 20 %)", "388 (+13, 3 %)"]


def test_the_page_shows_the_pictures_of_pairs_of_networks(runs, tmp_path):
    path = tmp_path / "figures" / "hais_fusion_seed_0" / "shape_1_level_1.png"
    path.parent.mkdir(parents=True)
    path.touch()
    page = write_report(tmp_path, make_report(make_frame(runs))).read_text()
    assert 'src="../figures/hais_fusion_seed_0/shape_1_level_1.png"' in page
    assert "<figcaption>hais_fusion_seed_0/shape_1_level_1</figcaption>" in page

"""The weights that come along, and the card that is written for them."""

import re

import pytest
from small_results import readings, run_info
from tools_in_process import call

from instance_seg.evaluation.results import build_results, write_results
from instance_seg.training import weights_folder
from instance_seg.training.checkpoint_files import described_config
from instance_seg.training.weights_folder import CARRIED, WEIGHTS, carried_weights, is_weights_folder

SHIPPED = sorted(path.parent.name for path in CARRIED.glob(f"*/{WEIGHTS}"))


def test_every_folder_is_of_its_category_with_limits_and_a_card():
    assert SHIPPED == ["Bed", "Chair", "Lamp", "Rooms", "StorageFurniture", "Table"]
    for category in set(SHIPPED) - {"Rooms"}:
        folder = carried_weights(category)
        assert described_config(folder).source.category == category
        names = {path.name for path in (CARRIED / category).iterdir()}
        assert names == {WEIGHTS, "network.yaml", "entropy.csv", "readings.csv", "README.md"}
        assert (CARRIED / category / WEIGHTS).stat().st_size < 3_000_000


def test_the_weights_for_rooms_are_small_and_have_a_card():
    config = described_config(carried_weights("Rooms"))
    assert (config.data_set, config.system, config.network.fusion) == ("scannet", "pointgroup", "own")
    assert {path.name for path in (CARRIED / "Rooms").iterdir()} == {WEIGHTS, "network.yaml", "README.md"}
    assert (CARRIED / "Rooms" / WEIGHTS).stat().st_size < 4_000_000


def test_a_category_without_weights_is_named(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="no weights come along for Vase, but for Bed, Chair, .*Table; or give"):
        carried_weights("Vase")
    monkeypatch.setattr(weights_folder, "CARRIED", tmp_path)
    with pytest.raises(ValueError, match="but for nothing"):
        carried_weights("Chair")
    assert not is_weights_folder(tmp_path)


def test_the_card_has_the_measures_of_the_results(tmp_path):
    run = run_info("Chair") | {"parameters": 1234567, "clouds": 60}
    write_results(tmp_path, build_results(run, readings({0: 55.5, 2: 44.5})))
    call("model_card", f"--run={tmp_path}", f"--output={tmp_path / 'out'}")
    text = (tmp_path / "out" / "README.md").read_text()
    assert text.startswith("# Chair: parts on three levels") and "1,234,567 parameters" in text
    assert (
        "| without region centers | Coarse  |   55.5 |" in text
        and "| with region centers    | Mean    |   50.0" in text
    )
    assert "40 % of them of the sturdy styles" in text and "real_shapes.sh" in text
    write_results(tmp_path, build_results(run | {"subset": "Bed"}, readings({0: 55.5, 2: 44.5})))
    call("model_card", f"--run={tmp_path}", f"--output={tmp_path / 'bed'}")
    text = (tmp_path / "bed" / "README.md").read_text()
    assert text.startswith("# Bed") and "sturdy" not in text and "tried on no real shape" in text
    measures = {"AP": 22.2, "AP50": 44.4}
    found = {"proposals": {"settings": {}, "levels": {"object": measures | {"per_class": {}}}, "mean": measures}}
    write_results(tmp_path, build_results(run | {"task": "scannet", "variant": "pointgroup_fusion"}, found))
    call("model_card", f"--run={tmp_path}", f"--output={tmp_path / 'rooms'}")
    text = (tmp_path / "rooms" / "README.md").read_text()
    assert text.startswith("# Rooms") and re.search(r"\| proposals +\| Mean +\| +22.2 \| +44.4 \|", text)
    with pytest.raises(SystemExit, match="error: .*nowhere"):
        call("model_card", f"--run={tmp_path / 'nowhere'}", f"--output={tmp_path / 'out'}")

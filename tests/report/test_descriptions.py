import numpy as np
import pandas as pd
import pytest

from instance_seg.data.partnet.taxonomy import CATEGORIES, LEVEL_NAMES, load_taxonomy
from instance_seg.report.averages import with_averages
from instance_seg.report.descriptions import FOLDER, PAPERS_OWN, description_of, papers_networks, table_of
from instance_seg.report.layouts import LAYOUTS

PARTNET = description_of("partnet")
GRIDS = {
    (table["name"], method): figures
    for table in PARTNET["tables"]
    if table["layout"] == "grid"
    for method, figures in table["paper"].items()
}


@pytest.mark.parametrize("name, method", GRIDS)
def test_the_papers_figures_agree_with_its_printed_averages(name, method):
    """Guards the transcription: our averaging of the printed figures gives the printed averages, up to rounding."""
    printed = pd.DataFrame(GRIDS[name, method], dtype=float).T
    levels = printed.loc[list(LEVEL_NAMES)].iloc[:, 1:]
    assert levels.shape == (3, 24)
    np.testing.assert_array_equal(levels.notna().sum(axis=1), [24, 9, 17])
    averages = with_averages(levels)
    np.testing.assert_allclose(averages[-1], printed.loc["average"], atol=0.11)
    np.testing.assert_allclose(averages[:-1, 0], printed.loc[list(LEVEL_NAMES), 0], atol=0.11)


def test_the_paper_has_figures_of_the_levels_that_categories_have():
    assert tuple(PARTNET["subsets"]) == CATEGORIES and tuple(PARTNET["levels"]) == LEVEL_NAMES
    papers = table_of(PARTNET, "Table 1")["paper"][PAPERS_OWN]
    for column, category in enumerate(CATEGORIES, 1):
        printed = tuple(k for k, level in enumerate(LEVEL_NAMES) if papers[level][column] is not None)
        assert printed == load_taxonomy(category).real_levels, category


def test_table_4_has_every_network_with_and_without_region_centers():
    rows = table_of(PARTNET, "Table 4")["rows"]
    assert len(papers_networks(PARTNET)) == 11 and len(rows) == 22
    for row, dagger in zip(rows[::2], rows[1::2]):
        variant = row["of"]["variant"]
        assert (row["name"], dagger["name"]) == (variant, f"{variant} †")
        assert row["of"] == {"variant": variant} | PARTNET["readings"]["with"]
        assert dagger["of"] == {"variant": variant} | PARTNET["readings"]["without"]
        assert row["paper"][-1] == dagger["paper"][-1]  # the semantic labels are the same
    others = {*PARTNET["methods"].values(), "sgpn_semantics"}
    assert others < set(PARTNET["one_network_per_level"]) < {*papers_networks(PARTNET), *others}


@pytest.mark.parametrize("task", [path.stem for path in FOLDER.glob("*.yaml")])
def test_descriptions_are_complete(task):
    description = description_of(task)
    names = [table["name"] for table in description["tables"]]
    assert names and len(set(names)) == len(names)
    for table in description["tables"]:
        assert table["layout"] in LAYOUTS and table["title"] and table["headers"]
        measures = table.get("measures", description.get("measures", ()))
        for row in table.get("rows", ()):
            assert set(row["of"]) == set(description["keys"]) and len(row["paper"]) == len(measures)
            assert len(np.atleast_1d(row["name"])) == len(table["headers"])


def test_other_kinds_of_data_have_tables_too():
    assert description_of("blobs") == description_of("default") != PARTNET
    assert papers_networks(description_of("blobs")) == []

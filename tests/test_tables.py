from instance_seg.tables import capitalized, counted, markdown, percent


def test_percent():
    assert [percent(v) for v in (64.06, 100.0, None, float("nan"), 0)] == ["64.1", "100.0", "-", "-", "0.0"]


def test_a_name_as_a_heading():
    assert [capitalized(name) for name in ("coarse", "Area 5", "")] == ["Coarse", "Area 5", ""]


def test_a_number_and_what_it_counts():
    assert [counted(n, "category") for n in (1, 2)] == ["1 category", "2 categories"] and counted(0, "run") == "0 runs"


def test_an_empty_table_keeps_its_heading():
    assert markdown(["a", "b"], []).splitlines()[0].replace(" ", "") == "|a|b|"


def test_bold_rows():
    assert "| **x** | **1.0** |" in " ".join(markdown(["a", "b"], [["y", "2.0"], ["x", "1.0"]], bold=[1]).split())

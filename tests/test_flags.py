"""The command line as programs read it."""

import pytest
from tools_in_process import call

from instance_seg.flags import refuse_arguments


def test_words_behind_no_flag_end_a_program():
    refuse_arguments(["train"])
    with pytest.raises(SystemExit) as ended:
        refuse_arguments(["train", "Chair", "Table"])
    assert ended.value.code == "error: 'Chair' is behind no flag; write --FLAG=VALUE"


def test_a_tool_refuses_them_before_it_does_anything(tmp_path):
    with pytest.raises(SystemExit, match="'demo' is behind no flag"):
        call("make_rooms", f"--out={tmp_path / 'rooms'}", "demo")
    assert not (tmp_path / "rooms").exists()

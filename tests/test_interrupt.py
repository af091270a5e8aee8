"""Signals: as a wish, as an end wherever the work is, and in each of the tools."""

import os
import signal

import pytest
from absl import flags
from tools_in_process import loaded

from instance_seg.interrupt import StopSignal, ending_at_signals

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def send(number):
    os.kill(os.getpid(), number)


@BOTH
def test_a_wish_lets_the_work_go_on(number):
    before = signal.getsignal(number)
    with StopSignal() as stop:
        assert stop.received is None
        send(number)
        assert stop.received == number
        assert signal.getsignal(number) == before  # a second one is not a wish
    assert signal.getsignal(number) == before


@BOTH
def test_a_block_that_may_end_at_once_does(number):
    done = []
    with StopSignal() as stop:
        with stop.at_once():
            done.append("before")
            send(number)
            done.append("after")
        assert stop.received == number
    assert done == ["before"]


def test_errors_of_such_a_block_are_not_swallowed():
    with StopSignal() as stop, pytest.raises(ValueError, match="mine"), stop.at_once():
        raise ValueError("mine")


@BOTH
def test_a_program_ends_with_one_line_and_the_exit_code_of_the_signal(number, capsys):
    @ending_at_signals("stopped; start again")
    def program():
        send(number)
        raise AssertionError("went on")

    with pytest.raises(SystemExit) as ended:
        program()
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err == f"{number.name}: stopped; start again\n"


def test_a_program_without_signals_returns_what_it_returns():
    assert ending_at_signals("stopped")(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize(
    ("tool", "work", "arguments"),
    [
        ("benchmark", "run", ["--shapes=x.npz"]),
        ("collect_results", "collect", [".", "kept"]),
        ("compare_mean_shift", "compare", []),
        ("draw_figures", "Run", ["--data_dir=x", "--baseline=x", "--fusion=x", "--out=x"]),
    ],
)
def test_tools_end_at_signals(tool, work, arguments, monkeypatch, capsys):
    with loaded(tool) as module, pytest.raises(SystemExit) as ended:
        monkeypatch.setattr(module, work, lambda *_: send(signal.SIGTERM))
        module.main(arguments if tool == "benchmark" else flags.FLAGS([tool, *arguments]))  # which has no absl flags
    assert ended.value.code == 128 + signal.SIGTERM
    assert capsys.readouterr().err.startswith("SIGTERM: stopped; ")

"""Some hundreds of random calls of all ops (fuzz.py), and that a death, a hang and a strange answer are seen."""

import inspect
import sys
from collections import defaultdict

import pytest
from ops import fuzz
from ops.fuzz_calls import MODES, RECIPES, draw_call

from ocnn_tf_ops.python.loader import tf_ops

CALLS = 14 * len(RECIPES)


def registered_ops() -> set[str]:
    functions = inspect.getmembers(tf_ops(), inspect.isfunction)
    return {name for name, _ in functions if name.startswith("ocnn_") and not name.endswith("_eager_fallback")}


def test_every_registered_op_is_fuzzed():
    assert registered_ops() == set(RECIPES), "write a recipe for each op in fuzz_calls.py"


def test_attributes_of_recipes_are_all_that_an_op_has():
    assert RECIPES
    for op, recipe in RECIPES.items():
        parameters = set(inspect.signature(getattr(tf_ops(), op)).parameters) - {"name"}
        assert parameters == recipe.inputs.keys() | recipe.attributes.keys(), op


def test_no_call_ends_or_stops_the_process(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("PYTHONPATH", str(fuzz.ROOT))
    answers, failures = fuzz.run(fuzz.worker_command(seed=1), 0, CALLS, jobs=1, limit=60)
    assert not failures
    assert answers.pop("begun") == CALLS
    outcomes = defaultdict(set)
    for answer in answers:
        op, outcome = answer.split()
        outcomes[op].add(outcome)
    assert outcomes.keys() == RECIPES.keys()
    assert [op for op, seen in outcomes.items() if "result" not in seen] == []  # not all is refused at the first check
    assert [op for op, seen in outcomes.items() if len(seen) < 2] == []


def test_calls_are_the_same_each_time_and_of_all_kinds():
    calls = [draw_call(3, number) for number in range(400)]
    assert repr(calls) == repr([draw_call(3, number) for number in range(400)])
    assert {call.mode for call in calls} == set(MODES)
    shapes = [given.shape for call in calls for several in call.inputs.values() for given in several]
    assert max(map(len, shapes)) == 254
    assert any(0 in shape and max(shape) >= 2**58 for shape in shapes)


WORKER = """
import os, sys, time
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    print(number, flush=True)
    if number == 2:
        print("about to die", file=sys.stderr, flush=True)
        os.abort()
    if number == 4:
        time.sleep(600)
    print(number, "unexpected Panic" if number == 6 else "op result", flush=True)
"""


def test_a_death_a_hang_and_a_strange_answer_are_told_and_the_rest_goes_on(capfd):
    answers, failures = fuzz.run([sys.executable, "-c", WORKER], 0, 9, jobs=1, limit=1)
    assert [failure.number for failure in failures] == [2, 4, 6]
    assert "died with status -6" in failures[0].reason and "about to die" in failures[0].reason
    assert "no answer within 1 seconds" in failures[1].reason
    assert "unexpected Panic" in failures[2].reason
    assert answers == {"begun": 9, "op result": 6}
    assert "call 4: no answer" in capfd.readouterr().out


@pytest.mark.parametrize("number", [0, 1])
def test_a_worker_that_never_starts_is_told(number, monkeypatch):
    monkeypatch.setattr(fuzz, "START", 1)
    _, failures = fuzz.run([sys.executable, "-c", "import sys; sys.exit(3)"], number, 1, jobs=1, limit=1)
    assert [(failure.number, "died with status 3" in failure.reason) for failure in failures] == [(number, True)]

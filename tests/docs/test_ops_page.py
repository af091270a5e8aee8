"""The examples of docs/ops.md run, and there is one for every public function of ocnn_tf_ops."""

import doctest
import pathlib

import ocnn_tf_ops

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "ops.md"


def page_as_doctest():
    text = PAGE.read_text().replace("```pycon", "").replace("```", "")  # a fence would be expected output
    return doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)


def test_every_function_has_an_example():
    examples = "".join(example.source for example in page_as_doctest().examples)
    assert ocnn_tf_ops.__all__
    assert not [name for name in ocnn_tf_ops.__all__ if f"ocnn.{name}" not in examples]


def test_examples_give_what_the_page_says():
    found = doctest.DocTestRunner().run(page_as_doctest())
    assert found.attempted > 40 and not found.failed

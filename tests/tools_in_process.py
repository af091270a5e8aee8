"""Programs of tools/ called in the process of the tests."""

import contextlib
import importlib.util
import pathlib

from absl import flags

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "tools"


@contextlib.contextmanager
def loaded(name):
    """The module of a tool. Flags of absl belong to a process: inside, it has those of this tool alone."""
    others = dict(vars(flags.FLAGS))
    flags.FLAGS.__init__()
    try:
        spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        vars(flags.FLAGS).clear()
        vars(flags.FLAGS).update(others)


def call(name, *arguments):
    """Runs a tool with these arguments."""
    with loaded(name) as tool:
        tool.main(flags.FLAGS([name, *arguments]))

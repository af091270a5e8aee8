"""TensorFlow without its notes, unless TF_CPP_MIN_LOG_LEVEL asks for them.

TensorFlow reads the variable too late for what its libraries say while they are loaded, so that is taken out of the
standard error stream by its form.
"""

import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from absl import logging

VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
_KINDS = {"0": "", "1": "I", "2": "IW", "3": "IWE"}  # level -> messages that are left out


def quiet_tensorflow() -> None:
    """Turns the notes off, for this process and those it starts; to be called before TensorFlow is imported."""
    kinds = _KINDS.get(os.environ.setdefault(VARIABLE, "2"), "")
    if kinds:
        logging.set_verbosity(logging.WARNING)  # absl.app would change its own default to notes
        if "tensorflow" not in sys.modules:
            sys.meta_path.insert(0, _Finder(kinds))


@contextmanager
def without_messages(kinds: str) -> Iterator[None]:
    """A block whose messages of some kinds, out of "IWEF", do not reach the standard error stream, nor their heading.

    The rest arrives at the end of the block.
    """
    heading = rb"WARNING: All log messages before absl::InitializeLog"
    message = re.compile(heading + rb"|[%b]\d{4} [\d:. ]+\S+\] " % kinds.encode())
    sys.stderr.flush()
    stream = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stream, 2)
            os.close(stream)
            said.seek(0)
            os.write(2, b"".join(line for line in said if not message.match(line)))


class _Finder:
    """Finds `tensorflow` where it lies; once, and so that it is loaded without messages."""

    def __init__(self, kinds: str):
        self.kinds = kinds

    def find_spec(self, name, path=None, target=None):
        """As importlib.abc.MetaPathFinder has it."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                with without_messages(self.kinds):
                    load(module)

            spec.loader.exec_module = exec_module
        return spec

"""The ops are tested on the kernels' own example and helpers."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "kernels"))

"""Precision over recall, a plot for each part class with its number of instances, a line for each method."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from instance_seg.metrics.average_precision import RECALL_LEVELS, best_precisions
from instance_seg.metrics.partnet import THRESHOLDS, LevelMetrics

_WIDTH, _HEIGHT, _DPI = 2.6, 2.5, 100  # inches of a plot


def render_curves(methods: Mapping[str, LevelMetrics], threshold: float = 0.5, num_columns: int = 4) -> np.ndarray:
    """Draws the curves of all part classes of a level.

    Args:
      methods: name -> measures of the same level; a class that a method lacks is left out there.
      threshold: of the IoU: 0.25, 0.5 or 0.75.
      num_columns: plots side by side.

    Returns:
      [H, W, 3] uint8.

    Raises:
      ValueError: another threshold, or no class has a curve.
    """
    if threshold not in THRESHOLDS:
        raise ValueError(f"threshold={threshold}: curves exist for {', '.join(map(str, THRESHOLDS))}")
    parts = list(dict.fromkeys(part for metrics in methods.values() for part in metrics.curves))
    if not parts:
        raise ValueError("no part class has a curve: the ground truth is empty")
    columns = min(num_columns, len(parts))
    lines = -(-len(parts) // columns)
    figure = Figure(figsize=(columns * _WIDTH, lines * _HEIGHT + 0.4), dpi=_DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    plots = figure.subplots(lines, columns, squeeze=False).ravel()
    for plot, part, title in zip(plots, parts, _titles(parts, methods)):
        _draw_part(plot, part, title, methods, THRESHOLDS.index(threshold))
    for plot in plots[len(parts) :]:
        plot.set_axis_off()
    handles = [plots[0].plot([], [], color=f"C{i}")[0] for i in range(len(methods))]
    legend = figure.legend(
        handles, list(methods), loc="outside upper center", ncols=len(methods), frameon=False, fontsize=8
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _draw_part(plot, part: str, title: str, methods: Mapping[str, LevelMetrics], position: int) -> None:
    """The earlier a method, the wider its line, so that equal ones show beneath each other."""
    for i, metrics in enumerate(methods.values()):
        if part in metrics.curves:
            curve = metrics.curves[part][position]
            width = 1.2 + 1.1 * (len(methods) - 1 - i)
            best = best_precisions(curve.precision, curve.recall)
            plot.plot(RECALL_LEVELS, best, color=f"C{i}", linewidth=width, drawstyle="steps-pre")
            plot.plot(curve.recall, curve.precision, color=f"C{i}", linewidth=0.6, alpha=0.45)
    plot.set_title(title, fontsize=8, parse_math=False)  # a name may have a $ in it
    plot.set(xlim=(0, 1.02), ylim=(-0.03, 1.05))
    plot.set_xlabel("recall", fontsize=6, labelpad=1)
    plot.set_ylabel("precision", fontsize=6, labelpad=1)
    plot.tick_params(labelsize=6)
    plot.grid(linewidth=0.3)


def _titles(parts: Sequence[str], methods: Mapping[str, LevelMetrics]) -> list[str]:
    """The end of each part's name, as much of it as tells it from the others, and its number of instances."""
    counts = {part: entry["instances"] for metrics in methods.values() for part, entry in metrics.per_part.items()}
    return [f"{_short_name(part, parts)} ({counts[part]})" for part in parts]


def _short_name(part: str, parts: Sequence[str]) -> str:
    words = part.split("/")
    ends = ("/".join(words[-n:]) for n in range(1, len(words)))
    return next((end for end in ends if sum(f"/{other}".endswith(f"/{end}") for other in parts) == 1), part)

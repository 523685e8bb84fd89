"""What the figures of all papers share: their axes, their labels, legends clear of the curves, and their files."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from deepjscc.evaluation.report import save_figure
from deepjscc.papers.reported import ReportedCurve

SNR_LABEL = "channel SNR, P/N0 [dB]"
BY_IMAGE, POOLED = "mean of the per-image values", "pooled"
CHARACTERS_PER_INCH = 13  # of a legend at its font size, the line in front of its entries included


def one_axes(width: float = 8.0, height: float = 5.6) -> tuple[Figure, Axes]:
    """A figure in inches with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def row_of_axes(count: int, *, share_y: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with some pairs of axes side by side."""
    figure = Figure(figsize=(12, 5.6), layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, count, sharey=share_y)))


def describe(axes: Axes, x: str, title: str, mean: str = BY_IMAGE, y: str = "PSNR [dB]") -> None:
    """Labels, title and grid.

    Args:
        axes: to describe.
        x: label of the horizontal axis.
        title: what was measured on what.
        mean: how the images' values became one.
        y: the quality measured, on pictures of 8 bits.
    """
    axes.set_xlabel(x)
    axes.set_ylabel(f"{y}, {mean}, 8 bits", fontsize=9)
    axes.label_outer()
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)


def draw_reported(axes: Axes, curves: list[ReportedCurve], **style: Any) -> None:
    """The paper's own values, in grey, each labelled with where in the paper it stands."""
    for curve, line in zip(curves, ("--", ":", "-.", (0, (1, 4)), (0, (5, 1)), (0, (3, 1, 1, 1))), strict=False):
        chosen: dict[str, Any] = {"color": "grey", "linestyle": line, "marker": "x", "markersize": 5} | style
        axes.plot(curve.x, curve.y, label=f"{curve.label} ({curve.where})", **chosen)


def save(figure: Figure, folder: Path, name: str) -> list[str]:
    """Put one legend below all axes, where it covers no curve, and write the figure as SVG and PNG; their paths."""
    _legend_below(figure)
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    for path in paths:
        save_figure(figure, path)
    return [str(path) for path in paths]


def _legend_below(figure: Figure) -> None:
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    longest = max(map(len, entries)) + 6
    columns = max(1, min(4, len(entries), int(figure.get_figwidth() * CHARACTERS_PER_INCH / longest)))
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=columns, fontsize=8)


def texts(figure: Figure) -> list[str]:
    """Every text of a figure: titles, labels and legends."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]

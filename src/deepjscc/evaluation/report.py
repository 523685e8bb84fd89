"""Figures as files, and sheets of pictures."""

import io
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.evaluation.single import Outcome
from deepjscc.files import write_atomically

# Okabe and Ito's palette: colour-blind readers can tell these apart too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = "osD^vP*X"


FIGURE_FORMATS = ("svg", "png", "pdf", "webp", "jpg", "pgf", "tikz", "tex")
EMBEDDED_FONTS = {
    "pdf.fonttype": 42,  # TrueType: publishers such as the IEEE reject Type 3 fonts
    "ps.fonttype": 42,
    "svg.fonttype": "none",  # text stays text, which a reader can search and an editor can change
}


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically in the format of its suffix.

    A ``.pdf`` has TrueType fonts, an ``.svg`` real text. A ``.tikz`` or ``.tex`` file is PGFPlots code to ``\\input``
    in LaTeX (package ``matplot2tikz``); a ``.pgf`` file is drawn by matplotlib, which needs LaTeX to measure text.

    Raises:
        UsageError: the suffix is not that of a figure format.
        DeepJSCCError: the package or program for this format is missing.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in FIGURE_FORMATS:
        raise UsageError(
            f"{path}: no figure format for the suffix {path.suffix!r}; use .svg, .png, .pdf, .pgf or .tikz"
        )
    if form in ("tikz", "tex"):
        code = _pgfplots(figure)
        write_atomically(path, lambda file: file.write(code.encode()))
        return
    buffer = io.BytesIO()
    try:
        with rc_context(EMBEDDED_FONTS):
            figure.savefig(buffer, format=form, dpi=300 if form in ("png", "jpg", "webp") and _narrow(figure) else 150)
    except (RuntimeError, FileNotFoundError) as error:
        if form != "pgf":
            raise
        raise DeepJSCCError(f"{path}: matplotlib needs LaTeX for .pgf ({error}); .tikz needs none") from None
    write_atomically(path, lambda file: file.write(buffer.getvalue()))


def _narrow(figure: Figure) -> bool:
    """Return whether a figure has a column's width, which is printed at 300 dots per inch."""
    return bool(figure.get_figwidth() < 5)


def _pgfplots(figure: Figure) -> str:
    try:
        from matplot2tikz import get_tikz_code
    except ModuleNotFoundError:
        raise DeepJSCCError("PGFPlots code needs matplot2tikz: pip install 'deepjscc[figures]'") from None
    for axes in figure.axes:
        if figure.legends and axes.get_legend() is None:
            axes.legend()  # PGFPlots has legends of axes alone, not of whole figures
    return str(get_tikz_code(figure=figure))


def sheet(rows: list[list[Outcome]]) -> Figure:
    """A sheet of pictures: a row per system, a column per SNR, each with its PSNR.

    Args:
        rows: the outcomes of each system, at the same SNRs in each row.
    """
    figure = _grid(rows)
    for place, outcome in zip(figure.axes, rows[0], strict=False):
        place.set_title(f"SNR {outcome.snr_db:g} dB", fontsize=9)
    for place, outcomes in zip(figure.axes[:: len(rows[0])], rows, strict=True):
        place.set_ylabel(outcomes[0].system, fontsize=9)
    return figure


def strip(stages: list[Outcome]) -> Figure:
    """A strip of pictures: one transmission after each stage, with the bandwidth ratio up to it and its PSNR."""
    figure = _grid([stages])
    for stage, (place, outcome) in enumerate(zip(figure.axes, stages, strict=True), 1):
        place.set_title(f"stage {stage}, ratio {outcome.bandwidth_ratio:.4f}", fontsize=9)
    figure.suptitle(f"{stages[0].system}, SNR {stages[0].snr_db:g} dB", fontsize=9)
    return figure


def _grid(rows: list[list[Outcome]]) -> Figure:
    """Pictures, each with its PSNR beneath."""
    columns = len(rows[0])
    width, height = rows[0][0].picture.size
    size = (2.1 * columns + 0.6, (2.1 * height / width + 0.35) * len(rows) + 0.3)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, outcomes in zip(axes, rows, strict=True):
        for place, outcome in zip(line, outcomes, strict=True):
            place.imshow(outcome.picture)
            place.set_xticks([])
            place.set_yticks([])
            lost = "" if outcome.delivered else ", not delivered"
            place.set_xlabel(f"{outcome.psnr_db:.1f} dB{lost}", fontsize=8, color="#D55E00" if lost else "black")
    return figure

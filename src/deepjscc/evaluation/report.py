"""Figures: PSNR over SNR with its cliffs, and sheets of pictures."""

import io
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.evaluation.single import Outcome
from deepjscc.evaluation.table import summarise
from deepjscc.images import write_atomically

# Okabe and Ito's palette: told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = "osD^vP*X"


def plot(table: pl.DataFrame, *, pooled: bool = False) -> Figure:
    """PSNR over SNR, a line per system; a cross where images were lost, with their share.

    Args:
        table: rows of a sweep, see :data:`deepjscc.evaluation.table.SCHEMA`.
        pooled: show the pooled PSNR instead of the mean of the per-image values.

    Raises:
        UsageError: an empty table.

    Warns:
        DeepJSCCWarning: points whose SNR or PSNR is not finite are left out.
    """
    # One line per belief of the transmitter, but one line for those that know each SNR.
    knows = pl.col("encoder_snr_db") == pl.col("snr_db")
    offset = pl.col("other_snr_db") - pl.col("snr_db")
    means = summarise(table).with_columns(
        pl.when(~knows).then("encoder_snr_db").alias("believed_db"),
        pl.when(offset != 0).then(offset).alias("offset_db"),
    )
    if not len(means):
        raise UsageError("the table holds no rows to plot")
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    value = "psnr_pooled_db" if pooled else "psnr_db"
    single = [name for name in LINE_KEYS if means[name].n_unique() == 1]
    left_out = 0
    for index, (keys, line) in enumerate(means.group_by(LINE_KEYS, maintain_order=True)):
        labels = dict(zip(LINE_KEYS, keys, strict=True))
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        label = " ".join(_label(name, labels[name]) for name in LINE_KEYS if name == "system" or name not in single)
        shown = line.filter(pl.col("snr_db").is_finite() & pl.col(value).is_finite()).sort("snr_db")
        left_out, line = left_out + len(line) - len(shown), shown
        snr_db, psnr_db = line["snr_db"].to_list(), line[value].to_list()
        axes.plot(snr_db, psnr_db, color=colour, marker=marker, markersize=5, linestyle="", label=label.strip())
        # Between a point that arrived and one that did not lies a cliff, not a slope: dotted.
        for left, right in pairwise(line.iter_rows(named=True)):
            style = "-" if left["delivered"] == right["delivered"] or 0 < left["delivered"] < 1 else ":"
            ends = ([left["snr_db"], right["snr_db"]], [left[value], right[value]])
            axes.plot(*ends, color=colour, linestyle=style)
        errors = line["standard_error_db"].fill_null(0).to_list()
        if any(errors) and not pooled:
            low = [y - e for y, e in zip(psnr_db, errors, strict=True)]
            high = [y + e for y, e in zip(psnr_db, errors, strict=True)]
            axes.fill_between(snr_db, low, high, color=colour, alpha=0.2, linewidth=0)
        _mark_outages(axes, line, value, colour)
    if left_out:
        points = "one point" if left_out == 1 else f"{left_out} points"
        note = f"{points} left out of the figure: an SNR or a PSNR that is not finite has no place on an axis"
        warnings.warn(note, DeepJSCCWarning, stacklevel=2)
    axes.set_xlabel("channel SNR, P/N0 [dB]")
    axes.set_ylabel(f"PSNR [dB], {'pooled over images' if pooled else 'mean of the per-image values'}, 8 bits")
    axes.set_title(_title(means), fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure


LINE_KEYS = [
    *["system", "data_set", "view", "stage", "channel", "coherence", "csi", "k_factor_db", "requested_ratio"],
    *["container", "believed_db", "offset_db", "weights_hash"],
]
WORDS = {
    "stage": "stage {}",
    "k_factor_db": "K = {:g} dB",
    "requested_ratio": "ratio {:.4g}",
    "believed_db": "told {:g} dB",
    "offset_db": "other link {:+g} dB",
}


def _label(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "container":
        return "with headers" if value else "headers free"
    return WORDS.get(name, "{}").format(value)


def _mark_outages(axes: Any, line: pl.DataFrame, value: str, colour: str) -> None:
    lost = line.filter(pl.col("delivered") < 1)
    axes.plot(lost["snr_db"].to_list(), lost[value].to_list(), "x", color=colour, markersize=11, markeredgewidth=2)
    for row in lost.iter_rows(named=True):
        share = f"{100 * (1 - row['delivered']):.0f}% lost"
        axes.annotate(
            share, (row["snr_db"], row[value]), (4, -12), textcoords="offset points", fontsize=7, color=colour
        )


def _title(means: pl.DataFrame) -> str:
    sets = ", ".join(f"{count} of {name}" for name, count in means.select("data_set", "images").unique().iter_rows())
    low, high = (means.select(end).item() for end in (pl.col("bandwidth_ratio").min(), pl.col("bandwidth_ratio").max()))
    ratio = f"{low:.4f}" if high - low < 5e-4 else f"{low:.4f} to {high:.4f}"
    channels = ", ".join(
        " ".join(str(part) for part in row if part is not None)
        for row in means.select("channel", "coherence", "csi").unique().iter_rows()
    )
    return f"images: {sets}; {ratio} complex channel uses per source value; {channels}"


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, beside and then renamed.

    Raises:
        UsageError: a suffix that is not a figure's.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in ("svg", "png", "pdf", "webp", "jpg"):
        raise UsageError(f"{path}: no figure format for the suffix {path.suffix!r}; use .svg, .png or .pdf")
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=150)
    write_atomically(path, lambda file: file.write(buffer.getvalue()))


def sheet(rows: list[list[Outcome]]) -> Figure:
    """A sheet of pictures: a row per system, a column per SNR, each with its PSNR.

    Args:
        rows: what came out, the same SNRs in each row.
    """
    figure = _grid(rows)
    for place, outcome in zip(figure.axes, rows[0], strict=False):
        place.set_title(f"SNR {outcome.snr_db:g} dB", fontsize=9)
    for place, outcomes in zip(figure.axes[:: len(rows[0])], rows, strict=True):
        place.set_ylabel(outcomes[0].system, fontsize=9)
    return figure


def strip(stages: list[Outcome]) -> Figure:
    """A strip of pictures: one transmission after each stage, with the bandwidth ratio till then and its PSNR."""
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

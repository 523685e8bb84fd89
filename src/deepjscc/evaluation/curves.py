"""Curves of results tables: any metric over the SNR or the bandwidth ratio, a line per system, ready for a paper."""

import textwrap
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import PurePath
from typing import Any, Literal

import polars as pl
from matplotlib.figure import Figure

from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.evaluation.report import COLOURS, MARKERS
from deepjscc.evaluation.table import summarise

DASHES = ("-", "--", "-.")  # a dotted line is a cliff, whichever system it belongs to
MM_PER_INCH = 25.4
POINTS_PER_INCH = 72.0
NARROW_MM = 120.0  # below it a figure is for one column of a page: type of 7 to 8 points
FEW_LINES = 6  # so many names fit into the axes of a wide figure; else the legend goes below them
LINE_HEIGHT = 1.6  # of a legend, in sizes of its type

X_AXES = {
    "snr_db": "channel SNR, P/N0 [dB]",
    "bandwidth_ratio": "bandwidth ratio, complex channel uses per source value",
    "encoder_snr_db": "design SNR of the transmitter [dB]",
}
Y_AXES = {
    "psnr_db": "PSNR [dB], mean of the per-image values, 8 bits",
    "psnr_pooled_db": "PSNR [dB], MSE pooled over images, 8 bits",
    "ssim": "SSIM, mean over images",
    "ms_ssim": "MS-SSIM, mean over images",
    "ms_ssim_window_7": "MS-SSIM with a window of 7, mean over images",
    "lpips": "LPIPS (AlexNet), mean over images",
    "delivered": "share of images delivered",
    "bandwidth_ratio": "bandwidth ratio, complex channel uses per source value",
    "seconds": "seconds per image",
}
CONDITIONS = [
    *["system", "data_set", "view", "stage", "channel", "coherence", "csi", "k_factor_db"],
    *["container", "believed_db", "offset_db", "weights"],
]
WORDS = {
    "stage": "stage {}",
    "k_factor_db": "K = {:g} dB",
    "requested_ratio": "ratio {:.4g}",
    "snr_db": "at {:g} dB",
    "believed_db": "planned for {:g} dB",
    "offset_db": "other link {:+g} dB",
    "weights": "weights {}",
}


@dataclass(frozen=True)
class Style:
    """The appearance of a figure.

    Attributes:
        x, y: columns of the summary, see :data:`X_AXES` and :data:`Y_AXES`.
        labels: what the legend calls a system, by the system's name.
        title: above the axes; None writes the data set, the bandwidth ratio and the channel there, "" nothing.
        x_label, y_label: None takes those of the columns.
        width_mm, height_mm: of the whole figure; a height of None is 0.63 of the width.
        x_range, y_range: ends of the axes; None fits the data.
        spread: the standard error over seeds as a "band", as "bars", or "none".
    """

    x: str = "snr_db"
    y: str = "psnr_db"
    labels: Mapping[str, str] = field(default_factory=dict)
    title: str | None = None
    x_label: str | None = None
    y_label: str | None = None
    width_mm: float = 203.0
    height_mm: float | None = None
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    spread: Literal["band", "bars", "none"] = "band"

    def __post_init__(self) -> None:
        for axis, wanted, known in (("x", self.x, X_AXES), ("y", self.y, Y_AXES)):
            if wanted not in known:
                raise UsageError(f"no column {wanted!r} for the {axis} axis; there are {', '.join(known)}")
        if self.width_mm < 30 or (self.height_mm is not None and self.height_mm < 20):
            raise UsageError("a figure is at least 30 mm wide and 20 mm high")


def plot(table: pl.DataFrame, style: Style | None = None, *, pooled: bool = False) -> Figure:
    """Draw a line per system and condition; a cross marks images that were lost, with their share.

    Args:
        table: rows of one or several sweeps, see :data:`deepjscc.evaluation.table.SCHEMA`.
        style: axes, labels and size.
        pooled: short for the column ``psnr_pooled_db`` on the y axis.

    Raises:
        UsageError: an empty table, or a column that holds nothing.

    Warns:
        DeepJSCCWarning: points that are not finite are left out.
    """
    style = style or Style(y="psnr_pooled_db" if pooled else "psnr_db")
    points = curve_points(table, style)
    lines = _lines(points)
    narrow = style.width_mm < NARROW_MM
    size = 7.0 if narrow else 9.0
    below = narrow or len(lines) > FEW_LINES
    columns = max(1, int(style.width_mm / (0.19 * size * (max(map(len, points["label"])) + 6)))) if below else 1
    height = (style.height_mm or 0.63 * style.width_mm) / MM_PER_INCH
    if below and style.height_mm is None:
        height += -(-len(lines) // columns) * LINE_HEIGHT * size / POINTS_PER_INCH
    figure = Figure(figsize=(style.width_mm / MM_PER_INCH, height), layout="constrained")
    axes = figure.subplots()
    for index, (label, line) in enumerate(lines):
        _draw(axes, line, label, index, style, size)
    axes.set_xlabel(style.x_label or X_AXES[style.x], fontsize=size + 1)
    known = Y_AXES[style.y].partition(",")[0] if narrow else "\n".join(textwrap.wrap(Y_AXES[style.y], 38))
    axes.set_ylabel(style.y_label or known, fontsize=size + 1)
    axes.tick_params(labelsize=size)
    axes.set_xlim(style.x_range)
    axes.set_ylim(style.y_range)
    title = describe_conditions(points) if style.title is None else style.title
    if title:
        axes.set_title("\n".join(textwrap.wrap(title, int(style.width_mm / (0.2 * size)))), fontsize=size + 1)
    axes.grid(alpha=0.3)
    if below:
        figure.legend(fontsize=size, loc="outside lower center", ncols=min(columns, len(lines)))
    else:
        axes.legend(fontsize=size)
    return figure


def curve_points(table: pl.DataFrame, style: Style) -> pl.DataFrame:
    """The points of a figure: the summary with ``label``, ``x``, ``y`` and the ``standard_error`` of y over seeds.

    Raises:
        UsageError: an empty table, or a column that holds nothing.
    """
    if not len(table):
        raise UsageError("the table holds no rows to plot")
    means = label_conditions(summarise(table))
    if style.y in table.columns:
        keys = [name for name in means.columns if name in table.columns and name not in (*Y_AXES, "weights")]
        seeds = table.unique([*keys, "image", "seed"], keep="last").group_by([*keys, "seed"])
        spread = seeds.agg(pl.col(style.y).mean().alias("_y"))
        spread = spread.group_by(keys).agg((pl.col("_y").std() / pl.len().sqrt()).alias("standard_error"))
        means = means.join(spread, on=keys, how="left", nulls_equal=True)
    else:
        means = means.with_columns(pl.lit(None, pl.Float64).alias("standard_error"))
    means = means.with_columns(pl.col(style.x).cast(pl.Float64).alias("x"), pl.col(style.y).cast(pl.Float64).alias("y"))
    if means["y"].null_count() == len(means):
        raise UsageError(f"the table holds no values of {style.y}")
    means = means.drop_nulls(["x", "y"])
    shown = means.filter(pl.col("x").is_finite() & pl.col("y").is_finite())
    left_out = len(means) - len(shown)
    if left_out:
        count = "one point" if left_out == 1 else f"{left_out} points"
        note = f"{count} left out of the figure: a value that is not finite has no place on an axis"
        warnings.warn(note, DeepJSCCWarning, stacklevel=3)
    others = {
        "snr_db": ["requested_ratio"],
        "bandwidth_ratio": ["snr_db"],
        "encoder_snr_db": ["requested_ratio", "snr_db"],
    }
    names = [name for name in CONDITIONS if name != "believed_db" or style.x != "encoder_snr_db"] + others[style.x]
    labels = _readable(shown, names, style.labels)
    return shown.with_columns(pl.Series("label", labels, pl.String)).sort("label", "x", maintain_order=True)


def label_conditions(means: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that distinguish lines: ``believed_db``, ``offset_db``, and ``weights`` numbered from 1.

    A transmitter that knows the SNR of every point has one line, with a ``believed_db`` of null.
    """
    offset = pl.col("other_snr_db") - pl.col("snr_db")
    hashes: dict[str, list[str | None]] = {}
    for system, weights in means.select("system", "weights_hash").iter_rows():
        hashes.setdefault(system, [])
        if weights not in hashes[system]:
            hashes[system].append(weights)
    numbers = [
        1 + hashes[system].index(weights) if len(hashes[system]) > 1 else None
        for system, weights in means.select("system", "weights_hash").iter_rows()
    ]
    means = means.with_columns(
        pl.when(offset != 0).then(offset).alias("offset_db"),
        pl.Series("weights", numbers, pl.Int64),
    )
    return _with_design_points(means)


def _with_design_points(means: pl.DataFrame) -> pl.DataFrame:
    """Add ``believed_db``; a point where a plan for one SNR meets that SNR belongs to the line of the plan.

    It belongs to the line of those that know every SNR too, where there is such a line.
    """
    knows = pl.col("encoder_snr_db") == pl.col("snr_db")
    known = means.filter(knows.fill_null(True)).with_columns(pl.lit(None, pl.Float64).alias("believed_db"))
    planned = means.filter(~knows.fill_null(True)).with_columns(pl.col("encoder_snr_db").alias("believed_db"))
    keys = [*(name for name in CONDITIONS if name != "believed_db"), "requested_ratio"]
    plans = planned.select(*keys, "encoder_snr_db").unique()
    met = known.join(plans, on=[*keys, "encoder_snr_db"], how="semi", nulls_equal=True)
    others = known.join(plans, on=[*keys, "encoder_snr_db"], how="anti", nulls_equal=True)
    kept = known.join(others.select(keys).unique(), on=keys, how="semi", nulls_equal=True)
    return pl.concat([kept, planned, met.with_columns(pl.col("encoder_snr_db").alias("believed_db"))])


def _readable(means: pl.DataFrame, names: list[str], renamed: Mapping[str, str]) -> list[str]:
    """A label for each row: the system, then only those conditions that differ within the figure."""
    unknown = [name for name in renamed if name not in set(means["system"])]
    if unknown:
        raise UsageError(f"no system {unknown[0]!r} to label; there are {', '.join(sorted(set(means['system'])))}")
    differing = [name for name in names if name != "system" and means[name].n_unique() > 1]
    if means["container"].drop_nulls().n_unique() < 2:  # learned systems have no headers: no difference to name
        differing = [name for name in differing if name != "container"]
    labels = []
    for row in means.iter_rows(named=True):
        parts = [renamed.get(row["system"], _short(row["system"]))]
        parts += [describe_condition(name, row[name], row["system"]) for name in differing]
        labels.append(", ".join(part for part in parts if part))
    return labels


def _short(system: str) -> str:
    """A checkpoint's name without its folder and suffix; what follows an @ stays."""
    path, at, option = system.partition("@")
    return PurePath(path).stem + at + option if path.endswith(".safetensors") else system


def describe_condition(name: str, value: Any, system: str) -> str:
    """One condition of a line in words, such as *planned for 5 dB*; empty if it is the default."""
    if value is None:
        plans_itself = "@" in system and "+" in system
        return "SNR known" if name == "believed_db" and not plans_itself else ""
    if name == "container":
        return "with headers" if value else "headers free"
    return WORDS.get(name, "{}").format(value)


def _lines(points: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Each label with its points in the order of x; labels in the order of the systems."""
    return [(str(label), line.sort("x")) for (label,), line in points.group_by(["label"], maintain_order=True)]


def _draw(axes: Any, line: pl.DataFrame, label: str, index: int, style: Style, size: float) -> None:
    """Draw one line. Dashes, marker and the filling of the marker distinguish it in grey print."""
    colour, marker, dash = (kinds[index % len(kinds)] for kinds in (COLOURS, MARKERS, DASHES))
    filling = colour if index % 2 == 0 else "white"
    thin = size < 9
    form = {"color": colour, "linewidth": 1.0 if thin else 1.5}
    marks = {"marker": marker, "markersize": 3.5 if thin else 5, "markerfacecolor": filling, "zorder": 3}
    x, y = line["x"].to_list(), line["y"].to_list()
    named = False
    for solid, xs, ys in _runs(line):
        with_name: dict[str, Any] = marks | {"label": label} if solid and not named else {}
        axes.plot(xs, ys, linestyle=dash if solid else ":", **form, **with_name)
        named = named or solid
    axes.plot(x, y, linestyle="", color=colour, **marks, **({} if named else {"label": label}))
    errors = line["standard_error"].fill_null(0).to_list()
    if any(errors) and style.spread == "bars":
        axes.errorbar(x, y, errors, linestyle="", capsize=2, **form)
    elif any(errors) and style.spread == "band":
        low, high = ([value + sign * error for value, error in zip(y, errors, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
    if style.y not in ("delivered", "bandwidth_ratio", "seconds"):
        _mark_outages(axes, line, colour, size)


def _runs(line: pl.DataFrame) -> Iterator[tuple[bool, list[float], list[float]]]:
    """Pieces of a line in one style; False: a cliff, between a point that arrived and one that did not, not a slope."""
    slopes = [
        left["delivered"] == right["delivered"] or 0 < left["delivered"] < 1
        for left, right in pairwise(line.iter_rows(named=True))
    ]
    x, y, end = line["x"].to_list(), line["y"].to_list(), 0
    for solid, group in groupby(slopes):
        begin, end = end, end + len(list(group))
        yield solid, x[begin : end + 1], y[begin : end + 1]


def _mark_outages(axes: Any, line: pl.DataFrame, colour: str, size: float) -> None:
    lost = line.filter(pl.col("delivered") < 1)
    axes.plot(lost["x"].to_list(), lost["y"].to_list(), "x", color=colour, markersize=size, markeredgewidth=1.5)
    for row in lost.iter_rows(named=True):
        share = f"{100 * (1 - row['delivered']):.0f}% lost"
        place = {"textcoords": "offset points", "fontsize": size - 2, "color": colour}
        axes.annotate(share, (row["x"], row["y"]), (4, 4), **place)


def describe_conditions(means: pl.DataFrame) -> str:
    """Data sets, bandwidth ratios and channels of a summary, in one line."""
    sets = ", ".join(f"{count} of {name}" for name, count in means.select("data_set", "images").unique().iter_rows())
    low, high = (means.select(end).item() for end in (pl.col("bandwidth_ratio").min(), pl.col("bandwidth_ratio").max()))
    ratio = f"{low:.4f}" if high - low < 5e-4 else f"{low:.4f} to {high:.4f}"
    channels = ", ".join(
        " ".join(str(part) for part in row if part is not None)
        for row in means.select("channel", "coherence", "csi").unique().iter_rows()
    )
    return f"images: {sets}; {ratio} complex channel uses per source value; {channels}"

"""Bjøntegaard deltas: the mean difference of two systems in quality, in bandwidth, or in SNR.

Source: G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves", ITU-T VCEG-M33, 2001; here with
piecewise cubic interpolation (PCHIP) between the points, as later common test conditions have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import polars as pl

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.evaluation.curves import CONDITIONS, describe_condition, label_conditions
from deepjscc.evaluation.table import summarise

FEWEST_POINTS = 2
METRICS = ("psnr_db", "psnr_pooled_db", "ssim", "ms_ssim", "lpips")
OWN = {"system", "container", "weights"}  # what may differ between the two systems that are compared


@dataclass(frozen=True)
class Comparison:
    """The comparison of one system with the reference under the same conditions.

    Attributes:
        system: name of the system.
        reference: name of the system that it is compared with.
        conditions: a description of the conditions that both curves share, where the table has several.
        low, high: the overlap of the two curves on the x axis, over which the quality is averaged.
        points: number of points of the curve that has fewer.
        quality_difference: mean over the overlap of the system's quality minus the reference's. Over the bandwidth
            ratio, on a logarithmic axis, this is BD-PSNR. None without an overlap.
        cost: the additional bandwidth that the system needs for equal quality, as a fraction (BD-rate; -0.2 means 20%
            less); over the SNR, the additional SNR in dB. None if a curve does not rise, or the curves share no range
            of quality.
    """

    system: str
    reference: str
    conditions: str
    low: float | None
    high: float | None
    points: int
    quality_difference: float | None
    cost: float | None


def compare(
    table: pl.DataFrame,
    reference: str,
    *,
    x: Literal["snr_db", "bandwidth_ratio"] | None = None,
    y: str = "psnr_db",
) -> tuple[str, list[Comparison]]:
    """Compare every system of a table with one of them, condition by condition.

    Args:
        table: rows of one or several sweeps.
        reference: name of the reference system.
        x: the column of the x axis; None takes the bandwidth ratio if a curve has several, else the SNR.
        y: a metric. For LPIPS, of which less is better, a negative difference is an improvement.

    Returns:
        The column of the x axis, and the comparisons.

    Raises:
        UsageError: an unknown system or metric, no second system, or curves of one point.
        DeepJSCCError: the package ``bjontegaard`` is not installed.
    """
    if y not in METRICS:
        raise UsageError(f"no metric {y!r} to compare; there are {', '.join(METRICS)}")
    means = label_conditions(summarise(table)).filter(pl.col(y).is_finite(), pl.col("snr_db").is_finite())
    names = means["system"].unique(maintain_order=True).to_list()
    if reference not in names:
        raise UsageError(f"no system {reference!r} in the table; there are {', '.join(names)}")
    if len(names) < 2:
        raise UsageError(f"the table holds {reference} alone; give a table of another system too")
    over = x or _most_varied(means)
    keys = [*(name for name in CONDITIONS if name not in OWN), "requested_ratio" if over == "snr_db" else "snr_db"]
    found = []
    for _, group in means.group_by(keys, maintain_order=True):
        base = group.filter(pl.col("system") == reference)
        for (system, _), curve in group.group_by(["system", "weights"], maintain_order=True):
            if system != reference and len(base):
                found.append(_compare(str(system), reference, curve, base, over, y, _words(curve, means, keys)))
    if not found:
        raise UsageError(f"no system was measured under the same conditions as {reference}")
    if all(each.points < FEWEST_POINTS for each in found):
        raise UsageError(
            f"a curve over {over} needs {FEWEST_POINTS} points at least; the table has one for each system"
        )
    return over, found


def _most_varied(means: pl.DataFrame) -> Literal["snr_db", "bandwidth_ratio"]:
    ratios = means.group_by("system", "snr_db").agg(pl.col("requested_ratio").n_unique())["requested_ratio"].max()
    return "bandwidth_ratio" if isinstance(ratios, int) and ratios > 1 else "snr_db"


def _words(curve: pl.DataFrame, means: pl.DataFrame, keys: Sequence[str]) -> str:
    differing = [name for name in keys if means[name].n_unique() > 1]
    words = [describe_condition(name, curve[name][0], curve["system"][0]) for name in differing]
    return ", ".join(word for word in words if word)


def _compare(
    system: str, reference: str, curve: pl.DataFrame, base: pl.DataFrame, over: str, y: str, conditions: str
) -> Comparison:
    (xs, ys), (base_xs, base_ys) = _points(curve, over, y), _points(base, over, y)
    low, high = max(xs[0], base_xs[0]), min(xs[-1], base_xs[-1])
    points = min(len(xs), len(base_xs))
    quality = cost = None
    if points >= FEWEST_POINTS and low < high:
        quality = mean_difference((base_xs, base_ys), (xs, ys), logarithmic=over == "bandwidth_ratio")
    if points >= FEWEST_POINTS and _rises(ys) and _rises(base_ys) and max(ys[0], base_ys[0]) < min(ys[-1], base_ys[-1]):
        cost = mean_cost((base_xs, base_ys), (xs, ys), logarithmic=over == "bandwidth_ratio")
    overlap: tuple[float | None, float | None] = (low, high) if low < high else (None, None)
    return Comparison(system, reference, conditions, *overlap, points, quality, cost)


def _points(curve: pl.DataFrame, over: str, y: str) -> tuple[list[float], list[float]]:
    """One point for each x, in rising order."""
    curve = curve.unique(over, keep="last").sort(over)
    return curve[over].to_list(), curve[y].to_list()


def _rises(values: Sequence[float]) -> bool:
    return all(after > before for before, after in pairwise(values))


Curve = tuple[Sequence[float], Sequence[float]]


def mean_difference(reference: Curve, curve: Curve, *, logarithmic: bool) -> float:
    """Mean vertical distance of two curves ``(x, y)`` over the x they share; on a logarithmic x axis, BD-PSNR.

    Raises:
        DeepJSCCError: the package ``bjontegaard`` is not installed.
    """
    library = _library()
    function = library.bd_psnr if logarithmic else library.bd_linear
    return float(function(*reference, *curve, method="pchip", require_matching_points=False, min_overlap=0))


def mean_cost(reference: Curve, curve: Curve, *, logarithmic: bool) -> float:
    """Mean horizontal distance of two rising curves ``(x, y)``: on a logarithmic axis a share (BD-rate), else in x.

    Raises:
        DeepJSCCError: the package ``bjontegaard`` is not installed.
    """
    library, options = _library(), {"method": "pchip", "require_matching_points": False, "min_overlap": 0}
    if logarithmic:
        return float(library.bd_rate(*reference, *curve, **options)) / 100
    return float(library.bd_linear(*reversed(reference), *reversed(curve), **options))


def _library() -> Any:
    try:
        import bjontegaard
    except ModuleNotFoundError:
        raise DeepJSCCError("comparing curves needs bjontegaard: pip install 'deepjscc[figures]'") from None
    return bjontegaard

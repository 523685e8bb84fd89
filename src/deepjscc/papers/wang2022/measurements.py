"""Measurements for S. Wang et al. 2022: systems over the test pairs, their means, and paired differences."""

from typing import Any

import polars as pl

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.papers.claims import Margin
from deepjscc.papers.measurements import Settings
from deepjscc.zoo import cards

DATA = "stereo-test"
STRANGERS = "stereo-strangers"
SNRS = tuple(float(snr) for snr in range(-2, 13, 2))
RATIO = 20 / 384  # C* = 20 reals of each 8x8 pixels: 0.052
PSNR, MS_SSIM = "psnr_db", "ms_ssim_window_7"
TRAINED_FOR = {PSNR: "", MS_SSIM: "-ms-ssim"}  # endings of the models' names
FAST_RAYLEIGH = {"channel": "rayleigh", "coherence": "symbol", "csi": "receiver"}
ALL_VIEWS = ("left", "right")


class ViewMeasurements:
    """The measurements of one system: a row for each view, pair, SNR and draw.

    Args:
        table: of a sweep.
    """

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table

    def means(self, column: str, views: tuple[str, ...] = ALL_VIEWS) -> list[float]:
        """Return the mean over pairs and views at each SNR."""
        rows = self.table.filter(pl.col("view").is_in(views))
        return rows.group_by("snr_db").agg(pl.col(column).mean()).sort("snr_db")[column].to_list()

    def minus(self, other: "ViewMeasurements", column: str, views: tuple[str, ...] = ALL_VIEWS) -> list[Margin]:
        """At each SNR the mean difference to another system and its standard error, the pairs being paired.

        The views and draws of a pair are averaged first: they show one scene.
        """
        keys = ["image", "view", "snr_db", "seed"]
        both = self.table.filter(pl.col("view").is_in(views)).join(other.table, on=keys, suffix="_other")
        difference = (pl.col(column) - pl.col(f"{column}_other")).mean()
        return _over_pairs(both.group_by("snr_db", "image").agg(difference.alias("difference")))

    def left_minus_right(self, column: str) -> list[Margin]:
        """At each SNR the mean difference of the left view to the right one and its standard error."""
        left, right = (
            pl.when(pl.col("view") == view).then(pl.col(column)).otherwise(None).mean() for view in ALL_VIEWS
        )
        return _over_pairs(self.table.group_by("snr_db", "image").agg((left - right).alias("difference")))


def _over_pairs(by_pair: pl.DataFrame) -> list[Margin]:
    """Mean and standard error over the pairs at each SNR; with a single pair the standard error is not known."""
    error = (pl.col("difference").std() / pl.len().sqrt()).fill_null(float("inf"))
    found = by_pair.group_by("snr_db").agg(pl.col("difference").mean(), error.alias("error")).sort("snr_db")
    return list(found.select("difference", "error").iter_rows())


def learned(settings: Settings, kind: str, column: str, **options: Any) -> ViewMeasurements | None:
    """The joint or the alone model trained for a metric, where the zoo has it."""
    name = f"distributed-{kind}{TRAINED_FOR[column]}"
    return measured(settings, name, None, **options) if name in cards() else None


def digital(settings: Settings, system: str) -> ViewMeasurements | None:
    """Each view alone by a digital link of the same ratio, headers free; None where its programs are not installed."""
    try:
        return measured(settings, system, RATIO, container=False)
    except DeepJSCCError as error:
        settings.on_progress(0, 1, str(error))
        return None


def measured(
    settings: Settings, system: str, ratio: float | None, data: str = DATA, **options: Any
) -> ViewMeasurements:
    """Measure a system over the test pairs at all SNRs of the left link."""
    plan = Plan(
        systems=(system,),
        data=data,
        snr_db=SNRS,
        bandwidth_ratio=ratio,
        images=settings.images,
        **options,
    )
    return ViewMeasurements(sweep(plan, settings.output / "pairs.parquet", settings.on_progress))

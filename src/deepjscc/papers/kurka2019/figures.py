"""Kurka, Gündüz: Successive refinement of images with deep joint source-channel coding (SPAWC 2019).

CIFAR-10, stages of bandwidth ratio 1/12. The paper pools the MSE over the images; figures and verdicts here do so too.
The main claims give the mean of the per-image values beside it.
"""

from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepjscc.evaluation.report import COLOURS
from deepjscc.evaluation.table import summarise
from deepjscc.papers.claims import Claim, Margin, Report, Verdict, above, below, judge, pooled_margin, span, within
from deepjscc.papers.kurka2019.models import one_stage, staged
from deepjscc.papers.kurka2019.tables import any_prefix, budgets, table_1
from deepjscc.papers.measurements import Settings, measure, run_parts
from deepjscc.papers.plotting import POOLED, SNR_LABEL, describe, draw_reported, one_axes, save
from deepjscc.papers.reported import reported_curves

TRAINED_AT = (1.0, 7.0, 13.0, 19.0)
FADING_TRAINED_AT = (7.0, 13.0)
SNR_STEP_DB = 2
TESTED_AT = tuple(float(snr) for snr in range(1, 26, SNR_STEP_DB))
COUNTS = (2, 3, 4, 5)
MANY = COUNTS[-1]
AT_DB = 13.0
COLUMNS = ("psnr_pooled_db", "psnr_db")
SLOW = {"channel": "rayleigh", "coherence": "image", "csi": "none"}


def run(settings: Settings) -> Report:
    """Make Figs. 3 and 4, Table I and what goes beyond them, and check the claims.

    Raises:
        DeepJSCCError: CIFAR-10 is not there, or the folder cannot be written.
    """
    parts = {figure_3a: 45, figure_3b: 60, figure_3c: 35, figure_3d: 25, figure_4a: 60, figure_4b: 30}
    return run_parts(settings, {**parts, table_1: 30, any_prefix: 10, budgets: 1})


class Curves:
    """PSNR of one model over the SNR after each of its stages; of one without stages under stage None."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows, self.means = rows, summarise(rows).sort("snr_db")

    def psnr_db(self, stage: int | None, column: str = "psnr_pooled_db") -> list[float]:
        """Return the PSNR at each SNR tested: pooled or, as ``"psnr_db"``, the mean of the per-image values."""
        return self._of(stage)[column].to_list()

    def value_at(self, stage: int | None, snr_db: float, column: str = "psnr_pooled_db") -> float:
        """Return the PSNR at one SNR."""
        return self._of(stage).filter(pl.col("snr_db") == snr_db)[column].item()

    def errors(self, stage: int | None, snr_db: float) -> NDArray[np.float64]:
        """The mean squared error of every image at one SNR, over the draws of the gain."""
        here = self.rows.filter(pl.col("stage").eq_missing(pl.lit(stage, pl.Int64)), pl.col("snr_db") == snr_db)
        error = (10 ** (-pl.col("psnr_db") / 10)).mean().alias("error")
        return here.group_by("image").agg(error).sort("image")["error"].to_numpy()

    def rises(self, stage: int | None) -> list[Margin]:
        """By how much pooled PSNR rises from each SNR tested to the next."""
        return [
            pooled_margin([self.errors(stage, before), self.errors(stage, after)])
            for before, after in pairwise(TESTED_AT)
        ]

    def _of(self, stage: int | None) -> pl.DataFrame:
        return self.means.filter(pl.col("stage").eq_missing(pl.lit(stage, pl.Int64)))


def curves(settings: Settings, table: str, model: str | None, channel: str) -> Curves | None:
    """A model over all SNRs, where there is one."""
    if model is None:
        return None
    options: dict[str, object] = SLOW | {"repeats": settings.repeats} if channel == "rayleigh" else {}
    return Curves(measure(settings, table, [model], TESTED_AT, None, **options))


def two_stages(
    settings: Settings, name: str, scheme: str, channel: str, trained_at: tuple[float, ...]
) -> tuple[list[Claim], list[str]]:
    """A scheme of two stages at several SNRs of training, beside one stage of the same total bandwidth."""
    figure, axes = one_axes()
    gains: dict[str, list[float]] = {column: [] for column in COLUMNS}
    losses: dict[str, list[float]] = {column: [] for column in COLUMNS}
    gain_margins, loss_margins, rises = list[Margin](), list[Margin](), list[Margin]()
    for colour, snr_db in zip(COLOURS, trained_at, strict=False):
        ours = curves(settings, name, staged(scheme, 2, channel, snr_db, settings), channel)
        whole = curves(settings, name, one_stage(2, channel, snr_db, settings), channel)
        if ours is None:
            continue
        for stage, style in ((1, ":"), (2, "-")):
            label = f"trained at {snr_db:g} dB, stage {stage}"
            axes.plot(TESTED_AT, ours.psnr_db(stage), style, color=colour, marker="o", markersize=3, label=label)
            rises += ours.rises(stage)
        for column, values in gains.items():
            values.append(ours.value_at(2, snr_db, column) - ours.value_at(1, snr_db, column))
        gain_margins.append(pooled_margin([ours.errors(1, snr_db), ours.errors(2, snr_db)]))
        if whole is not None:
            axes.plot(TESTED_AT, whole.psnr_db(None), "--", color=colour, label=f"{snr_db:g} dB, one stage of 1/6")
            for column, values in losses.items():
                values.append(whole.value_at(None, snr_db, column) - ours.value_at(2, snr_db, column))
            loss_margins.append(pooled_margin([ours.errors(2, snr_db), whole.errors(None, snr_db)]))
    draw_reported(axes, reported_curves("kurka2019", name))
    air = "slow Rayleigh without CSI" if channel == "rayleigh" else "AWGN"
    words = scheme.replace("_", " ")
    describe(axes, SNR_LABEL, f"CIFAR-10, {words}, two stages of ratio 1/12, {air}", POOLED)
    complete = len(gain_margins) == len(trained_at)
    joint, shown = scheme == "multiple_decoders", scheme == "multiple_decoders" and channel == "awgn"
    steepest = max((rise for rise, _ in rises), default=0.0) / SNR_STEP_DB
    return [
        Claim(
            f"{words}, {air}: the second stage refines",
            "PSNR_2 consistently 2 to 3 dB above PSNR_1 (here: 1.8 to 3.5 dB)" if shown else "(no number)",
            f"at {_listed(gains['psnr_db'], trained_at)}: {_both(gains)}",
            judge([*above(1.8, gain_margins), *below(3.5, gain_margins)]) if complete and shown else Verdict.NONE,
        ),
        Claim(
            f"{words}, {air}: close to one stage of the same bandwidth",
            "approaches the single layer (here: within 0.4 dB)" if joint else "(compared with multiple decoders alone)",
            f"one stage minus two: {_both(losses)}",
            judge(below(0.4, loss_margins))
            if joint and complete and len(loss_margins) == len(trained_at)
            else Verdict.NONE,
        ),
        Claim(
            f"{words}, {air}: graceful degradation",
            "no cliff at SNRs below that of training (here: under 2 dB for 1 dB of SNR)",
            f"steepest loss {steepest:.2f} dB for 1 dB of SNR",
            judge(below(2.0 * SNR_STEP_DB, rises)) if complete else Verdict.NONE,
        ),
    ], save(figure, settings.output, name)


def _listed(values: list[float], trained_at: tuple[float, ...]) -> str:
    """Return a text that counts the models that were available."""
    return f"the SNR of training, {len(values)} of {len(trained_at)} models"


def _both(values: dict[str, list[float]]) -> str:
    """The span of differences pooled and by image."""
    return f"{span(values['psnr_pooled_db'])} dB pooled, {span(values['psnr_db'])} dB by image"


def figure_3a(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Multiple decoders, two stages, AWGN."""
    return two_stages(settings, "figure-3a", "multiple_decoders", "awgn", TRAINED_AT)


def figure_3b(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Make the same figure over slow Rayleigh fading without CSI."""
    return two_stages(settings, "figure-3b", "multiple_decoders", "rayleigh", FADING_TRAINED_AT)


def figure_3c(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Five stages, each with its decoder, and one stage of each total bandwidth."""
    figure, axes = one_axes()
    ours = curves(settings, "figure-3c", staged("multiple_decoders", MANY, "awgn", AT_DB, settings), "awgn")
    losses = list[float]()
    for stage, colour in zip(range(1, MANY + 1), COLOURS, strict=False):
        whole = curves(settings, "figure-3c", one_stage(stage, "awgn", AT_DB, settings), "awgn")
        if ours is not None:
            label = f"{stage} of {MANY} stages"
            axes.plot(TESTED_AT, ours.psnr_db(stage), color=colour, marker="o", markersize=3, label=label)
        if whole is not None:
            axes.plot(TESTED_AT, whole.psnr_db(None), "--", color=colour, label=f"one stage of {stage}/12")
        if ours is not None and whole is not None:
            losses.append(whole.value_at(None, AT_DB) - ours.value_at(stage, AT_DB))
    grows, slows = list[Margin](), list[Margin]()
    if ours is not None:
        errors = [ours.errors(stage, AT_DB) for stage in range(1, MANY + 1)]
        grows = [pooled_margin(two) for two in pairwise(errors)]
        slows = [pooled_margin(three, (-1.0, 2.0, -1.0)) for three in zip(errors, errors[1:], errors[2:], strict=False)]
    describe(axes, SNR_LABEL, f"CIFAR-10, {MANY} stages of ratio 1/12, all trained at {AT_DB:g} dB, AWGN", POOLED)
    return [
        Claim(
            "five stages: each refines, the later ones less",
            "quality rises at every step, by a diminishing amount",
            f"at {AT_DB:g} dB the stages add " + ", ".join(f"{step:.2f}" for step, _ in grows) + " dB, pooled",
            judge([*grows, *slows]),
        ),
        Claim(
            "five stages: what they cost against one of the same bandwidth",
            "(the paper compares for two stages)",
            f"at {AT_DB:g} dB, after 1 to {MANY} stages: "
            + ", ".join(f"{loss:.2f}" for loss in losses)
            + " dB, pooled",
        ),
    ], save(figure, settings.output, "figure-3c")


def figure_3d(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The first two stages of models with more and more of them."""
    figure, axes = one_axes()
    first: dict[int, Curves] = {}
    for count, colour in zip(COUNTS, COLOURS, strict=False):
        ours = curves(settings, "figure-3d", staged("multiple_decoders", count, "awgn", AT_DB, settings), "awgn")
        if ours is None:
            continue
        for stage, style in ((1, ":"), (2, "-")):
            label = f"stage {stage} of {count}"
            axes.plot(TESTED_AT, ours.psnr_db(stage), style, color=colour, marker="o", markersize=3, label=label)
        first[count] = ours
    describe(axes, SNR_LABEL, f"CIFAR-10, first two stages of ratio 1/12, trained at {AT_DB:g} dB, AWGN", POOLED)
    errors = [ours.errors(1, AT_DB) for ours in first.values()]
    losses = [pooled_margin([more, errors[0]]) for more in errors[1:]]
    values = ", ".join(f"{ours.value_at(1, AT_DB):.2f} (L = {count})" for count, ours in first.items())
    claim = Claim(
        "more stages cost the first one almost nothing",
        "the loss of adding stages is negligible (here: under 0.3 dB)",
        f"PSNR_1 at {AT_DB:g} dB, pooled: {values or 'nothing'}",
        judge(below(0.3, losses)) if len(first) == len(COUNTS) else Verdict.NONE,
    )
    return [claim], save(figure, settings.output, "figure-3d")


def figure_4a(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Residual transmission, ten receptions simulated."""
    claims, files = two_stages(settings, "figure-4a", "residual", "awgn", TRAINED_AT)
    return [*claims, _against_multiple(settings, "residual", "figure-4a")], files


def figure_4b(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The single decoder."""
    claims, files = two_stages(settings, "figure-4b", "single_decoder", "awgn", TRAINED_AT)
    return [*claims, _against_multiple(settings, "single_decoder", "figure-4b")], files


def _against_multiple(settings: Settings, scheme: str, figure: str) -> Claim:
    """Compare with multiple decoders after both stages, at the SNR of training."""
    differences: dict[str, list[float]] = {column: [] for column in COLUMNS}
    pooled = list[Margin]()
    for snr_db in TRAINED_AT:
        ours, theirs = (
            curves(settings, table, staged(kind, 2, "awgn", snr_db, settings), "awgn")
            for table, kind in ((figure, scheme), ("figure-3a", "multiple_decoders"))
        )
        if ours is not None and theirs is not None:
            for column, values in differences.items():
                values.append(ours.value_at(2, snr_db, column) - theirs.value_at(2, snr_db, column))
            pooled.append(pooled_margin([theirs.errors(2, snr_db), ours.errors(2, snr_db)]))
    at = _listed(differences["psnr_db"], TRAINED_AT)
    if scheme == "residual":
        paper, margins = "significantly worse (here: by more than 0.5 dB at every SNR)", below(-0.5, pooled)
    else:
        paper, margins = "comparable (here: within 0.5 dB)", within(0.5, pooled)
    return Claim(
        f"{scheme.replace('_', ' ')} against multiple decoders",
        paper,
        f"PSNR_2 minus that of multiple decoders, at {at}: {_both(differences)}",
        judge(margins) if len(pooled) == len(TRAINED_AT) else Verdict.NONE,
    )

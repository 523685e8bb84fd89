"""Kurka, Gündüz: Successive refinement of images with deep joint source-channel coding (SPAWC 2019).

CIFAR-10, stages of bandwidth ratio 1/12. The paper pools the MSE over the images; figures and verdicts here do so too.
The main claims give the mean of the per-image values beside it.
"""

from itertools import pairwise

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepjscc.evaluation.report import COLOURS
from deepjscc.evaluation.table import summarise
from deepjscc.papers.base import Claim, Report, Settings, finish, measure, run_parts, save, span
from deepjscc.papers.kurka2019_models import one_stage, staged
from deepjscc.papers.kurka2019_tables import any_prefix, budgets, table_1

TRAINED_AT = (1.0, 7.0, 13.0, 19.0)
FADING_TRAINED_AT = (7.0, 13.0)
TESTED_AT = tuple(float(snr) for snr in range(1, 26, 2))
COUNTS = (2, 3, 4, 5)
MANY = COUNTS[-1]
AT_DB = 13.0
COLUMNS = ("psnr_pooled_db", "psnr_db")
LABEL = "channel SNR, P/N0 [dB]"
SLOW = {"channel": "rayleigh", "coherence": "image", "csi": "none"}


def run(settings: Settings) -> Report:
    """Make Figs. 3 and 4, Table I and what goes beyond them, and check the claims.

    Raises:
        DeepJSCCError: CIFAR-10 is not there, or the folder cannot be written.
    """
    parts = (figure_3a, figure_3b, figure_3c, figure_3d, figure_4a, figure_4b, table_1, any_prefix, budgets)
    return run_parts(settings, parts)


class Curves:
    """PSNR of one model over the SNR after each of its stages; of one without stages under stage None."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.means = summarise(rows).sort("snr_db")

    def psnr_db(self, stage: int | None, column: str = "psnr_pooled_db") -> list[float]:
        """Return the PSNR at each SNR tested: pooled or, as ``"psnr_db"``, the mean of the per-image values."""
        return self._of(stage)[column].to_list()

    def value_at(self, stage: int | None, snr_db: float, column: str = "psnr_pooled_db") -> float:
        """Return the PSNR at one SNR."""
        return self._of(stage).filter(pl.col("snr_db") == snr_db)[column].item()

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
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    gains: dict[str, list[float]] = {column: [] for column in COLUMNS}
    losses: dict[str, list[float]] = {column: [] for column in COLUMNS}
    steepest = 0.0
    for colour, snr_db in zip(COLOURS, trained_at, strict=False):
        ours = curves(settings, name, staged(scheme, 2, channel, snr_db, settings), channel)
        whole = curves(settings, name, one_stage(2, channel, snr_db, settings), channel)
        if ours is None:
            continue
        for stage, style in ((1, ":"), (2, "-")):
            label = f"trained at {snr_db:g} dB, stage {stage}"
            axes.plot(TESTED_AT, ours.psnr_db(stage), style, color=colour, marker="o", markersize=3, label=label)
            steepest = max(steepest, *(after - before for before, after in pairwise(ours.psnr_db(stage))))
        for column, values in gains.items():
            values.append(ours.value_at(2, snr_db, column) - ours.value_at(1, snr_db, column))
        if whole is not None:
            axes.plot(TESTED_AT, whole.psnr_db(None), "--", color=colour, label=f"{snr_db:g} dB, one stage of 1/6")
            for column, values in losses.items():
                values.append(whole.value_at(None, snr_db, column) - ours.value_at(2, snr_db, column))
    air = "slow Rayleigh without CSI" if channel == "rayleigh" else "AWGN"
    finish(axes, LABEL, f"CIFAR-10, {scheme.replace('_', ' ')}, two stages of ratio 1/12, {air}", "pooled")
    words = scheme.replace("_", " ")
    complete = len(gains["psnr_db"]) == len(trained_at)
    whole_too = complete and len(losses["psnr_db"]) == len(trained_at)
    joint, shown = scheme == "multiple_decoders", scheme == "multiple_decoders" and channel == "awgn"
    return [
        Claim(
            f"{words}, {air}: the second stage refines",
            "PSNR_2 consistently 2 to 3 dB above PSNR_1 (here: 1.8 to 3.5 dB)" if shown else "(no number)",
            f"at {_listed(gains['psnr_db'], trained_at)}: {_both(gains)}",
            all(1.8 <= gain <= 3.5 for gain in gains["psnr_pooled_db"]) if complete and shown else None,
        ),
        Claim(
            f"{words}, {air}: close to one stage of the same bandwidth",
            "approaches the single layer (here: within 0.4 dB)" if joint else "(compared with multiple decoders alone)",
            f"one stage minus two: {_both(losses)}",
            all(loss <= 0.4 for loss in losses["psnr_pooled_db"]) if whole_too and joint else None,
        ),
        Claim(
            f"{words}, {air}: graceful degradation",
            "no cliff at SNRs below that of training (here: under 2 dB for 1 dB of SNR)",
            f"steepest loss {steepest / 2:.2f} dB for 1 dB of SNR",
            steepest / 2 < 2 if complete else None,
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
    axes, figure = _axes()
    ours = curves(settings, "figure-3c", staged("multiple_decoders", MANY, "awgn", AT_DB, settings), "awgn")
    grows, losses = list[float](), list[float]()
    for stage, colour in zip(range(1, MANY + 1), COLOURS, strict=False):
        whole = curves(settings, "figure-3c", one_stage(stage, "awgn", AT_DB, settings), "awgn")
        if ours is not None:
            label = f"{stage} of {MANY} stages"
            axes.plot(TESTED_AT, ours.psnr_db(stage), color=colour, marker="o", markersize=3, label=label)
        if whole is not None:
            axes.plot(TESTED_AT, whole.psnr_db(None), "--", color=colour, label=f"one stage of {stage}/12")
        if ours is not None and whole is not None:
            losses.append(whole.value_at(None, AT_DB) - ours.value_at(stage, AT_DB))
    if ours is not None:
        grows = [ours.value_at(stage + 1, AT_DB) - ours.value_at(stage, AT_DB) for stage in range(1, MANY)]
    finish(axes, LABEL, f"CIFAR-10, {MANY} stages of ratio 1/12, all trained at {AT_DB:g} dB, AWGN", "pooled")
    return [
        Claim(
            "five stages: each refines, the later ones less",
            "quality rises at every step, by a diminishing amount",
            f"at {AT_DB:g} dB the stages add " + ", ".join(f"{step:.2f}" for step in grows) + " dB, pooled",
            (min(grows) > 0 and all(a > b for a, b in pairwise(grows))) if grows else None,
        ),
        Claim(
            "five stages: what they cost against one of the same bandwidth",
            "(the paper compares for two stages)",
            f"at {AT_DB:g} dB, after 1 to {MANY} stages: "
            + ", ".join(f"{loss:.2f}" for loss in losses)
            + " dB, pooled",
            None,
        ),
    ], save(figure, settings.output, "figure-3c")


def figure_3d(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The first two stages of models with more and more of them."""
    axes, figure = _axes()
    first: dict[int, float] = {}
    for count, colour in zip(COUNTS, COLOURS, strict=False):
        ours = curves(settings, "figure-3d", staged("multiple_decoders", count, "awgn", AT_DB, settings), "awgn")
        if ours is None:
            continue
        for stage, style in ((1, ":"), (2, "-")):
            label = f"stage {stage} of {count}"
            axes.plot(TESTED_AT, ours.psnr_db(stage), style, color=colour, marker="o", markersize=3, label=label)
        first[count] = ours.value_at(1, AT_DB)
    finish(axes, LABEL, f"CIFAR-10, first two stages of ratio 1/12, trained at {AT_DB:g} dB, AWGN", "pooled")
    loss = first[COUNTS[0]] - min(first.values()) if len(first) == len(COUNTS) else None
    values = ", ".join(f"{psnr_db:.2f} (L = {count})" for count, psnr_db in first.items())
    claim = Claim(
        "more stages cost the first one almost nothing",
        "the loss of adding stages is negligible (here: under 0.3 dB)",
        f"PSNR_1 at {AT_DB:g} dB, pooled: {values or 'nothing'}",
        loss < 0.3 if loss is not None else None,
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
    for snr_db in TRAINED_AT:
        ours, theirs = (
            curves(settings, table, staged(kind, 2, "awgn", snr_db, settings), "awgn")
            for table, kind in ((figure, scheme), ("figure-3a", "multiple_decoders"))
        )
        if ours is not None and theirs is not None:
            for column, values in differences.items():
                values.append(ours.value_at(2, snr_db, column) - theirs.value_at(2, snr_db, column))
    pooled = differences["psnr_pooled_db"]
    if scheme == "residual":
        paper, holds = "significantly worse (here: by more than 0.5 dB at every SNR)", all(d < -0.5 for d in pooled)
    else:
        paper, holds = "comparable (here: within 0.5 dB)", all(abs(d) <= 0.5 for d in pooled)
    return Claim(
        f"{scheme.replace('_', ' ')} against multiple decoders",
        paper,
        f"PSNR_2 minus that of multiple decoders, at {_listed(pooled, TRAINED_AT)}: {_both(differences)}",
        holds if len(pooled) == len(TRAINED_AT) else None,
    )


def _axes() -> tuple[Axes, Figure]:
    figure = Figure(figsize=(8, 5), layout="constrained")
    return figure.subplots(), figure

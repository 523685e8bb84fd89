"""Bourtsoulatze, Kurka, Gündüz: Deep joint source-channel coding for wireless image transmission (ICASSP / TCCN 2019).

CIFAR-10. The paper's AWGN experiments count real uses k of unit power and noise N0; two of them are one complex use
here, at the same SNR, and every figure and claim here counts complex uses. With c filters the convolutional form sends
32 c complex symbols an image.
"""

from dataclasses import dataclass
from itertools import pairwise

import polars as pl
from matplotlib.figure import Figure

from deepjscc.evaluation.report import COLOURS
from deepjscc.evaluation.table import summarise
from deepjscc.papers.claims import CLEAR, Claim, Margin, Report, Verdict, below, judge, mean_margin, span
from deepjscc.papers.measurements import Settings, measure, run_parts, weights
from deepjscc.papers.plotting import SNR_LABEL, describe, one_axes, row_of_axes, save
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelRecipe, OptimiserRecipe, Recipe

USES_PER_FILTER = 32  # 8 x 8 real values of a 32x32 image
VALUES = 3 * 32 * 32
AWGN_FILTERS = (3, 6, 8, 12, 16)
SNRS = (0.0, 10.0, 20.0)
TRAINED_AT = (1.0, 4.0, 7.0, 13.0, 19.0)
TESTED_AT = tuple(float(snr) for snr in range(26))
FADING_FILTERS = (6, 16, 32)
FIGURE_4_FILTERS = 8  # 256 complex uses; the paper has 250
DIGITAL = ("jpeg+ideal", "jpeg2000+ideal")
HEADERS = {True: "headers counted", False: "headers free"}
CLIFF_DB = 3.0  # a loss of more for 1 dB of SNR would be called a cliff


def run(settings: Settings) -> Report:
    """Make Figs. 3, 4 and 5 from the zoo's weights and check the three claims.

    Raises:
        DeepJSCCError: CIFAR-10 is not there, or the folder cannot be written.
    """
    return run_parts(settings, {figure_3: 100, figure_4: 60, figure_5: 140})


def model_at(filters: int, channel: str, snr_db: float, settings: Settings) -> str | None:
    """The model of one point, where there is one."""
    name = f"cnn-c{filters}-{channel}-{snr_db:g}db"
    return weights(name, settings, recipe(filters, channel, snr_db), minutes=settings.minutes)


def recipe(filters: int, channel: str, snr_db: float) -> Recipe:
    """A short training warm-started from the one long one; recipes/cnn-grid-cpu.toml in code."""
    fading = {"coherence": "image", "csi": "none"} if channel == "rayleigh" else {}
    return Recipe(
        model=ModelRecipe("cnn", {"filters": filters}, warm_start="cnn-c16-awgn-10db"),
        data=DataRecipe("cifar10-train", validation="cifar10", validation_images=500),
        channel=ChannelRecipe(channel, snr_db=snr_db, **fading),  # type: ignore[arg-type]
        optimiser=OptimiserRecipe(learning_rate=7e-4, warmup_steps=50),
    )


@dataclass(frozen=True)
class Point:
    """The measurements at one bandwidth and SNR.

    Attributes:
        complex_uses, snr_db: where.
        psnr_db: of every system, by label.
        margins: by headers, the network's PSNR minus that of the better digital link, and its paired standard error.
    """

    complex_uses: int
    snr_db: float
    psnr_db: dict[str, float]
    margins: dict[str, Margin]


def compare(settings: Settings, table: str, channel: str, filters: tuple[int, ...]) -> list[Point]:
    """Compare every trained model with the digital links of as many uses, with headers counted and free."""
    options: dict[str, object] = {}
    if channel == "rayleigh":
        options = {"channel": channel, "coherence": "image", "csi": "none", "repeats": settings.repeats}
    points = []
    for count in filters:
        uses = count * USES_PER_FILTER
        for snr_db in SNRS:
            model = model_at(count, channel, snr_db, settings)
            if model is None:
                continue
            rows = measure(settings, table, [model], (snr_db,), uses / VALUES, **options)
            psnr_db, margins = {"cnn": _mean(rows)}, {}
            for container, headers in HEADERS.items():
                links = {}
                for system in DIGITAL:
                    links[system] = measure(
                        settings, table, [system], (snr_db,), uses / VALUES, container=container, **options
                    )
                    psnr_db[f"{system} {headers}"] = _mean(links[system])
                margins[headers] = _margin(rows, max(links.values(), key=_mean))
            points.append(Point(uses, snr_db, psnr_db, margins))
    return points


def _mean(rows: pl.DataFrame) -> float:
    return float(rows.select(pl.col("psnr_db").mean()).item())


def _margin(ours: pl.DataFrame, theirs: pl.DataFrame) -> Margin:
    """Mean and standard error of the difference, image by image over the same gains; the draws of an image averaged."""
    paired = ours.join(theirs, on=["image", "seed"], suffix="_theirs")
    difference = pl.col("psnr_db") - pl.col("psnr_db_theirs")
    return mean_margin(paired.group_by("image").agg(difference.mean())["psnr_db"].to_numpy())


def figure_3(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the channel bandwidth at several SNRs of AWGN, a model a point."""
    points = compare(settings, "figure-3", "awgn", AWGN_FILTERS)
    figure = _bandwidth_figure(points, "AWGN")
    claim = "better than JPEG and JPEG2000 + capacity, AWGN"
    paper = "for 100 to 500 complex uses considerably above both, for all but very high SNR"
    return better(points, claim, paper, except_snr_db=SNRS[-1]), save(figure, settings.output, "figure-3")


def figure_4(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Models trained at one SNR each, tested at all."""
    figure, axes = one_axes()
    steps, gains = list[Margin](), list[Margin]()
    for colour, trained_at in zip(COLOURS, TRAINED_AT, strict=False):
        model = model_at(FIGURE_4_FILTERS, "awgn", trained_at, settings)
        if model is None:
            continue
        rows = measure(settings, "figure-4", [model], TESTED_AT, None)
        psnr_db = summarise(rows).sort("snr_db")["psnr_db"].to_list()
        axes.plot(TESTED_AT, psnr_db, color=colour, marker="o", markersize=3, label=f"trained at {trained_at:g} dB")
        steps += [_rise(rows, before, after) for before, after in pairwise(TESTED_AT)]
        gains.append(_rise(rows, trained_at, TESTED_AT[-1]))
    describe(axes, SNR_LABEL, "CIFAR-10, 256 complex uses, AWGN; one cnn a curve")
    steepest = max((step for step, _ in steps), default=0.0)
    claim = Claim(
        "graceful degradation",
        "no cliff when SNR_test falls below SNR_train; above it a gradual improvement that saturates",
        f"steepest loss {steepest:.2f} dB for 1 dB of SNR; from the trained SNR to {TESTED_AT[-1]:g} dB a gain of "
        f"{span([gain for gain, _ in gains])} dB",
        judge([*below(CLIFF_DB, steps), *gains]),
    )
    return [claim], save(figure, settings.output, "figure-4")


def _rise(rows: pl.DataFrame, before_db: float, after_db: float) -> Margin:
    """By how much PSNR rises from one SNR to another, image by image."""
    before, after = (rows.filter(pl.col("snr_db") == snr_db) for snr_db in (before_db, after_db))
    return _margin(after, before)


def figure_5(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the channel bandwidth over slow Rayleigh fading without CSI, a model a point."""
    points = compare(settings, "figure-5", "rayleigh", FADING_FILTERS)
    figure = _bandwidth_figure(points, "slow Rayleigh fading, no CSI")
    claim = "better than the digital scheme over slow Rayleigh fading"
    paper = "at all SNR and channel bandwidth values (digital at the capacity of the average SNR, with outage)"
    return better(points, claim, paper), save(figure, settings.output, "figure-5")


def better(points: list[Point], claim: str, paper: str, except_snr_db: float | None = None) -> list[Claim]:
    """The claim that the network beats both digital links, once with headers counted and once without.

    Losses at ``except_snr_db``, where the paper makes no claim, are listed but do not break it.
    """
    claims = []
    for headers in HEADERS.values():
        lost = [point for point in points if judge([point.margins[headers]]) is not Verdict.HOLDS]
        ours = "no trained model at hand"
        if points:
            margins = [point.margins[headers] for point in points]
            smallest = min(margins)
            ours = f"cnn minus the better of the two: {span([margin for margin, _ in margins])} dB over {len(points)} "
            ours += f"points (the smallest {smallest[0]:.2f} +- {smallest[1]:.2f})"
        if lost:
            places = ", ".join(f"{point.snr_db:g} dB and {point.complex_uses} complex uses" for point in lost)
            ours += f"; not better by {CLEAR:g} standard errors at {places}"
        counted = [point.margins[headers] for point in points if point.snr_db != except_snr_db]
        claims.append(Claim(f"{claim} ({headers})", paper, ours, judge(counted)))
    return claims


def _bandwidth_figure(points: list[Point], channel: str) -> Figure:
    figure, places = row_of_axes(len(SNRS), share_y=True)
    for axes, snr_db in zip(places, SNRS, strict=True):
        here = [point for point in points if point.snr_db == snr_db]
        uses = [point.complex_uses for point in here]
        for name in here[0].psnr_db if here else ():
            colour = COLOURS[0] if name == "cnn" else COLOURS[1 + DIGITAL.index(name.split()[0])]
            style = "--" if name.endswith(HEADERS[False]) else "-"
            axes.plot(uses, [point.psnr_db[name] for point in here], style, color=colour, marker="o", label=name)
        describe(axes, f"k, complex uses of {channel}", f"SNR {snr_db:g} dB")
    return figure

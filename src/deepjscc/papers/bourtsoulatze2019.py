"""Bourtsoulatze, Kurka, Gündüz: Deep joint source-channel coding for wireless image transmission (ICASSP / TCCN 2019).

CIFAR-10. The paper's AWGN experiments count real uses k of unit power and noise N0; two of them are one complex use
here, at the same SNR. With c filters the convolutional form sends 64 c reals an image.
"""

from itertools import pairwise

import polars as pl
from matplotlib.figure import Figure

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.report import COLOURS
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import summarise
from deepjscc.papers.base import Claim, Report, Settings, save
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelRecipe, OptimiserRecipe, Recipe
from deepjscc.zoo import cards

REALS_PER_FILTER = 64  # 8 x 8 places of a 32x32 image
VALUES = 3 * 32 * 32
AWGN_FILTERS = (3, 6, 8, 12, 16)
AWGN_SNRS = (0.0, 10.0, 20.0)
TRAINED_AT = (1.0, 4.0, 7.0, 13.0, 19.0)
TESTED_AT = tuple(float(snr) for snr in range(26))
FADING_FILTERS = (6, 16, 32)
DIGITAL = ("jpeg+ideal", "jpeg2000+ideal")


def run(settings: Settings) -> Report:
    """Make Figs. 3, 4 and 5 from the zoo's weights and check the three claims.

    Raises:
        DeepJSCCError: CIFAR-10 is not there, or the folder cannot be written.
    """
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{settings.output}: cannot be made: {error.strerror}") from None
    claims, figures = [], []
    for part in (figure_3, figure_4, figure_5):
        claim, files = part(settings)
        claims += claim
        figures += files
    return Report(tuple(claims), tuple(figures))


def weights(filters: int, channel: str, snr_db: float, settings: Settings) -> str | None:
    """The model of one point: of the zoo, trained before into the output folder, or trained now if asked for."""
    name = f"cnn-c{filters}-{channel}-{snr_db:g}db"
    if name in cards():
        return name
    path = settings.output / "weights" / f"{name}.safetensors"
    if not path.is_file() and settings.train:
        from deepjscc.training.loop import train  # needs the extra [train]

        path.parent.mkdir(exist_ok=True)
        train(recipe(filters, channel, snr_db), path, minutes=settings.minutes)
    return str(path) if path.is_file() else None


def recipe(filters: int, channel: str, snr_db: float) -> Recipe:
    """A short training warm-started from the one long one; recipes/cnn-grid-cpu.toml in code."""
    fading = {"coherence": "image", "csi": "none"} if channel == "rayleigh" else {}
    return Recipe(
        model=ModelRecipe("cnn", {"filters": filters}, warm_start="cnn-c16-awgn-10db"),
        data=DataRecipe("cifar10-train", validation="cifar10", validation_images=500),
        channel=ChannelRecipe(channel, snr_db=snr_db, **fading),  # type: ignore[arg-type]
        optimiser=OptimiserRecipe(learning_rate=7e-4, warmup_steps=50),
    )


def measure(
    settings: Settings,
    table: str,
    systems: list[str],
    snr_db: tuple[float, ...],
    ratio: float | None,
    **options: object,
) -> pl.DataFrame:
    """Means of a sweep over CIFAR-10 into one of the paper's tables."""
    plan = Plan(
        systems=tuple(systems),
        data="cifar10",
        snr_db=snr_db,
        bandwidth_ratio=ratio,
        images=settings.images,
        **options,  # type: ignore[arg-type]
    )
    return summarise(sweep(plan, settings.output / f"{table}.parquet", settings.say))


def compare(settings: Settings, table: str, channel: str, filters: tuple[int, ...]) -> list[dict[str, object]]:
    """PSNR of every trained model and of the digital links with its uses, headers counted and free: a row a point."""
    options: dict[str, object] = {} if channel == "awgn" else {"channel": channel, "coherence": "image", "csi": "none"}
    if channel != "awgn":
        options["repeats"] = settings.repeats
    rows: list[dict[str, object]] = []
    for count in filters:
        ratio = count * REALS_PER_FILTER / 2 / VALUES
        for snr_db in AWGN_SNRS:
            model = weights(count, channel, snr_db, settings)
            if model is None:
                continue
            row: dict[str, object] = {"filters": count, "complex_uses": count * REALS_PER_FILTER // 2, "snr_db": snr_db}
            row["cnn"] = _psnr(measure(settings, table, [model], (snr_db,), ratio, **options))
            for system in DIGITAL:
                for container in (True, False):
                    label = system + (" headers counted" if container else " headers free")
                    means = measure(settings, table, [system], (snr_db,), ratio, container=container, **options)
                    row[label] = _psnr(means)
            rows.append(row)
    return rows


def _psnr(means: pl.DataFrame) -> float:
    return float(means["psnr_db"].item())


def figure_3(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the channel bandwidth at several SNRs of AWGN, a model a point."""
    rows = compare(settings, "figure-3", "awgn", AWGN_FILTERS)
    figure = _bandwidth_figure(rows, "k, real uses of AWGN", 2)
    claims = [
        _better(
            rows,
            headers,
            "better than JPEG and JPEG2000 + capacity, AWGN",
            "for k in [200, 1000] real uses considerably above both, except JPEG2000 at very high SNR",
        )
        for headers in ("headers counted", "headers free")
    ]
    return claims, save(figure, settings.output, "figure-3")


def figure_4(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Models trained at one SNR each, tested at all."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    steepest, gains = 0.0, []
    for index, trained_at in enumerate(TRAINED_AT):
        model = weights(16, "awgn", trained_at, settings)
        if model is None:
            continue
        means = measure(settings, "figure-4", [model], TESTED_AT, None).sort("snr_db")
        psnr_db = means["psnr_db"].to_list()
        axes.plot(
            TESTED_AT, psnr_db, color=COLOURS[index], marker="o", markersize=3, label=f"trained at {trained_at:g} dB"
        )
        steps = [after - before for before, after in pairwise(psnr_db)]
        steepest = max(steepest, *steps)
        gains.append(psnr_db[-1] - psnr_db[TESTED_AT.index(trained_at)])
    _finish(axes, "channel SNR, P/N0 [dB]", "CIFAR-10, 512 complex uses (k = 1024 real), AWGN; one cnn a curve")
    ours = f"steepest loss {steepest:.2f} dB for 1 dB of SNR; from the trained SNR to 25 dB a gain of {_span(gains)} dB"
    claim = Claim(
        "graceful degradation",
        "no cliff when SNR_test falls below SNR_train; above it a gradual improvement that saturates",
        ours,
        (steepest < 3 and min(gains) > 0) if gains else None,
    )
    return [claim], save(figure, settings.output, "figure-4")


def figure_5(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the channel bandwidth over slow Rayleigh fading without CSI, a model a point."""
    rows = compare(settings, "figure-5", "rayleigh", FADING_FILTERS)
    figure = _bandwidth_figure(rows, "k, complex uses of slow Rayleigh fading (no CSI, no pilots)", 1)
    claims = [
        _better(
            rows,
            headers,
            "better than the digital scheme over slow Rayleigh fading",
            "at all SNR and channel bandwidth values (digital at the capacity of the average SNR, with outage)",
        )
        for headers in ("headers counted", "headers free")
    ]
    return claims, save(figure, settings.output, "figure-5")


def _better(rows: list[dict[str, object]], headers: str, claim: str, paper: str) -> Claim:
    margins = {}
    for row in rows:
        best = max(float(row[f"{system} {headers}"]) for system in DIGITAL)  # type: ignore[arg-type]
        margins[(row["snr_db"], row["complex_uses"])] = float(row["cnn"]) - best  # type: ignore[arg-type]
    if not margins:
        return Claim(f"{claim} ({headers})", paper, "no trained model at hand", None)
    lost = [
        f"{snr_db:g} dB, {uses} complex uses: {margin:+.2f}"
        for (snr_db, uses), margin in margins.items()
        if margin <= 0
    ]
    ours = f"cnn minus the better of the two: {_span(list(margins.values()))} dB over {len(margins)} points"
    ours += f"; not better at {'; '.join(lost)}" if lost else ""
    return Claim(f"{claim} ({headers})", paper, ours, not lost)


def _span(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}" if values else "nothing"


def _bandwidth_figure(rows: list[dict[str, object]], label: str, reals_per_use: int) -> Figure:
    figure = Figure(figsize=(12, 5), layout="constrained")
    for axes, snr_db in zip(figure.subplots(1, len(AWGN_SNRS), sharey=True), AWGN_SNRS, strict=True):
        points = [row for row in rows if row["snr_db"] == snr_db]
        uses = [int(row["complex_uses"]) * reals_per_use for row in points]  # type: ignore[call-overload]
        names = [
            "cnn",
            *(f"{system} {headers}" for headers in ("headers counted", "headers free") for system in DIGITAL),
        ]
        for index, name in enumerate(names):
            style = "-" if name == "cnn" or "counted" in name else "--"
            axes.plot(uses, [row[name] for row in points], style, color=COLOURS[index % 3], marker="o", label=name)
        _finish(axes, label, f"SNR {snr_db:g} dB")
    return figure


def _finish(axes: object, label: str, title: str) -> None:
    axes.set_xlabel(label)  # type: ignore[attr-defined]
    axes.set_ylabel("PSNR [dB], mean of the per-image values, 8 bits")  # type: ignore[attr-defined]
    axes.set_title(title, fontsize=10)  # type: ignore[attr-defined]
    axes.grid(alpha=0.3)  # type: ignore[attr-defined]
    if axes.get_legend_handles_labels()[0]:  # type: ignore[attr-defined]
        axes.legend(fontsize=8)  # type: ignore[attr-defined]

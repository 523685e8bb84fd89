"""Hudheifa: Deep joint source-channel coding: convolutional, diffusion and model-based approaches (a report).

Kodak at bandwidth ratio 1/8 (its rho = 1/4 of real uses), AWGN. Each of its two networks stands here twice: as it
describes it, and with its parts as branches around the linear code, which is the control.
"""

import math
from itertools import pairwise

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepjscc.channels import make_channel
from deepjscc.data import open_data
from deepjscc.digital.rate_distortion import BLOCK, gaussian_mse, gaussian_spectrum
from deepjscc.evaluation.report import COLOURS, MARKERS
from deepjscc.papers.base import Claim, Report, Settings, finish, run_parts, save
from deepjscc.papers.three_approaches_further import FADES, fading, rates
from deepjscc.papers.three_approaches_receivers import figure_4, figure_5, figure_6, refinement
from deepjscc.papers.three_approaches_report import (
    ADAPTIVE,
    ADAPTIVE_LINEAR,
    IMAGES,
    PARAMETERS,
    PSNR_DB,
    RATIO,
    REFINER,
    SNRS,
    TESTED_AT,
    UNROLLED_LINEAR,
    available_models,
    curve,
    kodak,
    value_at,
)
from deepjscc.zoo import load, load_refiner

LEARNED = (ADAPTIVE, ADAPTIVE_LINEAR, UNROLLED_LINEAR)
CONTROL = "linear"
DIGITAL = ("jpeg+ideal", "webp+ideal", "jpeg2000+ideal")
CLIFFS = ("jpeg+ideal@10dB", "webp+ideal@10dB")
REPORTED = {
    ("ssim", ADAPTIVE): "0.75 at every SNR",
    ("ssim", ADAPTIVE_LINEAR): "0.75 at every SNR",
    ("ssim", UNROLLED_LINEAR): "0.39 at -5 dB, 0.64 at 10 dB",
    ("lpips", ADAPTIVE): "0.38",
    ("lpips", ADAPTIVE_LINEAR): "0.38",
    ("lpips", UNROLLED_LINEAR): "0.52",
}
FLOORS_DB = {0.0: 1.5, 10.0: 0.7, 20.0: 0.3}  # that the branches are to bring over the control
LABEL = "channel SNR, P/N0 [dB]"


def run(settings: Settings) -> Report:
    """Make Figs. 1 to 6, SSIM and LPIPS over the SNR and what goes beyond, and check the claims.

    Raises:
        DeepJSCCError: Kodak or an extra is not there, or the folder cannot be written.
    """
    need_extras()
    parts = (figure_1, figure_2, figure_3, figure_4, figure_5, figure_6, structure, refinement, rates, fading)
    return run_parts(settings, parts)


def need_extras() -> None:
    """Ask for what some later part needs, before minutes of work.

    Raises:
        DeepJSCCError: Sionna (for TDL-A) or diffusers is not installed; it names the extra.
    """
    for options in FADES.values():
        make_channel(str(options["channel"]))
    for refiner in available_models((REFINER,)):
        load_refiner(refiner)


def everything(settings: Settings) -> pl.DataFrame:
    """Measure all systems over all SNRs."""
    return kodak(settings, "curves", [*available_models(LEARNED), CONTROL, *DIGITAL, *CLIFFS], TESTED_AT, lpips=True)


def figure_1(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the SNR, every method, with the report's curves and the Gaussian reference."""
    means = everything(settings)
    axes, figure = _axes()
    for name, colour, marker in zip([*available_models(LEARNED), CONTROL, *DIGITAL], COLOURS, MARKERS, strict=False):
        axes.plot(TESTED_AT, curve(means, name), color=colour, marker=marker, markersize=4, label=name)
    for (name, values), style in zip(PSNR_DB.items(), ("--", ":", "-.", (0, (1, 4))), strict=True):
        axes.plot(SNRS, values, color="grey", linestyle=style, label=name)
    axes.plot(
        TESTED_AT, gaussian_reference(settings), color="black", linewidth=1, label="Gaussian source of its spectrum"
    )
    finish(axes, LABEL, f"Kodak, {_images(settings)} images, {RATIO:.4g} complex channel uses per source value, AWGN")
    axes.legend(fontsize=7, loc="upper left")
    claims = [_gain_over_jpeg(means), _graceful(means), _high_snr(means), *_over_control(means)]
    return claims, save(figure, settings.output, "figure-1")


def figure_2(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The cliff: links that keep the rate of 10 dB, their envelopes, and what degrades gracefully."""
    means = everything(settings)
    axes, figure = _axes()
    graceful = available_models((ADAPTIVE_LINEAR,)) or [CONTROL]
    for name, colour in zip([*CLIFFS, "jpeg+ideal", *graceful], COLOURS, strict=False):
        style, steps = "--" if name == "jpeg+ideal" else "-", "steps-post" if name in CLIFFS else "default"
        values = curve(means, name)
        axes.plot(TESTED_AT, values, style, drawstyle=steps, color=colour, marker="o", markersize=4, label=name)
    axes.axvline(10, color="grey", linewidth=1)
    axes.annotate("below the SNR planned for nothing arrives", (9.7, 17), ha="right", fontsize=8, color="grey")
    finish(
        axes,
        LABEL,
        f"Kodak, {_images(settings)} images: links of one rate fall off a cliff, an envelope of them does not",
    )
    lost = [value_at(means, CLIFFS[0], snr) for snr in (0.0, 5.0)]
    claim = Claim(
        "digital links have a cliff",
        "JPEG 12.2 dB (mean image) up to 5 dB, 26.5 dB at 10 dB",
        f"{CLIFFS[0]}: {lost[0]:.1f} and {lost[1]:.1f} dB at 0 and 5 dB, "
        f"{value_at(means, CLIFFS[0], 10.0):.1f} dB at 10 dB; "
        "a link that follows the SNR has none",
        value_at(means, CLIFFS[0], 10.0) - lost[1] > 5,
    )
    return [claim], save(figure, settings.output, "figure-2")


def figure_3(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Parameters against PSNR at 10 dB."""
    means = everything(settings)
    axes, figure = _axes()
    sizes = {name: sum(weight.numel() for weight in load(name).parameters()) for name in available_models(LEARNED)}
    for (name, count), colour, marker in zip(sizes.items(), COLOURS, MARKERS, strict=False):
        axes.plot(count / 1e6, value_at(means, name, 10.0), marker, color=colour, label=f"{name}, {count / 1e6:.1f} M")
    for name, reported in PARAMETERS.items():
        label = f"{name}, {reported / 1e6:.1f} M"
        axes.plot(reported / 1e6, PSNR_DB[name][SNRS.index(10.0)], "x", color="grey", label=label)
    axes.axhline(
        value_at(means, CONTROL, 10.0), color="grey", linewidth=1, label=f"{CONTROL}, nothing trained by gradients"
    )
    finish(axes, "parameters [million]", f"Kodak, {_images(settings)} images, ratio {RATIO:.4g}, AWGN at 10 dB")
    claim = Claim(
        "the model-based code: 6.6 times fewer parameters for 2.0 dB",
        "2.6 M at 23.8 dB against 17.5 M at 25.8 dB, at 10 dB",
        "; ".join(
            f"{name} {count / 1e6:.1f} M at {value_at(means, name, 10.0):.2f} dB" for name, count in sizes.items()
        )
        or "nothing",
        value_at(means, UNROLLED_LINEAR, 10.0) > value_at(means, ADAPTIVE_LINEAR, 10.0) - 2.0
        if {UNROLLED_LINEAR, ADAPTIVE_LINEAR} <= set(sizes)
        else None,
    )
    return [claim], save(figure, settings.output, "figure-3")


def structure(settings: Settings) -> tuple[list[Claim], list[str]]:
    """SSIM over the SNR, and LPIPS, which is smaller where pictures look more alike."""
    means, claims, files = everything(settings), list[Claim](), list[str]()
    for name, column in (("SSIM", "ssim"), ("LPIPS", "lpips")):
        axes, figure = _axes()
        for system, colour, marker in zip(
            [*available_models(LEARNED), CONTROL, *DIGITAL], COLOURS, MARKERS, strict=False
        ):
            over_snr = curve(means, system, column)
            axes.plot(TESTED_AT, over_snr, color=colour, marker=marker, markersize=4, label=system)
        finish(
            axes, LABEL, f"Kodak, {_images(settings)} images, {RATIO:.4g} complex channel uses per source value, AWGN"
        )
        axes.set_ylabel(f"{name}, mean of the per-image values, 8 bits")
        files += save(figure, settings.output, column)
        for system in available_models(LEARNED):
            values = ", ".join(
                f"{value_at(means, system, snr, column):.2f} at {snr:g} dB" for snr in (-5.0, 10.0, 20.0)
            )
            claims.append(Claim(f"{name} of {system}", REPORTED[column, system], values, None))
    return claims, files


def gaussian_reference(settings: Settings) -> list[float]:
    """Mean PSNR over Kodak of Gaussian sources with each image's block covariance, at capacity."""
    images = open_data("kodak").spread(_images(settings))
    totals = [0.0] * len(TESTED_AT)
    for index in range(len(images)):
        image = images[index]
        spectrum, values = gaussian_spectrum(image), image.numel()
        for place, snr_db in enumerate(TESTED_AT):
            bits = RATIO * values * math.log2(1 + 10 ** (snr_db / 10)) / (values / (3 * BLOCK**2))
            totals[place] -= 10 * math.log10(gaussian_mse(spectrum, bits)) / len(images)
    return totals


def _gain_over_jpeg(means: pl.DataFrame) -> Claim:
    best = available_models((ADAPTIVE_LINEAR, ADAPTIVE))
    gains = {
        f"{name} minus {jpeg}": value_at(means, name, 0.0) - value_at(means, jpeg, 0.0)
        for name in best
        for jpeg in ("jpeg+ideal", CLIFFS[0])
    }
    return Claim(
        "13 dB over JPEG with an ideal code at 0 dB",
        "25.2 against 12.2 dB",
        "; ".join(f"{name} {gain:+.2f} dB" for name, gain in gains.items()) or "nothing",
        gains[f"{best[0]} minus jpeg+ideal"] >= 13 if best else None,
    )


def _graceful(means: pl.DataFrame) -> Claim:
    steepest = {
        name: max((after - before) / 5 for before, after in pairwise(curve(means, name)))
        for name in available_models(LEARNED)
    }
    spans = {name: value_at(means, name, 25.0) - value_at(means, name, -5.0) for name in available_models(LEARNED)}
    return Claim(
        "graceful degradation",
        "no cliff; PSNR spans 2 dB from -5 to 25 dB, which the report calls too little",
        "; ".join(f"{name}: {steepest[name]:.2f} dB a dB at most, spans {spans[name]:.1f} dB" for name in spans)
        or "nothing",
        max(steepest.values()) < 2 if steepest else None,
    )


def _high_snr(means: pl.DataFrame) -> Claim:
    best = max((value_at(means, name, 20.0), name) for name in (*available_models(LEARNED), CONTROL))
    digital = {name: value_at(means, name, 20.0) for name in DIGITAL}
    return Claim(
        "above 12 dB JPEG and WebP with ideal codes are better",
        "34.1 and 36.7 against 25.8 dB at 20 dB",
        f"at 20 dB {best[1]} {best[0]:.2f}; " + ", ".join(f"{name} {psnr:.2f}" for name, psnr in digital.items()),
        max(digital["jpeg+ideal"], digital["webp+ideal"]) > best[0],
    )


def _over_control(means: pl.DataFrame) -> list[Claim]:
    claims = []
    for name in available_models((ADAPTIVE_LINEAR, UNROLLED_LINEAR)):
        gains = {snr: value_at(means, name, snr) - value_at(means, CONTROL, snr) for snr in FLOORS_DB}
        floors = ", ".join(f"{floor:g}" for floor in FLOORS_DB.values())
        claims.append(
            Claim(
                f"{name}: what its branches add to {CONTROL}",
                f"(ours to reach: {floors} dB at 0, 10, 20 dB)",
                ", ".join(f"{gain:+.2f} dB at {snr:g} dB" for snr, gain in gains.items()),
                all(gains[snr] >= floor for snr, floor in FLOORS_DB.items()),
            )
        )
    return claims


def _images(settings: Settings) -> int:
    return min(settings.images, IMAGES)


def _axes() -> tuple[Axes, Figure]:
    figure = Figure(figsize=(8, 5), layout="constrained")
    return figure.subplots(), figure

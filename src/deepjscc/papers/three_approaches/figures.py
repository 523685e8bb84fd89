"""Hudheifa: Deep joint source-channel coding: convolutional, diffusion and model-based approaches (a report).

Kodak at bandwidth ratio 1/8 (its rho = 1/4 of real uses), AWGN. Each of its two networks stands here twice: as it
describes it, and with its parts as branches around the linear code, which is the control.
"""

import math
from itertools import pairwise

from deepjscc.channels import make_channel
from deepjscc.data import open_data
from deepjscc.digital.rate_distortion import BLOCK, gaussian_mse, gaussian_spectrum
from deepjscc.evaluation.report import COLOURS, MARKERS
from deepjscc.papers.claims import Claim, Margin, Report, above, below, judge
from deepjscc.papers.measurements import Settings, run_parts
from deepjscc.papers.plotting import SNR_LABEL, describe, draw_reported, one_axes, save
from deepjscc.papers.reported import reported_curves
from deepjscc.papers.three_approaches.further import FADES, fading, rates
from deepjscc.papers.three_approaches.receivers import figure_4, figure_5, figure_6, refinement
from deepjscc.papers.three_approaches.report import (
    ADAPTIVE,
    ADAPTIVE_LINEAR,
    IMAGES,
    PARAMETERS,
    PSNR_AT_10_DB,
    RATIO,
    REFINER,
    TESTED_AT,
    UNROLLED_LINEAR,
    KodakRows,
    available_models,
    kodak,
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
COMPARED_AT = (0.0, 10.0, 20.0)


def run(settings: Settings) -> Report:
    """Make Figs. 1 to 6, SSIM and LPIPS over the SNR and what goes beyond, and check the claims.

    Raises:
        DeepJSCCError: Kodak or an extra is not there, or the folder cannot be written.
    """
    need_extras()
    parts = {figure_1: 150, figure_2: 1, figure_3: 1, figure_4: 25, figure_5: 15, figure_6: 5, structure: 1}
    return run_parts(settings, {**parts, refinement: 60, rates: 10, fading: 30})


def need_extras() -> None:
    """Ask for what some later part needs, before minutes of work.

    Raises:
        DeepJSCCError: Sionna (for TDL-A) or diffusers is not installed; it names the extra.
    """
    for options in FADES.values():
        make_channel(str(options["channel"]))
    for refiner in available_models((REFINER,)):
        load_refiner(refiner)


def everything(settings: Settings) -> KodakRows:
    """All systems over all SNRs."""
    return kodak(settings, "curves", [*available_models(LEARNED), CONTROL, *DIGITAL, *CLIFFS], TESTED_AT, lpips=True)


def figure_1(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the SNR, every method, with the report's curves and the Gaussian reference."""
    means = everything(settings)
    figure, axes = one_axes()
    for name, colour, marker in zip([*available_models(LEARNED), CONTROL, *DIGITAL], COLOURS, MARKERS, strict=False):
        axes.plot(TESTED_AT, means.curve(name), color=colour, marker=marker, markersize=4, label=name)
    draw_reported(axes, reported_curves("three_approaches", "figure-1"))
    axes.plot(
        TESTED_AT, gaussian_reference(settings), color="black", linewidth=1, label="Gaussian source of its spectrum"
    )
    describe(
        axes, SNR_LABEL, f"Kodak, {_images(settings)} images, {RATIO:.4g} complex channel uses per source value, AWGN"
    )
    claims = [_gain_over_jpeg(means), _graceful(means), _high_snr(means), *_over_control(means)]
    return claims, save(figure, settings.output, "figure-1")


def figure_2(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The cliff: links that keep the rate of 10 dB, their envelopes, and what degrades gracefully."""
    means = everything(settings)
    figure, axes = one_axes()
    graceful = available_models((ADAPTIVE_LINEAR,)) or [CONTROL]
    for name, colour in zip([*CLIFFS, "jpeg+ideal", *graceful], COLOURS, strict=False):
        style, steps = "--" if name == "jpeg+ideal" else "-", "steps-post" if name in CLIFFS else "default"
        values = means.curve(name)
        axes.plot(TESTED_AT, values, style, drawstyle=steps, color=colour, marker="o", markersize=4, label=name)
    axes.axvline(10, color="grey", linewidth=1)
    axes.annotate("below the SNR planned for nothing arrives", (9.7, 17), ha="right", fontsize=8, color="grey")
    describe(
        axes,
        SNR_LABEL,
        f"Kodak, {_images(settings)} images: links of one rate fall off a cliff, an envelope of them does not",
    )
    lost = [means.value_at(CLIFFS[0], snr) for snr in (0.0, 5.0)]
    claim = Claim(
        "digital links have a cliff",
        "JPEG 12.2 dB (mean image) up to 5 dB, 26.5 dB at 10 dB",
        f"{CLIFFS[0]}: {lost[0]:.1f} and {lost[1]:.1f} dB at 0 and 5 dB, "
        f"{means.value_at(CLIFFS[0], 10.0):.1f} dB at 10 dB; "
        "a link that follows the SNR has none",
        judge(above(5.0, [means.minus((CLIFFS[0], 10.0), (CLIFFS[0], 5.0))])),
    )
    return [claim], save(figure, settings.output, "figure-2")


def figure_3(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Parameters against PSNR at 10 dB."""
    means = everything(settings)
    figure, axes = one_axes()
    sizes = {name: sum(weight.numel() for weight in load(name).parameters()) for name in available_models(LEARNED)}
    for (name, count), colour, marker in zip(sizes.items(), COLOURS, MARKERS, strict=False):
        axes.plot(count / 1e6, means.value_at(name, 10.0), marker, color=colour, label=f"{name}, {count / 1e6:.1f} M")
    for name, reported in PARAMETERS.items():
        label = f"{name}, {reported / 1e6:.1f} M"
        axes.plot(reported / 1e6, PSNR_AT_10_DB[name], "x", color="grey", label=label)
    axes.axhline(
        means.value_at(CONTROL, 10.0), color="grey", linewidth=1, label=f"{CONTROL}, nothing trained by gradients"
    )
    describe(axes, "parameters [million]", f"Kodak, {_images(settings)} images, ratio {RATIO:.4g}, AWGN at 10 dB")
    claim = Claim(
        "the model-based code: 6.6 times fewer parameters for 2.0 dB",
        "2.6 M at 23.8 dB against 17.5 M at 25.8 dB, at 10 dB",
        "; ".join(f"{name} {count / 1e6:.1f} M at {means.value_at(name, 10.0):.2f} dB" for name, count in sizes.items())
        or "nothing",
        judge(
            above(-2.0, [means.minus((UNROLLED_LINEAR, 10.0), (ADAPTIVE_LINEAR, 10.0))])
            if {UNROLLED_LINEAR, ADAPTIVE_LINEAR} <= set(sizes)
            else []
        ),
    )
    return [claim], save(figure, settings.output, "figure-3")


def structure(settings: Settings) -> tuple[list[Claim], list[str]]:
    """SSIM over the SNR, and LPIPS, which is smaller where pictures look more alike."""
    means, claims, files = everything(settings), list[Claim](), list[str]()
    for name, column in (("SSIM", "ssim"), ("LPIPS", "lpips")):
        figure, axes = one_axes()
        for system, colour, marker in zip(
            [*available_models(LEARNED), CONTROL, *DIGITAL], COLOURS, MARKERS, strict=False
        ):
            over_snr = means.curve(system, column)
            axes.plot(TESTED_AT, over_snr, color=colour, marker=marker, markersize=4, label=system)
        draw_reported(axes, reported_curves("three_approaches", column))
        title = f"Kodak, {_images(settings)} images, {RATIO:.4g} complex channel uses per source value, AWGN"
        describe(axes, SNR_LABEL, title, y=name)
        files += save(figure, settings.output, column)
        for system in available_models(LEARNED):
            values = ", ".join(f"{means.value_at(system, snr, column):.2f} at {snr:g} dB" for snr in (-5.0, 10.0, 20.0))
            claims.append(Claim(f"{name} of {system}", REPORTED[column, system], values))
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


def _gain_over_jpeg(means: KodakRows) -> Claim:
    best = available_models((ADAPTIVE_LINEAR, ADAPTIVE))
    gains = {
        f"{name} minus {jpeg}": means.value_at(name, 0.0) - means.value_at(jpeg, 0.0)
        for name in best
        for jpeg in ("jpeg+ideal", CLIFFS[0])
    }
    return Claim(
        "13 dB over JPEG with an ideal code at 0 dB",
        "25.2 against 12.2 dB",
        "; ".join(f"{name} {gain:+.2f} dB" for name, gain in gains.items()) or "nothing",
        judge(above(13.0, [means.minus((best[0], 0.0), ("jpeg+ideal", 0.0))]) if best else []),
    )


def _graceful(means: KodakRows) -> Claim:
    rises: dict[str, list[Margin]] = {
        name: [means.minus((name, after), (name, before)) for before, after in pairwise(TESTED_AT)]
        for name in available_models(LEARNED)
    }
    steps_db = [after - before for before, after in pairwise(TESTED_AT)]
    slopes = {
        name: [(rise / step, error / step) for (rise, error), step in zip(each, steps_db, strict=True)]
        for name, each in rises.items()
    }
    spans = {name: means.value_at(name, 25.0) - means.value_at(name, -5.0) for name in available_models(LEARNED)}
    return Claim(
        "graceful degradation",
        "no cliff; PSNR spans 2 dB from -5 to 25 dB, which the report calls too little",
        "; ".join(f"{name}: {max(slopes[name])[0]:.2f} dB a dB at most, spans {spans[name]:.1f} dB" for name in spans)
        or "nothing",
        judge(below(2.0, [slope for each in slopes.values() for slope in each])),
    )


def _high_snr(means: KodakRows) -> Claim:
    best = max((means.value_at(name, 20.0), name) for name in (*available_models(LEARNED), CONTROL))
    digital = {name: means.value_at(name, 20.0) for name in DIGITAL}
    better = max(("jpeg+ideal", "webp+ideal"), key=digital.__getitem__)
    return Claim(
        "above 12 dB JPEG and WebP with ideal codes are better",
        "34.1 and 36.7 against 25.8 dB at 20 dB",
        f"at 20 dB {best[1]} {best[0]:.2f}; " + ", ".join(f"{name} {psnr:.2f}" for name, psnr in digital.items()),
        judge([means.minus((better, 20.0), (best[1], 20.0))]),
    )


def _over_control(means: KodakRows) -> list[Claim]:
    claims = []
    for name in available_models((ADAPTIVE_LINEAR, UNROLLED_LINEAR)):
        gains = {snr: means.minus((name, snr), (CONTROL, snr)) for snr in COMPARED_AT}
        claims.append(
            Claim(
                f"{name}: its branches add to {CONTROL}",
                "(not in the report)",
                ", ".join(f"{gain:+.2f} ± {error:.2f} dB at {snr:g} dB" for snr, (gain, error) in gains.items()),
                judge(gains.values()),
            )
        )
    return claims


def _images(settings: Settings) -> int:
    return min(settings.images, IMAGES)

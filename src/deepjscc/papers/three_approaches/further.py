"""The report's future work: one model for several rates by masking, and fading with perfect and estimated CSI."""

from dataclasses import replace

from deepjscc.evaluation.report import COLOURS
from deepjscc.papers.claims import Claim
from deepjscc.papers.measurements import Settings
from deepjscc.papers.plotting import describe, one_axes, save
from deepjscc.papers.three_approaches.report import (
    ADAPTIVE,
    ADAPTIVE_LINEAR,
    RATIO,
    available_models,
    kodak,
)

RATIOS = (1 / 48, 1 / 24, 1 / 16, 1 / 12, 1 / 8)
AT_DB = 10.0
FADING_AT = (0.0, 10.0, 20.0)
FEW_IMAGES = 6
FADES: dict[str, dict[str, object]] = {
    "slow Rayleigh, gain known": {"channel": "rayleigh", "coherence": "image", "csi": "receiver"},
    "TDL-A, gain known": {"channel": "tdl-a", "csi": "receiver"},
    "TDL-A, gain estimated from pilots": {"channel": "tdl-a", "csi": "estimated"},
}


def rates(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the bandwidth ratio of one model each, the rest of its latent masked."""
    figure, axes = one_axes()
    few, claims = replace(settings, images=min(settings.images, FEW_IMAGES)), []
    for name, colour in zip(available_models((ADAPTIVE, ADAPTIVE_LINEAR)), COLOURS, strict=False):
        psnr_db = [kodak(few, "rates", [name], (AT_DB,), ratio).value_at(name, AT_DB) for ratio in RATIOS]
        axes.plot(RATIOS, psnr_db, color=colour, marker="o", markersize=4, label=name)
        claims.append(
            Claim(
                f"{name}: one model for several rates",
                "(future work: mask channels of the latent)",
                f"{few.images} images at {AT_DB:g} dB, ratios 1/48, 1/24, 1/16, 1/12, 1/8: "
                + ", ".join(f"{psnr:.2f}" for psnr in psnr_db)
                + " dB",
            )
        )
    describe(
        axes,
        "bandwidth ratio, complex channel uses per source value",
        f"Kodak, {few.images} images, AWGN at {AT_DB:g} dB, one model each",
    )
    return claims, save(figure, settings.output, "rates")


def fading(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the SNR through fading channels, at ratio 1/8 with pilots inside."""
    few = replace(settings, images=min(settings.images, FEW_IMAGES))
    gains = f"{few.images} images, {settings.repeats} draws of gains each"
    claims = []
    for name in available_models((ADAPTIVE_LINEAR,)):
        for air, options in FADES.items():
            means = kodak(few, "fading", [name], FADING_AT, RATIO, repeats=settings.repeats, **options)
            psnr_db = ", ".join(f"{psnr:.2f}" for psnr in means.curve(name))
            claims.append(
                Claim(f"{name} over {air}", "(future work)", f"{psnr_db} dB at 0, 10, 20 dB; ratio 1/8, {gains}")
            )
    return claims, []

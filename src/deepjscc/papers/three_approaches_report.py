"""The numbers of the three-approaches report, quoted as it gives them, and what all parts of its chapter share.

Kodak, 24 images, its bandwidth ratio rho = 1/4 of real uses (1/8 complex). Its digital curves cannot be rebuilt: it
prints rho log2(1 + SNR) bits a pixel, and no mean image of Kodak has its 12.2 dB; see the conventions page.
"""

import polars as pl

from deepjscc.evaluation.table import summarise
from deepjscc.papers.base import Settings, measure_on
from deepjscc.zoo import cards

SNRS = (-5.0, 0.0, 10.0, 20.0)
PSNR_DB = {
    "adaptive (report)": (23.9, 25.2, 25.8, 25.8),
    "model-based (report)": (19.3, 22.2, 23.8, 23.6),
    "JPEG + ideal (report)": (12.2, 12.2, 26.5, 34.1),
    "WebP + ideal (report)": (12.2, 12.2, 26.2, 36.7),
}
STEPS_PSNR_DB = (10.1, 12.3, 14.0, 15.2, 18.9, 23.8)  # after K = 1 to 6 steps, at 10 dB
PARAMETERS = {"adaptive (report)": 17.5e6, "model-based (report)": 2.6e6}

RATIO = 1 / 8
IMAGES = 24
TESTED_AT = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
ADAPTIVE, ADAPTIVE_LINEAR = "adaptive", "adaptive-linear"
UNROLLED, UNROLLED_LINEAR = "unrolled", "unrolled-linear"
REFINER = "diffusion"


def available_models(names: tuple[str, ...]) -> list[str]:
    """Return those of some models that the zoo holds."""
    return [name for name in names if name in cards()]


def kodak(
    settings: Settings,
    table: str,
    systems: list[str],
    snr_db: tuple[float, ...],
    ratio: float | None = RATIO,
    **options: object,
) -> pl.DataFrame:
    """Measure systems on Kodak into one of the tables, and return the means."""
    images = min(settings.images, IMAGES)
    return summarise(measure_on("kodak", images, settings, table, systems, snr_db, ratio, **options)).sort("snr_db")


def curve(means: pl.DataFrame, system: str, column: str = "psnr_db") -> list[float]:
    """Return one system's values over the SNR."""
    return means.filter(pl.col("system") == system)[column].to_list()


def value_at(means: pl.DataFrame, system: str, snr_db: float, column: str = "psnr_db") -> float:
    """Return one system's value at one SNR."""
    return float(means.filter((pl.col("system") == system) & (pl.col("snr_db") == snr_db))[column].item())

"""What all parts of the three-approaches report share: systems, settings, and differences image by image.

Kodak, 24 images, its bandwidth ratio rho = 1/4 of real uses (1/8 complex). Its digital curves cannot be rebuilt: it
prints rho log2(1 + SNR) bits a pixel, and no mean image of Kodak has its 12.2 dB; see the conventions page.
"""

import polars as pl

from deepjscc.evaluation.table import summarise
from deepjscc.papers.claims import Margin, mean_margin
from deepjscc.papers.measurements import Settings, measure_on
from deepjscc.zoo import cards

PSNR_AT_10_DB = {"adaptive (report)": 25.8, "model-based (report)": 23.8}
PARAMETERS = {"adaptive (report)": 17.5e6, "model-based (report)": 2.6e6}

RATIO = 1 / 8
IMAGES = 24
TESTED_AT = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
ADAPTIVE, ADAPTIVE_LINEAR = "adaptive", "adaptive-linear"
UNROLLED, UNROLLED_LINEAR = "unrolled", "unrolled-linear"
REFINER = "diffusion"


def available_models(names: tuple[str, ...]) -> list[str]:
    """Those of some models that the zoo holds."""
    return [name for name in names if name in cards()]


def kodak(
    settings: Settings,
    table: str,
    systems: list[str],
    snr_db: tuple[float, ...],
    ratio: float | None = RATIO,
    **options: object,
) -> "KodakRows":
    """Rows over Kodak, kept in one of the tables."""
    images = min(settings.images, IMAGES)
    return KodakRows(measure_on("kodak", images, settings, table, systems, snr_db, ratio, **options))


class KodakRows:
    """Rows of a sweep over Kodak, one an image, system, SNR and draw, and their means.

    Args:
        rows: of the sweep.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows, self.means = rows, summarise(rows).sort("snr_db")

    def curve(self, system: str, column: str = "psnr_db") -> list[float]:
        """One system's values over the SNR."""
        return self.means.filter(pl.col("system") == system)[column].to_list()

    def value_at(self, system: str, snr_db: float, column: str = "psnr_db") -> float:
        """One system's value at one SNR."""
        return float(self.means.filter((pl.col("system") == system) & (pl.col("snr_db") == snr_db))[column].item())

    def minus(self, of: tuple[str, float], other: tuple[str, float], column: str = "psnr_db") -> Margin:
        """The mean difference of one system at one SNR to another, or at another SNR, and its standard error."""
        one, two = (
            self.rows.filter((pl.col("system") == system) & (pl.col("snr_db") == snr_db))
            .group_by("image")
            .agg(pl.col(column).mean())
            .sort("image")[column]
            .to_numpy()
            for system, snr_db in (of, other)
        )
        return mean_margin(one - two)

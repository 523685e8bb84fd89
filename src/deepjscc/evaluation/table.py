"""The results table: one tidy row per image sent, kept as Parquet."""

import io
from pathlib import Path
from typing import Any

import polars as pl

from deepjscc.errors import DeepJSCCError
from deepjscc.files import write_atomically

SCHEMA: dict[str, Any] = {
    "system": pl.String,
    "data_set": pl.String,
    "image": pl.String,
    "view": pl.String,  # of a pair: left or right; null else
    "stage": pl.Int64,  # of a progressive system: 1, 2, …; null else
    "channel": pl.String,
    "coherence": pl.String,
    "csi": pl.String,
    "k_factor_db": pl.Float64,  # of Rician fading where it was set; null else
    "requested_ratio": pl.Float64,  # null: the model's own
    "bandwidth_ratio": pl.Float64,  # measured: complex channel uses per source value
    "channel_uses": pl.Int64,
    "container": pl.Boolean,  # whether header bytes counted; null for learned systems
    "snr_db": pl.Float64,
    "other_snr_db": pl.Float64,  # of a pair: of the other view's link; null else
    "encoder_snr_db": pl.Float64,  # what the transmitter believed
    "seed": pl.Int64,
    "psnr_db": pl.Float64,  # per image, 8 bits
    "ssim": pl.Float64,
    "ms_ssim": pl.Float64,  # null under 161 pixels a side
    "ms_ssim_window_7": pl.Float64,  # the variant for 97 to 160 pixels a side; null else
    "lpips": pl.Float64,  # null unless asked for
    "delivered": pl.Boolean,
    "layers": pl.String,  # names of the layers that arrived, such as base+analog; "" where none did; null: not counted
    "seconds": pl.Float64,  # encode, channel, decode; a digital link's search of a rate only where it was not known yet
    "weights_hash": pl.String,
    "unit": pl.String,  # the piece of the sweep that made the row: what a resumed sweep skips
}

LATER = ("layers",)  # columns that tables of earlier versions do not have; they are null there


def to_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Convert rows to a table with the columns of :data:`SCHEMA`; a missing key becomes null."""
    return pl.DataFrame(rows, schema=SCHEMA)


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file atomically."""
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    write_atomically(path, lambda file: file.write(buffer.getvalue()))


def write_csv(table: pl.DataFrame, path: Path) -> None:
    """Write a CSV file with a header atomically; null is an empty field."""
    text = table.write_csv()
    write_atomically(path, lambda file: file.write(text.encode()))


def read_table(path: Path) -> pl.DataFrame:
    """Read a results table.

    Raises:
        DeepJSCCError: the file is missing, is not Parquet, or is not a results table.
    """
    if not path.is_file():
        raise DeepJSCCError(f"{path}: no such file; `deepjscc evaluate … -o {path}` makes one")
    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DeepJSCCError(f"{path}: not a Parquet table ({str(error).splitlines()[0]})") from None
    table = table.with_columns(pl.lit(None).alias(name) for name in LATER if name not in table.columns)
    missing = [name for name in SCHEMA if name not in table.columns]
    if missing:
        raise DeepJSCCError(f"{path}: not a results table of this version: no column {missing[0]!r}")
    try:
        return table.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    except pl.exceptions.PolarsError as error:
        raise DeepJSCCError(f"{path}: not a results table: {str(error).splitlines()[0]}") from None


def summarise(table: pl.DataFrame) -> pl.DataFrame:
    """Mean over images and seeds: one row per system, weights, data set, channel, ratio, SNRs and container.

    Columns ``psnr_db`` (mean of the per-image values), ``psnr_pooled_db`` (MSE averaged first), ``standard_error_db``
    (over seeds; null for one), ``ssim``, ``ms_ssim``, ``ms_ssim_window_7``, ``lpips``, ``delivered`` (share),
    ``layers`` ("base+analog 92%, coarse 8%"), ``bandwidth_ratio``, ``images``, ``seeds``, ``seconds`` (a picture).
    """
    keys = [
        *["system", "data_set", "view", "stage", "channel", "coherence", "csi", "k_factor_db", "requested_ratio"],
        *["container", "snr_db", "other_snr_db", "encoder_snr_db", "weights_hash"],
    ]
    # Sweeps over more or fewer images into one file hold some of them twice.
    table = table.unique([*keys, "image", "seed"], keep="last", maintain_order=True)
    # Standard error over seeds of the mean over images: the draws differ between seeds, the images do not.
    seeds = table.group_by([*keys, "seed"]).agg(pl.col("psnr_db").mean())
    spread = seeds.group_by(keys).agg((pl.col("psnr_db").std() / pl.len().sqrt()).alias("standard_error_db"))
    means = table.group_by(keys).agg(
        pl.col("psnr_db").mean(),
        (-10 * (10 ** (-pl.col("psnr_db") / 10)).mean().log10()).alias("psnr_pooled_db"),
        pl.col("ssim", "ms_ssim", "ms_ssim_window_7", "lpips", "bandwidth_ratio", "delivered", "seconds").mean(),
        pl.col("image").n_unique().alias("images"),
        pl.col("seed").n_unique().alias("seeds"),
    )
    means = means.join(spread, on=keys, nulls_equal=True).join(
        _layers(table, keys), on=keys, how="left", nulls_equal=True
    )
    return means.sort(keys, nulls_last=True)


def _layers(table: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Which layers arrived, each combination with its share of the transmissions, the most frequent first."""
    counted = table.filter(pl.col("layers").is_not_null()).group_by([*keys, "layers"]).len()
    counted = counted.with_columns((pl.col("len") * 100 / pl.col("len").sum().over(keys)).round().cast(pl.Int64))
    name = pl.when(pl.col("layers") == "").then(pl.lit("none")).otherwise(pl.col("layers"))
    counted = counted.sort(["len", "layers"], descending=[True, False])
    counted = counted.with_columns(pl.format("{} {}%", name, pl.col("len")).alias("layers"))
    return counted.group_by(keys, maintain_order=True).agg(pl.col("layers").str.join(", "))

"""`deepjscc compare`: BD-PSNR and BD-rate between systems of results tables."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import Json, print_json, print_table


def compare(
    tables: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    reference: Annotated[str, Parameter(help="The system that the others are compared with.")],
    x: Annotated[
        Literal["snr_db", "bandwidth_ratio"] | None,
        Parameter(
            name="--x",
            help="Column of the x axis. The default is the bandwidth ratio if several were measured, else the SNR.",
        ),
    ] = None,
    y: Annotated[
        str, Parameter(name="--y", help="Metric: psnr_db, psnr_pooled_db, ssim, ms_ssim or lpips.")
    ] = "psnr_db",
    json: Json = False,
) -> None:
    """Compare systems by Bjøntegaard deltas: the mean difference in quality, and in bandwidth or SNR at equal quality.

    Over the bandwidth ratio these are BD-PSNR in dB and BD-rate in percent (-20 means a fifth less bandwidth). Over the
    SNR the second value is the additional SNR in dB that the system needs (-2 means that it needs 2 dB less). A dash
    means that the curves share no range, or that one of them does not rise.

    Args:
        tables: Files of deepjscc evaluate (.parquet).
    """
    from dataclasses import asdict

    import polars as pl

    from deepjscc.evaluation.comparison import compare as measure
    from deepjscc.evaluation.table import read_table

    over, found = measure(pl.concat([read_table(table) for table in tables]), reference, x=x, y=y)
    quality = f"bd_{y}"
    cost = "bd_rate_percent" if over == "bandwidth_ratio" else "snr_needed_more_db"
    results = []
    for each in found:
        values = asdict(each)
        values[quality] = values.pop("quality_difference")
        values[cost] = values.pop("cost")
        if over == "bandwidth_ratio" and values[cost] is not None:
            values[cost] *= 100
        values[f"{over}_from"], values[f"{over}_to"] = values.pop("low"), values.pop("high")
        results.append(values)
    if json:
        print_json(results)
    else:
        print_table(list(results[0]), [list(result.values()) for result in results])

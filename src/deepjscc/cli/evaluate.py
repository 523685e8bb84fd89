"""`deepjscc evaluate`: systems over images and SNRs to a Parquet table."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import (
    Belief,
    ChannelOptions,
    Device,
    Json,
    OutputFile,
    Ratio,
    Seed,
    Simulate,
    Snrs,
    Systems,
    WorkerOptions,
    design_snr,
    notes,
    one_snr,
    print_json,
    print_table,
    progress,
)
from deepjscc.errors import UsageError
from deepjscc.units import parse_ratio, parse_snr_list


def evaluate(
    *,
    system: Systems,
    data: Annotated[str, Parameter(help="Data set: kodak, cifar10, samples, … or any folder of pictures.")],
    output: OutputFile,
    snr_db: Snrs = "-5:20:5",
    right_offset_db: Annotated[
        str,
        Parameter(allow_leading_hyphen=True, help="For pairs: SNR of the right link minus --snr-db, in dB; or inf."),
    ] = "0",
    bandwidth_ratio: Ratio = None,
    over: ChannelOptions = ChannelOptions(),
    encoder_snr_db: Belief = None,
    container: Annotated[bool, Parameter(help="Count the header bytes of digital systems.")] = True,
    images: Annotated[int | None, Parameter(help="Number of images, evenly spread over the set.")] = None,
    repeats: Annotated[int, Parameter(help="Number of realisations of gains and noise for each image.")] = 1,
    seed: Seed = 0,
    lpips: Annotated[bool, Parameter(negative="", help="Also measure LPIPS (with AlexNet).")] = False,
    simulate: Simulate = False,
    device: Device = "cpu",
    by: WorkerOptions = WorkerOptions(),
    csv: Annotated[Path | None, Parameter(help="Also write the rows to this CSV file.")] = None,
    json: Json = False,
) -> None:
    """Measure systems over images and SNRs into a Parquet table. After an interruption the same command continues."""
    if repeats < 1 or (images is not None and images < 1):
        raise UsageError("--repeats and --images must be at least 1")
    if output.suffix != ".parquet":
        raise UsageError(
            f"{output}: the table is written as Parquet; give a name that ends in .parquet, and --csv for a copy as CSV"
        )
    if csv is not None and csv.suffix != ".csv":
        raise UsageError(f"{csv}: the name of the CSV file must end in .csv")
    snrs = parse_snr_list(snr_db)
    believed, spread_db = design_snr(encoder_snr_db)
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)

    import polars as pl

    from deepjscc.evaluation.sweep import Plan, sweep
    from deepjscc.evaluation.table import summarise, write_csv
    from deepjscc.systems.names import check_simulation

    check_simulation(simulate, system)
    plan = Plan(
        systems=tuple(system),
        data=data,
        snr_db=tuple(snrs),
        encoder_snr_db=believed,
        encoder_snr_spread_db=spread_db,
        right_offset_db=one_snr(right_offset_db),
        bandwidth_ratio=ratio,
        **asdict(over),
        container=container,
        images=images,
        repeats=repeats,
        seed=seed,
        lpips=lpips,
        simulate=simulate,
        device=device,
    )
    with notes(), progress() as on_progress:
        table = sweep(plan, output, on_progress, by.build(0))
    if csv is not None:
        write_csv(table, csv)
    means = summarise(table)
    if json:
        print_json(means.to_dicts())
        return
    shown = [
        "system",
        "view",
        "stage",
        "snr_db",
        "other_snr_db",
        "psnr_db",
        "psnr_pooled_db",
        "standard_error_db",
        "ssim",
        "ms_ssim",
        "ms_ssim_window_7",
        "lpips",
        "delivered",
        "layers",
    ]
    shown += ["bandwidth_ratio", "encoder_snr_db", "images", "seeds", "seconds"]
    shown = [name for name in shown if means[name].null_count() < len(means)]
    print_table(shown, means.select(shown).rows())
    last = pl.col("stage").is_null() | (pl.col("stage") == pl.col("stage").max().over("system"))
    spent = means.filter(last & ((pl.col("bandwidth_ratio") / pl.col("requested_ratio") - 1).abs() > 0.01))
    for name, asked, used in spent.select("system", "requested_ratio", "bandwidth_ratio").unique().iter_rows():
        print(f"note: {name} used a bandwidth ratio of {used:.4g} instead of {asked:.4g}")

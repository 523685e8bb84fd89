"""`deepjscc bulk`: transmission of a folder or bucket of pictures by many workers."""

from dataclasses import asdict
from typing import Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import (
    ChannelOptions,
    Device,
    EncoderSnr,
    Json,
    Ratio,
    Seed,
    Snr,
    WorkerOptions,
    notes,
    one_snr,
    print_json,
    progress,
)
from deepjscc.cli.wishes import TargetPsnr, target_psnr
from deepjscc.defaults import UNIVERSAL
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.threads import usable_cores
from deepjscc.units import parse_ratio


def bulk(
    what: Literal["transmit", "encode"],
    source: str,
    *,
    output: Annotated[
        str, Parameter(name=["--output", "-o"], help="Folder or URL for the pictures and the folder report/.")
    ],
    snr_db: Snr = "10",
    bandwidth_ratio: Ratio = None,
    target_psnr_db: TargetPsnr = None,
    system: Annotated[str, Parameter(name=["--system", "--model"], help="MODEL or CODEC+CODING.")] = UNIVERSAL,
    over: ChannelOptions = ChannelOptions(),
    encoder_snr_db: EncoderSnr = None,
    pictures: Annotated[
        Literal["png", "webp", "jpg", "tif", "none"],
        Parameter(help="Format of the received pictures; none writes only the report."),
    ] = "png",
    precision: Annotated[
        Literal["fp32", "bf16", "auto"],
        Parameter(help="Precision of the networks; auto takes the fastest on this machine."),
    ] = "fp32",
    device: Device = "cpu",
    shard: Annotated[int, Parameter(help="Number of pictures in a piece; an interrupted piece is repeated.")] = 16,
    by: WorkerOptions = WorkerOptions(),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Send or encode every picture below a folder. After an interruption the same command continues the work.

    The report is a Parquet table in pieces: polars.read_parquet("OUTPUT/report/*.parquet"). A picture that cannot be
    read has a row with the error, and the exit code of the command is 1.

    Args:
        what: transmit sends each picture over the channel and decodes it; encode writes recordings like deepjscc
            encode.
        source: A folder, or a URL such as s3://bucket/folder.
    """
    snr = one_snr(snr_db)
    if shard < 1:
        raise UsageError("--shard must be at least 1")
    if what == "encode" and (
        encoder_snr_db is not None or over != ChannelOptions() or (pictures, device) != ("png", "cpu")
    ):
        raise UsageError(
            "encode uses no channel, writes no pictures and runs on the CPU; its --snr-db is the design SNR"
        )
    target_db = target_psnr(target_psnr_db, bandwidth_ratio)
    if what == "encode" and target_db is not None:
        raise UsageError("--target-psnr-db is for bulk transmit; give bulk encode a bandwidth ratio")

    from deepjscc.bulk.job import Job
    from deepjscc.bulk.run import Summary, run, settled
    from deepjscc.devices import parse_device
    from deepjscc.systems.constant_quality import DUMMY_RATIO
    from deepjscc.systems.names import make_system
    from deepjscc.systems.transceivers import load_transceiver
    from deepjscc.workers import Here

    job = Job(
        source=source,
        output=output,
        what=what,
        system=system,
        snr_db=snr,
        encoder_snr_db=None if encoder_snr_db is None else one_snr(encoder_snr_db),
        bandwidth_ratio=None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio),
        target_psnr_db=target_db,
        **asdict(over),
        seed=seed,
        suffix=None if pictures == "none" else f".{pictures}",
        precision="fp32" if precision == "auto" else precision,
        device=device,
    )
    parse_device(device)
    if what == "encode":  # a wrong name, or a system without symbols, shows before any work is done
        load_transceiver(system)
    else:
        make_system(system, over.build(), bandwidth_ratio=job.bandwidth_ratio if target_db is None else DUMMY_RATIO)
    if precision == "auto":
        job = settled(job)
    with notes(), progress() as bar:

        def on_progress(summary: Summary) -> None:
            bar(summary.images, None, f"{summary.failed} failed")

        summary = run(job, by.build(usable_cores()) or Here(), shard, on_progress)
    fresh = summary.images - summary.done_before
    if json:
        print_json(vars(summary) | {"psnr_db": summary.psnr_db, "precision": job.precision})
    else:
        quality = "" if summary.psnr_db is None else f", mean PSNR {summary.psnr_db:.2f} dB"
        earlier = f" ({summary.done_before} of them before)" if summary.done_before else ""
        print(
            f"{summary.images} pictures{earlier}, {summary.channel_uses} channel uses{quality}, in {job.precision}; "
            f"{fresh} in {summary.seconds:.1f} s, {fresh / summary.seconds:.2f} a second; see {output}/report"
        )
    if summary.failed:
        raise DeepJSCCError(
            f"{summary.failed} of {summary.images} pictures failed, the first: {'; '.join(summary.first_failures)}"
        )

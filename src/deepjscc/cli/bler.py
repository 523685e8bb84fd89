"""`deepjscc bler`: block error rates of LDPC codes by Monte Carlo."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import Json, no_folder, print_json, print_table, progress
from deepjscc.errors import UsageError


def bler(
    *,
    output: Annotated[
        Path,
        Parameter(
            name=["--output", "-o"], help="The table; points that it already holds are kept.", validator=no_folder
        ),
    ],
    schemes: Annotated[
        str, Parameter(help="The schemes to measure: ldpc, ldpc-papers, or names such as qpsk-449,16qam-490.")
    ] = "ldpc,ldpc-papers",
    block_bits: Annotated[str, Parameter(help="Numbers of coded bits of a block, such as 6144,384.")] = "6144,1536,384",
    channel: Annotated[
        Literal["awgn", "fast_rayleigh"], Parameter(help="The channel; the receiver knows its gain.")
    ] = "awgn",
    errors: Annotated[int, Parameter(help="Number of block errors that are enough for a point.")] = 60,
    blocks: Annotated[int, Parameter(help="Largest number of blocks for a point.")] = 1500,
    target: Annotated[float, Parameter(help="Error rate below which the SNR is not raised further.")] = 1e-2,
    device: Annotated[str, Parameter(help="Device for the computation: cpu or cuda.")] = "cpu",
    jobs: Annotated[int, Parameter(help="Number of worker processes.")] = 1,
    json: Json = False,
) -> None:
    """Measure block error rates over the SNR. After an interruption the same command continues the measurement."""
    if errors < 1 or blocks < 1 or jobs < 1 or not 0 < target < 1:
        raise UsageError("--errors, --blocks and --jobs must be at least 1, --target between 0 and 1")

    import polars as pl

    from deepjscc.digital.bler import confidence
    from deepjscc.digital.monte_carlo import Effort, measure
    from deepjscc.digital.schemes import BLOCK_BITS, SETS, Scheme, scheme

    wanted: list[Scheme] = []
    for name in schemes.split(","):
        one = scheme(name)
        if one is None and name not in SETS:
            raise UsageError(f"unknown scheme {name!r}; there are {', '.join(SETS)}, or names such as 16qam-490")
        wanted += SETS[name] if one is None else [one]
    try:
        lengths = [int(text) for text in block_bits.split(",")]
    except ValueError:
        lengths = []
    if not lengths or not set(lengths) <= set(BLOCK_BITS):
        raise UsageError(f"--block-bits takes some of {', '.join(map(str, BLOCK_BITS))}, not {block_bits!r}")
    with progress() as on_progress:
        table = measure(
            output,
            channel,
            wanted,
            lengths,
            Effort(errors, blocks, target),
            jobs=jobs,
            device=device,
            on_progress=on_progress,
        )
    mine = table.filter(
        pl.col("scheme").is_in([one.name for one in wanted]),
        pl.col("block_bits").is_in(lengths),
        pl.col("channel") == channel,
    )
    rows = [
        [*row[:6], row[5] / row[4], "{:.4f} to {:.4f}".format(*confidence(row[5], row[4]))] for row in mine.iter_rows()
    ]
    heads = ["channel", "scheme", "block_bits", "snr_db", "blocks", "errors", "bler", "95% confidence"]
    print_json([dict(zip(heads, row, strict=True)) for row in rows]) if json else print_table(heads, rows)

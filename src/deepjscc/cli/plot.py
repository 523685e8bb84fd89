"""`deepjscc plot`: PSNR over SNR from a results table."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, Output, notes, print_json


def plot(
    table: Path,
    *,
    output: Output,
    pooled: Annotated[bool, Parameter(negative="", help="Pool the MSE over images first.")] = False,
    json: Json = False,
) -> None:
    """Draw PSNR over SNR from a results table; a cross marks where images were lost.

    Args:
        table: A .parquet file of deepjscc evaluate.
    """
    from deepjscc.evaluation.report import plot as draw
    from deepjscc.evaluation.report import save_figure
    from deepjscc.evaluation.table import read_table, summarise

    results = read_table(table)
    with notes():
        figure = draw(results, pooled=pooled)
    save_figure(figure, output)
    if json:
        print_json({"figure": str(output), "points": summarise(results).to_dicts()})
    else:
        print(output)

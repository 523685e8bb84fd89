"""`deepjscc plot`: curves of results tables, for a screen or a paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import Json, no_folder, notes, print_json
from deepjscc.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

LONGER = {"pooled": "psnr_pooled_db", "psnr": "psnr_db", "snr": "snr_db", "ratio": "bandwidth_ratio"}


def plot(
    tables: Annotated[list[Path], Parameter(negative="")],
    /,
    *,
    output: Annotated[
        Path,
        Parameter(
            name=["--output", "-o"],
            help="The figure, in the format of its suffix: .svg, .png, .pdf, .tikz, .pgf; .csv writes the points.",
            validator=no_folder,
        ),
    ],
    x: Annotated[str, Parameter(name="--x", help="Column on the x axis: snr_db, bandwidth_ratio, encoder_snr_db.")] = (
        "snr_db"
    ),
    y: Annotated[
        str,
        Parameter(
            name="--y", help="Column on the y axis: psnr_db, psnr_pooled_db, ssim, ms_ssim, lpips, delivered, seconds."
        ),
    ] = "psnr_db",
    pooled: Annotated[bool, Parameter(negative="", help="The same as --y psnr_pooled_db.")] = False,
    label: Annotated[
        list[str] | None, Parameter(negative="", help="Name of a system in the legend, such as universal-s=Ours.")
    ] = None,
    title: Annotated[str | None, Parameter(help='Title of the figure; "" draws none.', show_default=False)] = None,
    x_label: str | None = None,
    y_label: str | None = None,
    width_mm: Annotated[float, Parameter(help="Width of the figure; a column of an IEEE journal has 88.")] = 203.0,
    height_mm: Annotated[
        float | None, Parameter(help="Height of the figure; 0.63 of the width if it is not given.")
    ] = None,
    x_range: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="Ends of the x axis, such as -5:20.")
    ] = None,
    y_range: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="Ends of the y axis, such as 20:40.")
    ] = None,
    spread: Annotated[
        Literal["band", "bars", "none"], Parameter(help="How the standard error over seeds is drawn.")
    ] = "band",
    json: Json = False,
) -> None:
    """Draw curves of one or several results tables. A cross marks a point at which images were lost.

    Args:
        tables: Files of deepjscc evaluate (.parquet).
    """
    import polars as pl

    from deepjscc.evaluation.curves import Style, curve_points
    from deepjscc.evaluation.curves import plot as draw
    from deepjscc.evaluation.report import save_figure
    from deepjscc.evaluation.table import read_table
    from deepjscc.files import write_atomically

    style = Style(
        x=LONGER.get(x, x),
        y="psnr_pooled_db" if pooled else LONGER.get(y, y),
        labels=dict(_renamed(text) for text in label or []),
        title=title,
        x_label=x_label,
        y_label=y_label,
        width_mm=width_mm,
        height_mm=height_mm,
        x_range=None if x_range is None else _ends(x_range),
        y_range=None if y_range is None else _ends(y_range),
        spread=spread,
    )
    results = pl.concat([read_table(table) for table in tables])
    with notes():
        points = curve_points(results, style)
        if output.suffix.lower() == ".csv":
            text = points.select("label", "x", "y", "standard_error", *_plain(points)).write_csv()
            write_atomically(output, lambda file: file.write(text.encode()))
        else:
            save_figure(draw(results, style), output)
    if json:
        print_json({"figure": str(output), "points": points.to_dicts()})
    else:
        print(output)


def _plain(points: "pl.DataFrame") -> list[str]:
    """Columns of the summary that the points do not repeat."""
    return [name for name in points.columns if name not in ("label", "x", "y", "standard_error")]


def _renamed(text: str) -> tuple[str, str]:
    name, equals, label = text.rpartition("=")
    if not equals or not name:
        raise UsageError(f"--label is SYSTEM=TEXT, such as universal-s=Ours, not {text!r}")
    return name, label


def _ends(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"the ends of an axis are LOW:HIGH, such as -5:20, not {text!r}") from None
    if not low < high:
        raise UsageError(f"the ends of an axis are LOW:HIGH with LOW below HIGH, not {text!r}")
    return low, high

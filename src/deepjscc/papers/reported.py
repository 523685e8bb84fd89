"""Values that a paper itself reports, kept as ``reported.toml`` beside the code of the paper.

Each table says where in the paper its values stand. Values of a figure that nobody printed as numbers are to be marked
``where = "read off the figure"``, with the number of the figure in ``figure``; the legend repeats it.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class ReportedCurve:
    """One curve, or one row of a table, as a paper reports it.

    Attributes:
        figure: our figure that shows it, as ``"figure-1"``.
        label: the paper's name of the system.
        where: the place in the paper, as ``"its Table I"``, or ``"read off the figure"``.
        x: what the values are given over, in the unit of our figure.
        y: the values, in the unit of our figure.
    """

    figure: str
    label: str
    where: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ValueError(f"{self.label}: {len(self.x)} places, {len(self.y)} values")


@cache
def reported_curves(paper: str, figure: str) -> list[ReportedCurve]:
    """What a paper reports of what one of our figures shows.

    Args:
        paper: name of the paper's package.
        figure: name of our figure.
    """
    path = Path(__file__).parent / paper / "reported.toml"
    tables = tomllib.loads(path.read_text())["curve"]
    curves = [ReportedCurve(**{**table, **{axis: tuple(map(float, table[axis])) for axis in "xy"}}) for table in tables]
    return [curve for curve in curves if curve.figure == figure]

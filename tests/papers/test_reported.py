"""Values that papers report."""

from pathlib import Path

import pytest

import deepjscc.papers
from deepjscc.papers.reported import ReportedCurve, reported_curves

PACKAGES = sorted(path.parent.name for path in Path(deepjscc.papers.__file__).parent.glob("*/reported.toml"))


@pytest.mark.parametrize("paper", PACKAGES)
def test_every_value_says_where_it_stands(paper: str) -> None:
    folder = Path(deepjscc.papers.__file__).parent / paper
    figures = {line.split('"')[1] for line in (folder / "reported.toml").read_text().splitlines() if "figure =" in line}
    for figure in figures:
        for curve in reported_curves(paper, figure):
            assert curve.where.startswith(("its ", "read off the figure"))
            assert curve.y


def test_the_report_of_three_approaches_is_quoted() -> None:
    curves = {curve.label: curve for curve in reported_curves("three_approaches", "figure-1")}
    assert dict(zip(curves["adaptive, the report"].x, curves["adaptive, the report"].y, strict=True))[0.0] == 25.2


def test_as_many_values_as_places() -> None:
    with pytest.raises(ValueError, match="2 places, 1 values"):
        ReportedCurve("figure-1", "x", "its text", (1.0, 2.0), (3.0,))

"""Papers: one package a paper makes its figures and checks its claims against our own numbers."""

from collections.abc import Callable
from dataclasses import dataclass

from deepjscc.papers.bourtsoulatze2019 import figures as bourtsoulatze2019
from deepjscc.papers.claims import Claim, Report, Verdict
from deepjscc.papers.kurka2019 import figures as kurka2019
from deepjscc.papers.measurements import Settings
from deepjscc.papers.three_approaches import figures as three_approaches
from deepjscc.papers.wang2022 import figures as wang2022


@dataclass(frozen=True)
class Paper:
    """How a paper is checked.

    Attributes:
        run: makes its figures and judges its claims.
        images: so many images of the test set take about five minutes on two idle cores.
    """

    run: Callable[[Settings], Report]
    images: int


PAPERS: dict[str, Paper] = {
    "bourtsoulatze2019": Paper(bourtsoulatze2019.run, 300),
    "kurka2019": Paper(kurka2019.run, 200),
    "three-approaches": Paper(three_approaches.run, 3),
    "wang2022": Paper(wang2022.run, 6),
}

__all__ = ["PAPERS", "Claim", "Paper", "Report", "Settings", "Verdict"]

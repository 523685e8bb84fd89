"""Papers: one module a paper makes its figures and checks its claims against our own numbers."""

from collections.abc import Callable

from deepjscc.papers import bourtsoulatze2019, kurka2019, three_approaches, wang2022
from deepjscc.papers.base import VERDICTS, Report, Settings

PAPERS: dict[str, Callable[[Settings], Report]] = {
    "bourtsoulatze2019": bourtsoulatze2019.run,
    "kurka2019": kurka2019.run,
    "three-approaches": three_approaches.run,
    "wang2022": wang2022.run,
}

__all__ = ["PAPERS", "VERDICTS", "Report", "Settings"]

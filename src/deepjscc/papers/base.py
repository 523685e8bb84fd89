"""What every paper module gives: claims with the paper's words and our numbers, figures with the tables behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from deepjscc.evaluation.report import save_figure


@dataclass(frozen=True)
class Settings:
    """How to make a paper's figures.

    Attributes:
        output: folder for figures and tables.
        images: of the test set, evenly spread, for learned and digital systems alike.
        repeats: draws of gains an image, over fading.
        train: train what the zoo lacks, by the recipe of the paper module, into ``output/weights``.
        minutes: for each such training.
        say: called with done, all, label.
    """

    output: Path
    images: int = 1000
    repeats: int = 3
    train: bool = False
    minutes: float = 2.0
    say: Callable[[int, int, str], object] = lambda *_: None


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes:
        claim: its name in a few words.
        paper: what the paper says.
        ours: our numbers.
        holds: whether they bear it out; None where nothing was measured.
    """

    claim: str
    paper: str
    ours: str
    holds: bool | None


@dataclass(frozen=True)
class Report:
    """Claims, and the files of the figures."""

    claims: tuple[Claim, ...]
    figures: tuple[str, ...]


def save(figure: Figure, folder: Path, name: str) -> list[str]:
    """A figure as SVG and PNG; their paths."""
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    for path in paths:
        save_figure(figure, path)
    return [str(path) for path in paths]

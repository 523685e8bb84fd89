"""Claims of papers and verdicts on them, which respect the standard error of what was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

Margin = tuple[float, float]
"""A difference and its standard error, which is infinite where a single image leaves it unknown."""

CLEAR = 2.0  # standard errors from zero at which a margin is taken for real


class Verdict(StrEnum):
    """Whether our numbers bear a claim out."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"  # the standard error does not allow a verdict
    NONE = "no verdict"  # there are no weights, or nothing to compare with


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes:
        claim: its name in a few words.
        paper: what the paper says.
        ours: our numbers.
        verdict: whether they bear it out.
    """

    claim: str
    paper: str
    ours: str
    verdict: Verdict = Verdict.NONE


@dataclass(frozen=True)
class Report:
    """Claims, and the files of the figures."""

    claims: tuple[Claim, ...]
    figures: tuple[str, ...]


def judge(margins: Iterable[Margin]) -> Verdict:
    """The verdict on a claim that all of some margins are above zero.

    A margin within :data:`CLEAR` standard errors of zero is undecided, and so is then the claim, unless another margin
    is clearly below zero, which breaks it.

    Args:
        margins: by how much each part of the claim is fulfilled, with its standard error; none: no verdict.
    """
    known = list(margins)
    if not known:
        return Verdict.NONE
    if any(value < 0 and -value >= CLEAR * error for value, error in known):
        return Verdict.FAILS
    clear = all(value > 0 and value >= CLEAR * error for value, error in known)
    return Verdict.HOLDS if clear else Verdict.UNDECIDED


def above(limit: float, margins: Iterable[Margin]) -> list[Margin]:
    """The margins of the claim that some differences are above a limit."""
    return [(value - limit, error) for value, error in margins]


def below(limit: float, margins: Iterable[Margin]) -> list[Margin]:
    """The margins of the claim that some differences are below a limit."""
    return [(limit - value, error) for value, error in margins]


def within(limit: float, margins: Iterable[Margin]) -> list[Margin]:
    """The margins of the claim that the magnitudes of some differences are below a limit."""
    return [(limit - abs(value), error) for value, error in margins]


def mean_margin(differences: ArrayLike) -> Margin:
    """The mean of differences, one an independent image, and its standard error."""
    values = np.asarray(differences, dtype=np.float64)
    error = float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else float("inf")
    return float(values.mean()), error


def pooled_db(errors: ArrayLike) -> float:
    """PSNR in dB of the mean of some images' mean squared errors."""
    return float(-10 * np.log10(np.asarray(errors, dtype=np.float64).mean()))


def pooled_margin(errors: Sequence[np.ndarray], weights: Sequence[float] = (-1.0, 1.0)) -> Margin:
    """A weighted sum of pooled PSNRs in dB and its standard error, the images being paired.

    With the default weights it is by how much pooled PSNR rises from the first to the second. The standard error is
    of first order in the mean squared errors (the delta method).

    Args:
        errors: for each PSNR the mean squared error of every image, the same images in the same order.
        weights: of the PSNRs.
    """
    value = sum(weight * pooled_db(each) for weight, each in zip(weights, errors, strict=True))
    influence = sum(weight * each / each.mean() for weight, each in zip(weights, errors, strict=True))
    error = 10 / np.log(10) * mean_margin(influence)[1]
    return value, float(error)


def span(values: Sequence[float]) -> str:
    """Smallest and largest of some values in dB."""
    return f"{min(values):.2f} to {max(values):.2f}" if values else "nothing"

"""How the numbers of a paper are measured: settings, weights, sweeps, and its parts one after another."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.papers.claims import Claim, Report
from deepjscc.training.recipe import Recipe
from deepjscc.zoo import cards

MOST_OF_A_PART = 0.95  # a part is not taken for finished before it is, however long it takes


@dataclass(frozen=True)
class Settings:
    """The settings with which a paper's figures are made.

    Attributes:
        output: folder for figures and tables.
        images: of the test set, evenly spread, for learned and digital systems alike.
        repeats: draws of gains an image, over fading.
        train: train what the zoo lacks, by the recipe of the paper module, into ``output/weights``.
        minutes: for each such training.
        on_progress: called with done, all, label.
    """

    output: Path
    images: int = 1000
    repeats: int = 3
    train: bool = False
    minutes: float = 2.0
    on_progress: Callable[[int, int, str], object] = lambda *_: None


Part = Callable[[Settings], tuple[list[Claim], list[str]]]


def run_parts(settings: Settings, parts: Mapping[Part, int]) -> Report:
    """Run every part of a paper, in a folder made for it, with the progress of all of them together.

    Args:
        settings: how.
        parts: what to make, and roughly how many seconds each took with the default settings, from which the time left
            is estimated.

    Raises:
        DeepJSCCError: data are not there, or the folder cannot be written.
    """
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{settings.output}: cannot be made: {error.strerror}") from None
    claims, figures = list[Claim](), list[str]()
    progress = OverallProgress(settings.on_progress, tuple(parts.values()))
    for part in parts:
        claim, files = part(replace(settings, on_progress=progress.tell))
        progress.finish_part()
        claims += claim
        figures += files
    return Report(tuple(claims), tuple(figures))


class OverallProgress:
    """Progress through parts that follow one another, in thousandths of the whole.

    How far a part has come is estimated from the time since it began and from how much slower or faster than expected
    the parts before it were.

    Args:
        on_progress: called with thousandths done, 1000 and a label.
        expected_s: seconds each part is expected to take.
        clock: seconds that have gone by.
    """

    def __init__(
        self,
        on_progress: Callable[[int, int, str], object],
        expected_s: tuple[int, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_progress, self.expected_s, self.clock = on_progress, expected_s, clock
        self.finished = 0
        self.begun = self.part_begun = clock()

    def tell(self, done: int, total: int, label: str) -> None:
        """A step of the part at hand: so much of one of its sweeps is done."""
        before = sum(self.expected_s[: self.finished])
        pace = (self.part_begun - self.begun) / before if before and self.part_begun > self.begun else 1.0
        expected = self.expected_s[self.finished]
        within = min((self.clock() - self.part_begun) / (pace * expected), MOST_OF_A_PART)
        share = (before + within * expected) / sum(self.expected_s)
        part = f"part {self.finished + 1} of {len(self.expected_s)}"
        self.on_progress(round(1000 * share), 1000, f"{part}, {label}, {done} of {total}; in all, thousandths")

    def finish_part(self) -> None:
        """The part at hand is done."""
        self.finished += 1
        self.part_begun = self.clock()


def weights(name: str, settings: Settings, recipe: Recipe, *, minutes: float | None) -> str | None:
    """A model of the zoo, else one trained before into the output folder, or trained now if asked for; else None."""
    if name in cards():
        return name
    path = settings.output / "weights" / f"{name}.safetensors"
    if not path.is_file() and settings.train:
        from deepjscc.training.loop import train  # needs the extra [train]

        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_name(f"unfinished-{path.name}")  # written after every epoch
        begun = next(Path(f"{unfinished}.run").glob("state-*.safetensors"), None) is not None
        train(recipe, unfinished, minutes=minutes, resume=begun)
        unfinished.rename(path)
    return str(path) if path.is_file() else None


def measure(
    settings: Settings,
    table: str,
    systems: list[str],
    snr_db: tuple[float, ...],
    ratio: float | None = None,
    **options: object,
) -> pl.DataFrame:
    """Rows of a sweep over CIFAR-10, kept in one of the paper's tables."""
    return measure_on("cifar10", settings.images, settings, table, systems, snr_db, ratio, **options)


def measure_on(
    data: str,
    images: int,
    settings: Settings,
    table: str,
    systems: list[str],
    snr_db: tuple[float, ...],
    ratio: float | None,
    **options: object,
) -> pl.DataFrame:
    """Rows of a sweep over some images of a data set, kept in one of the paper's tables."""
    plan = Plan(
        systems=tuple(systems),
        data=data,
        snr_db=snr_db,
        bandwidth_ratio=ratio,
        images=images,
        **options,  # type: ignore[arg-type]
    )
    return sweep(plan, settings.output / f"{table}.parquet", settings.on_progress)

"""The results of every paper module: claims with the paper's words and our numbers, figures and their tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.report import save_figure
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.training.recipe import Recipe
from deepjscc.zoo import cards


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


@dataclass(frozen=True)
class Claim:
    """One claim of a paper.

    Attributes:
        claim: its name in a few words.
        paper: what the paper says.
        ours: our numbers.
        holds: whether they bear it out; None where there is no verdict: no weights, or nothing to compare with.
    """

    claim: str
    paper: str
    ours: str
    holds: bool | None


VERDICTS = {True: "holds", False: "does not hold", None: "no verdict"}


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


Part = Callable[[Settings], tuple[list[Claim], list[str]]]


def run_parts(settings: Settings, parts: Sequence[Part]) -> Report:
    """Run every part of a paper, in a folder made for it.

    Raises:
        DeepJSCCError: data are not there, or the folder cannot be written.
    """
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{settings.output}: cannot be made: {error.strerror}") from None
    claims, figures = list[Claim](), list[str]()
    for part in parts:
        claim, files = part(settings)
        claims += claim
        figures += files
    return Report(tuple(claims), tuple(figures))


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


def span(values: list[float]) -> str:
    """Smallest and largest of some values in dB."""
    return f"{min(values):.2f} to {max(values):.2f}" if values else "nothing"


def finish(axes: Axes, label: str, title: str, quality: str = "mean of the per-image values") -> None:
    """Labels, title, grid and legend."""
    axes.set_xlabel(label)
    axes.set_ylabel(f"PSNR [dB], {quality}, 8 bits")
    axes.label_outer()
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)

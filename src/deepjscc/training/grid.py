"""Grids: trainings that differ in a few values, side by side in processes of their own, each resumed where it was."""

import ctypes
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.training.build import build_link
from deepjscc.training.recipe import StrictTable, build, read_recipe, read_toml
from deepjscc.workers import Workers


@dataclass(frozen=True)
class GridRecipe(StrictTable):
    """A grid as its TOML says it.

    Attributes:
        recipe: file name of the recipe that all share, or of several, beside the grid's.
        name: of each training, with the last part of each key in braces: ``cnn-c{filters}-awgn-{snr_db}db``; of
            several recipes, ``{recipe}`` is each one's file name without its suffix.
        axes: keys of the recipe and the values each takes; every combination is trained.
        minutes: for each training; None: the recipe's epochs.
    """

    recipe: str | list[str]
    name: str
    axes: dict[str, list[Any]]
    minutes: float | None = None


@dataclass(frozen=True)
class Training:
    """One training of a grid."""

    name: str
    recipe: Path
    overrides: tuple[str, ...]
    minutes: float | None

    def command(self, output: Path) -> list[str]:
        """Return the command that runs it, from its newest state if there is one."""
        weights = output / f"{self.name}.safetensors"
        command = [sys.executable, "-m", "deepjscc", "train", str(self.recipe), "--output", str(weights), "--json"]
        command += [word for override in self.overrides for word in ("--set", override)]
        command += [] if self.minutes is None else ["--minutes", str(self.minutes)]
        started = next(Path(f"{weights}.run").glob("state-*.safetensors"), None) is not None
        return command + (["--resume"] if started else [])


def read_grid(path: Path) -> list[Training]:
    """Read every training of a grid, and check each recipe.

    Raises:
        DeepJSCCError: a file is missing.
        UsageError: not TOML, unknown keys, two trainings of one name, or values that a recipe does not take.
    """
    grid = build(GridRecipe, read_toml(path), str(path))
    for key, choices in grid.axes.items():
        if not choices:
            raise UsageError(f"{path}: the axis {key!r} has no values")
    files = [grid.recipe] if isinstance(grid.recipe, str) else grid.recipe
    keys, trainings = list(grid.axes), []
    for file, *values in itertools.product(files, *grid.axes.values()):
        words = {key.rsplit(".", 1)[-1]: value for key, value in zip(keys, values, strict=True)}
        try:
            name = grid.name.format(**words, recipe=Path(file).stem)
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(f"{path}: the name {grid.name!r} asks for {error}, which is no axis") from None
        overrides = tuple(f"{key}={json.dumps(value)}" for key, value in zip(keys, values, strict=True))
        recipe = path.parent / file
        build_link(read_recipe(recipe, overrides))
        trainings.append(Training(name, recipe, overrides, grid.minutes))
    names = [training.name for training in trainings]
    if len(set(names)) < len(names):
        raise UsageError(f"{path}: the name {grid.name!r} does not tell the trainings apart; use every axis in it")
    return trainings


@dataclass(frozen=True)
class TrainingTask:
    """A training, the folder for its weights, and the cores it has: what a worker is given."""

    training: Training
    output: Path
    threads: int


def run_training(task: TrainingTask) -> int:
    """Run one training in a process of its own, its log beside its weights; the exit code. What a worker does.

    The process ends with this one, however that ends: two of them must never write the same states.
    """
    with (task.output / f"{task.training.name}.log").open("ab") as log:
        process = subprocess.Popen(
            task.training.command(task.output),
            env=os.environ | {"OMP_NUM_THREADS": str(task.threads)},
            stdout=log,
            stderr=log,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        try:
            return process.wait()
        finally:
            process.terminate()


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent dies."""
    set_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)


def run_grid(
    trainings: list[Training],
    output: Path,
    workers: Workers,
    threads: int,
    on_progress: Callable[[int, int, str], object] = lambda *_: None,
) -> dict[str, int]:
    """Run trainings, each on so many threads; a training whose worker died goes on from its newest state.

    Args:
        trainings: what to run.
        output: folder for weights, states and logs; on a cluster one that all its nodes share.
        workers: who runs them.
        threads: of each.
        on_progress: called with trainings ended, trainings in all, and the name of the last.

    Returns:
        The exit code of each by name; what is done already ends at once.

    Raises:
        DeepJSCCError: the folder cannot be made, or a worker died again and again.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{output}: cannot be made: {error.strerror}") from None
    codes = dict[str, int]()
    tasks = [TrainingTask(training, output.absolute(), threads) for training in trainings]
    for finished in workers.run(run_training, tasks):
        name = finished.task.training.name
        if finished.result is None:
            raise DeepJSCCError(f"the worker that trained {name} died, {finished.died}; run this again to go on")
        codes[name] = finished.result
        on_progress(len(codes), len(trainings), name)
    return {training.name: codes[training.name] for training in trainings}

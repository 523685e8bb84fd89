"""Grids: trainings that differ in a few values, side by side in processes of their own, each resumed where it was."""

import itertools
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.training.build import build_link
from deepjscc.training.recipe import build, read_recipe


@dataclass(frozen=True)
class GridRecipe:
    """A grid as its TOML says it.

    Attributes:
        recipe: file name of the recipe that all share, beside the grid's.
        name: of each training, with the last part of each key in braces: ``cnn-c{filters}-awgn-{snr_db}db``.
        axes: keys of the recipe and the values each takes; every combination is trained.
        minutes: for each training; None: the recipe's epochs.
    """

    recipe: str
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
        """What runs it, from its newest state if there is one."""
        weights = output / f"{self.name}.safetensors"
        command = [sys.executable, "-m", "deepjscc", "train", str(self.recipe), "--output", str(weights), "--json"]
        command += [word for override in self.overrides for word in ("--set", override)]
        command += [] if self.minutes is None else ["--minutes", str(self.minutes)]
        started = next(Path(f"{weights}.run").glob("state-*.safetensors"), None) is not None
        return command + (["--resume"] if started else [])


def read_grid(path: Path) -> list[Training]:
    """Every training of a grid, each recipe checked.

    Raises:
        DeepJSCCError: a file is missing.
        UsageError: not TOML, unknown keys, two trainings of one name, or values that a recipe does not take.
    """
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    grid = build(GridRecipe, table, str(path))
    for key, choices in grid.axes.items():
        if not choices:
            raise UsageError(f"{path}: the axis {key!r} has no values")
    recipe, keys = path.parent / grid.recipe, list(grid.axes)
    trainings = []
    for values in itertools.product(*grid.axes.values()):
        words = {key.rsplit(".", 1)[-1]: value for key, value in zip(keys, values, strict=True)}
        try:
            name = grid.name.format(**words)
        except (KeyError, IndexError, ValueError) as error:
            raise UsageError(f"{path}: the name {grid.name!r} asks for {error}, which is no axis") from None
        overrides = tuple(f"{key}={json.dumps(value)}" for key, value in zip(keys, values, strict=True))
        build_link(read_recipe(recipe, overrides))
        trainings.append(Training(name, recipe, overrides, grid.minutes))
    names = [training.name for training in trainings]
    if len(set(names)) < len(names):
        raise UsageError(f"{path}: the name {grid.name!r} does not tell the trainings apart; use every axis in it")
    return trainings


def run_grid(
    trainings: list[Training], output: Path, jobs: int, say: Callable[[int, int, str], object] = lambda *_: None
) -> dict[str, int]:
    """Run trainings, ``jobs`` at a time, each with its share of the cores and a log beside its weights.

    Returns:
        The exit code of each by name; what is done already ends at once.

    Raises:
        DeepJSCCError: the folder cannot be made.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{output}: cannot be made: {error.strerror}") from None
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    environment = os.environ | {"OMP_NUM_THREADS": threads}
    waiting, running, codes = list(trainings), dict[str, subprocess.Popen[bytes]](), dict[str, int]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                training = waiting.pop(0)
                with (output / f"{training.name}.log").open("ab") as log:
                    running[training.name] = subprocess.Popen(
                        training.command(output), env=environment, stdout=log, stderr=log
                    )
            codes |= {name: process.returncode for name, process in running.items() if process.poll() is not None}
            running = {name: process for name, process in running.items() if name not in codes}
            say(len(codes), len(trainings), ", ".join(running))
            time.sleep(0.2)
    finally:
        for process in running.values():
            process.terminate()
    return codes

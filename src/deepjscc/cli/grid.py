"""`deepjscc grid`: many trainings side by side."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, print_json, print_table, progress
from deepjscc.errors import DeepJSCCError, UsageError


def grid(
    grid: Path,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for weights, states and logs.")],
    jobs: Annotated[int, Parameter(help="Trainings at a time.")] = 1,
    json: Json = False,
) -> None:
    """Train every combination of a grid, several at a time; run again to go on after an interruption.

    Args:
        grid: A TOML file: a recipe, a name, and axes of values; see recipes/.
    """
    if jobs < 1:
        raise UsageError("--jobs must be at least 1")

    from deepjscc.training.grid import read_grid, run_grid

    trainings = read_grid(grid)
    with progress() as say:
        codes = run_grid(trainings, output, jobs, say)
    if json:
        print_json(codes)
    else:
        print_table(
            ["training", "ended"], [[name, "well" if code == 0 else f"with {code}"] for name, code in codes.items()]
        )
    failed = [name for name, code in codes.items() if code]
    if failed:
        raise DeepJSCCError(f"{len(failed)} of {len(codes)} trainings failed; see {output / failed[0]}.log")

"""`deepjscc grid`: many trainings side by side."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, print_json, print_table, progress
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.threads import usable_cores


def grid(
    grid: Path,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for weights, states and logs.")],
    jobs: Annotated[int, Parameter(help="Number of trainings at a time on this machine.")] = 1,
    cluster: Annotated[
        bool, Parameter(negative="", help="Use a Ray cluster: a local one, or that of --address.")
    ] = False,
    address: Annotated[str | None, Parameter(help="HOST:PORT of a running Ray cluster, or auto.")] = None,
    cpus: Annotated[int, Parameter(help="Number of cores for each training on a cluster.")] = 1,
    gpus: Annotated[
        float, Parameter(help="Number of GPUs for each training on a cluster; with 0.25, four trainings share one.")
    ] = 0,
    json: Json = False,
) -> None:
    """Train every combination of a grid, several at a time. After an interruption the same command continues.

    Args:
        grid: A TOML file with a recipe, a name, and the values of each axis; see recipes/.
    """
    if jobs < 1 or cpus < 1 or gpus < 0:
        raise UsageError("--jobs and --cpus must be at least 1, --gpus at least 0")

    from deepjscc.training.grid import read_grid, run_grid
    from deepjscc.workers import Cluster, Processes, Workers

    trainings = read_grid(grid)
    workers: Workers
    if cluster or address is not None:
        workers, threads = Cluster(address, cpus=cpus, gpus=gpus), cpus
    else:
        workers, threads = Processes(jobs), max(1, usable_cores() // jobs)
    with progress() as on_progress:
        codes = run_grid(trainings, output, workers, threads, on_progress)
    if json:
        print_json(codes)
    else:
        print_table(
            ["training", "ended"], [[name, "well" if code == 0 else f"with {code}"] for name, code in codes.items()]
        )
    failed = [name for name, code in codes.items() if code]
    if failed:
        raise DeepJSCCError(f"{len(failed)} of {len(codes)} trainings failed; see {output / failed[0]}.log")

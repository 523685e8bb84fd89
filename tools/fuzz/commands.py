"""Small runs of `train`, `evaluate` and `bulk` in forked processes, and what each of them leaves.

A forked process needs no second to import what its parent has imported. The parent must not use Polars: a fork of its
threads hangs. So results are read in forked processes too.
"""

import hashlib
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

# Imported for the forked processes.
from deepjscc.cli import bulk as _bulk  # noqa: F401
from deepjscc.cli import evaluate as _evaluate  # noqa: F401
from deepjscc.cli import main as deepjscc
from deepjscc.cli import train as _train  # noqa: F401
from deepjscc.data.samples import sample_path
from deepjscc.images import read_image, write_image
from deepjscc.models.checkpoint import load_checkpoint

IGNORED = ("seconds", "time", "date", "_s", "written")  # ends of the names of columns that differ from run to run


@dataclass(frozen=True)
class Job:
    """A command that is killed.

    Attributes:
        name: for messages.
        command: arguments of `deepjscc`, for an output folder.
        again: arguments with which it goes on.
        contents: what must be equal, of an output folder.
    """

    name: str
    command: Callable[[Path], list[str]]
    again: Callable[[Path], list[str]]
    contents: Callable[[Path], object]

    def result(self, output: Path) -> str:
        """A hash of what must be equal, or why there is none."""
        reader, writer = os.pipe()
        process = os.fork()
        if not process:
            try:
                told = hashlib.sha256(repr(self.contents(output)).encode()).hexdigest()
            except BaseException as error:
                told = f"unreadable: {error!r}"[:1000]
            os.write(writer, told.encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(process, 0)
        with os.fdopen(reader) as told_by:
            return told_by.read()


def start(command: list[str], errors: Path | None = None, descriptors: int | None = None) -> int:
    """Run a command in a forked process; its number.

    Args:
        command: arguments of `deepjscc`.
        errors: a file that takes standard error; None: it is the parent's.
        descriptors: file descriptors that the process may open beside those it begins with; None: as many as it likes.
    """
    process = os.fork()
    if process:
        return process
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if errors is not None:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        sys.stderr = os.fdopen(2, "w")
    if descriptors is not None:
        highest = max(map(int, os.listdir("/proc/self/fd")))
        while os.dup(1) < highest:  # numbers below the highest that are free
            pass
        most = highest + 2 + descriptors
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    code = 1
    try:
        deepjscc(command)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def unhindered(job: Job, output: Path) -> tuple[float, str]:
    """Seconds and the result of a run that nothing disturbs; the first run in a process takes longer."""
    output.mkdir()
    finish(job.command(output))
    shutil.rmtree(output)
    output.mkdir()
    seconds, result = finish(job.command(output)), job.result(output)
    if result.startswith("unreadable"):
        raise AssertionError(f"{job.name}: {result}")
    return seconds, result


def finish(command: list[str]) -> float:
    """Run a command to its end; seconds."""
    clock = time.perf_counter()
    _, status = os.waitpid(start(command), 0)
    if status:
        raise AssertionError(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - clock


def jobs(folder: Path) -> list[Job]:
    """The three commands, on small crops of a photograph."""
    crops, coffee = folder / "crops", read_image(sample_path("coffee"))
    crops.mkdir()
    for index in range(48):
        top, left = divmod(32 * index, 320)
        write_image(coffee[:, 32 * top : 32 * top + 32, left : left + 32], crops / f"{index:02d}.png")
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'[model]\nname = "cnn"\nconfig = {{ filters = 4 }}\n[data]\ntrain = "{crops}"\n'
        '[optimiser]\nbatch = 16\nepochs = 8\nprecision = "fp32"\n'
    )
    shared = ["--bandwidth-ratio", "1/8", "--workers", "0", "--threads", "1"]

    def train(output: Path) -> list[str]:
        return ["train", str(recipe), "-o", str(output / "w.safetensors"), "--device", "cpu", "--threads", "1"]

    def train_on(output: Path) -> list[str]:
        states = list((output / "w.safetensors.run").glob("state-*"))
        return [*train(output), *(["--resume"] if states else [])]

    def evaluate(output: Path) -> list[str]:
        systems = ["--system", "linear", "--system", "jpeg+ldpc"]
        where = ["--data", str(crops), "--images", "12", "--snr-db=-5:20:5", "-o", str(output / "t.parquet")]
        return ["evaluate", *systems, *where, *shared]

    def bulk(output: Path) -> list[str]:
        return [
            "bulk",
            "transmit",
            str(crops),
            "-o",
            str(output / "sent"),
            "--model",
            "linear",
            "--shard",
            "3",
            *shared,
        ]

    return [
        Job("train", train, train_on, _weights),
        Job("evaluate", evaluate, evaluate, lambda output: _rows(output / "t.parquet")),
        Job("bulk", bulk, bulk, _sent),
    ]


def _weights(output: Path) -> object:
    state = load_checkpoint(output / "w.safetensors").state_dict()
    return {name: values.numpy().tobytes() for name, values in state.items()}


def _rows(path: Path) -> object:
    table = pl.read_parquet(path)
    table = table.select(name for name in table.columns if not name.endswith(IGNORED))
    return table.columns, sorted(map(repr, table.rows()))


def _sent(output: Path) -> object:
    sent = output / "sent"
    pictures = {path.name: path.read_bytes() for path in sorted(sent.rglob("*.png"))}
    return pictures, _rows(sent / "report" / "*.parquet")


def left_over(output: Path, whole: Path) -> list[str]:
    """Files beside the result that the unbroken run has not; states of a training and locks may stay."""
    names = {path.relative_to(whole).as_posix() for path in whole.rglob("*")}
    found = (path.relative_to(output).as_posix() for path in output.rglob("*"))
    return [name for name in found if name not in names and ".run/" not in name and not name.endswith(".lock")]

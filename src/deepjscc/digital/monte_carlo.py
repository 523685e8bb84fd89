"""Block error rates by Monte Carlo: random messages through code, channel and decoder, point after point."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
import torch

from deepjscc.channels import AWGN, Channel, Rayleigh
from deepjscc.digital.bler import SCHEMA, read_bler
from deepjscc.digital.blocks import ITERATIONS, block
from deepjscc.digital.schemes import Scheme
from deepjscc.equaliser import equalise
from deepjscc.errors import DeepJSCCError
from deepjscc.files import locked, write_atomically
from deepjscc.seeds import generator

CHANNELS: dict[str, Channel] = {"awgn": AWGN(), "fast_rayleigh": Rayleigh("symbol", "receiver")}
BATCH = 50
HIGHEST = 0.9  # an error rate above it ends the search downwards
LOST = 30.0  # dB above the start: a scheme that still fails there has no waterfall


@dataclass(frozen=True)
class Effort:
    """The limits up to which a point is simulated.

    Attributes:
        errors: enough of them,
        blocks: or so many sent.
        target: the search upwards ends at the first point below this error rate.
    """

    errors: int = 60
    blocks: int = 1500
    target: float = 1e-2


@dataclass(frozen=True)
class Task:
    """One waterfall to measure, and the points of it that are known."""

    channel: str
    scheme: Scheme
    block_bits: int
    effort: Effort
    device: str
    known: tuple[tuple[float, int, int], ...]


def measure(
    path: Path,
    channel: str,
    schemes: list[Scheme],
    lengths: list[int],
    effort: Effort,
    *,
    jobs: int = 1,
    device: str = "cpu",
    on_progress: Callable[[int, int, str], object] = lambda *_: None,
) -> pl.DataFrame:
    """Measure waterfalls into a table, which is written after each; points that are there are gone on with, not redone.

    Args:
        path: of the Parquet table.
        channel: of :data:`CHANNELS`.
        schemes: to measure,
        lengths: in blocks of so many coded bits.
        effort: for each point.
        jobs: processes.
        device: where each works.
        on_progress: called with waterfalls done, in all, and a label.

    Returns:
        The whole table.

    Raises:
        DeepJSCCError: the table cannot be read or written, or Sionna is not there.
        UsageError: a block too short for a scheme.
    """
    table = read_bler(path) if path.is_file() else pl.DataFrame(schema=SCHEMA)
    tasks = [
        Task(channel, scheme, length, effort, device, _known(table, channel, scheme, length))
        for length in lengths
        for scheme in schemes
        if scheme.message_bits(length) >= 1
    ]
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        running = {pool.submit(waterfall, task): task for task in tasks}
        try:
            for done, future in enumerate(as_completed(running), 1):
                fresh = pl.DataFrame(future.result(), schema=SCHEMA)
                table = _add_points(path, fresh)
                task = running[future]
                on_progress(done, len(tasks), f"{task.scheme.name}, {task.block_bits} bits")
        except BrokenExecutor:
            raise DeepJSCCError(f"a process died; {path} holds what was measured, run again to go on") from None
        finally:
            for future in running:
                future.cancel()
    return table


def _add_points(path: Path, fresh: pl.DataFrame) -> pl.DataFrame:
    """Add points to a table that other processes may have changed meanwhile; the whole table.

    Of two measurements of one point the one with more blocks stays: it begins with the blocks of the other.
    """
    keys = ["channel", "block_bits", "scheme", "snr_db"]
    with locked(path):
        held = read_bler(path) if path.is_file() else pl.DataFrame(schema=SCHEMA)
        table = pl.concat([held, fresh]).sort([*keys, "blocks"]).unique(keys, keep="last", maintain_order=True)
        write_atomically(path, lambda file: table.write_parquet(file))
    return table


def _known(table: pl.DataFrame, channel: str, scheme: Scheme, length: int) -> tuple[tuple[float, int, int], ...]:
    mine = (pl.col("channel") == channel) & (pl.col("scheme") == scheme.name) & (pl.col("block_bits") == length)
    return tuple(table.filter(mine).select("snr_db", "blocks", "errors").iter_rows())


def waterfall(task: Task) -> list[dict[str, Any]]:
    """The new points: up from where the best code would begin to the target, then down to where all are lost."""
    step = 0.25 if task.block_bits >= 1536 else 0.5
    start = round((10 * math.log10(2**task.scheme.efficiency - 1) + 0.5) / step) * step
    known = {snr_db: (blocks, errors) for snr_db, blocks, errors in task.known}
    fresh: list[dict[str, Any]] = []

    def rate(snr_db: float) -> float:
        before = known.get(snr_db, (0, 0))
        known[snr_db] = blocks, errors = point(task, snr_db, *before)
        if (blocks, errors) != before:
            values = (task.channel, task.scheme.name, task.block_bits, snr_db, blocks, errors, ITERATIONS)
            fresh.append(dict(zip(SCHEMA, values, strict=True)))
        return errors / blocks

    for snr_db in _steps(start, step, LOST):
        if rate(snr_db) < task.effort.target:
            break
    for snr_db in _steps(start, -step, LOST):
        if rate(snr_db) > HIGHEST:
            break
    return fresh


def _steps(start: float, step: float, far: float) -> Iterator[float]:
    return (start + index * step for index in range(int(far / abs(step))))


@torch.no_grad()
def point(task: Task, snr_db: float, blocks: int = 0, errors: int = 0) -> tuple[int, int]:
    """Blocks sent and lost at one SNR, those of earlier counted; each batch has a generator of its own."""
    code, channel = block(task.scheme, task.block_bits, task.device), CHANNELS[task.channel]
    while errors < task.effort.errors and blocks < task.effort.blocks:
        draws = generator("bler", task.channel, task.scheme.name, task.block_bits, snr_db, blocks)
        messages = torch.randint(0, 2, (BATCH, code.message_bits), generator=draws).float().to(task.device)
        output = channel(code.encode(messages), torch.full((BATCH,), snr_db, device=task.device), generator=draws)
        received = equalise(output, channel.csi)
        decoded, right = code.decode(received.symbols, received.noise_variance)
        errors += int((~right | (decoded != messages).any(1)).sum())
        blocks += BATCH
    return blocks, errors

"""Sweeps: systems x images x SNRs to one table, piece by piece, so that a killed sweep goes on where it was."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.plan import Plan
from deepjscc.evaluation.table import read_table, to_table, write_table
from deepjscc.evaluation.unit import Prepared, Unit, UnitTask, measure_unit
from deepjscc.workers import Workers

__all__ = ["Plan", "sweep"]


def sweep(
    plan: Plan,
    output: Path,
    say: Callable[[int, int, str], object] = lambda *_: None,
    workers: Workers | None = None,
) -> pl.DataFrame:
    """Run what of a plan is not yet in ``output`` and write the table there.

    Finished pieces lie in ``OUTPUT.parts/`` until all are there. Rows of other sweeps that the table holds are kept.

    Args:
        plan: what to measure.
        output: a ``.parquet`` file.
        say: called with images done, images in all, and a label.
        workers: who measures the units, side by side; None: this process, one after another.

    Returns:
        The rows of this plan.

    Raises:
        DeepJSCCError: data that are missing or broken, a place that cannot be written, or a worker that died twice.
        UsageError: an unknown name, or a ratio a model does not make.
    """
    prepared = Prepared(plan)
    units = prepared.units()
    earlier = read_table(output) if output.is_file() else None
    done = set(earlier["unit"]) if earlier is not None else set()
    parts = output.with_name(output.name + ".parts")
    try:
        parts.mkdir(exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{parts}: cannot be written: {error.strerror}") from None

    try:
        todo = [unit for unit in units if unit.key not in done and not (parts / f"{unit.key}.parquet").is_file()]
        progress = _Progress(say, len(prepared.data), len(units), len(units) - len(todo))
        if workers is None:
            _measure_here(prepared, todo, parts, progress)
        else:
            _measure_by(workers, prepared, todo, parts, progress)
    finally:
        with suppress(OSError):  # holds finished pieces: they stay for the next time
            parts.rmdir()

    fresh = [read_table(parts / f"{u.key}.parquet") for u in units if (parts / f"{u.key}.parquet").is_file()]
    table = pl.concat([earlier, *fresh] if earlier is not None else fresh)
    write_table(table, output)
    for unit in units:
        (parts / f"{unit.key}.parquet").unlink(missing_ok=True)
    with suppress(OSError):  # another plan's pieces may lie there still
        parts.rmdir()
    return table.filter(pl.col("unit").is_in([unit.key for unit in units]))


@dataclass
class _Progress:
    """Tells of images done, of all units together."""

    say: Callable[[int, int, str], object]
    images: int
    units: int
    done: int

    def tell(self, label: str, rows: int = 0) -> None:
        """So many units are done, and of one more so many rows."""
        self.say(self.done * self.images + min(rows, self.images), self.units * self.images, label)


def _measure_here(prepared: Prepared, units: list[Unit], parts: Path, progress: _Progress) -> None:
    for unit in units:
        label = _label(prepared, unit)
        rows = []
        for row in prepared.measure(unit):
            rows.append(row)
            progress.tell(label, len(rows))
        write_table(to_table(rows), parts / f"{unit.key}.parquet")
        progress.done += 1
        progress.tell(label)


def _measure_by(workers: Workers, prepared: Prepared, units: list[Unit], parts: Path, progress: _Progress) -> None:
    """By many hands; a unit whose worker died is tried once more when the others are done, and more memory is free."""
    tasks = [UnitTask(prepared.plan, unit) for unit in units]
    for last_try in (False, True):
        lost = []
        for finished in workers.run(measure_unit, tasks):
            unit, label = finished.task.unit, _label(prepared, finished.task.unit)
            if finished.result is not None:
                write_table(finished.result, parts / f"{unit.key}.parquet")
                progress.done += 1
                progress.tell(label)
            elif last_try:
                raise DeepJSCCError(f"the worker that measured {label} died, {finished.died}; take fewer workers")
            else:
                lost.append(finished.task)
        tasks = lost


def _label(prepared: Prepared, unit: Unit) -> str:
    return f"{prepared.systems[unit.system].name} at {unit.snr_db:g} dB"

"""Sweeps over systems, images and SNRs into one table, unit by unit, so that an interrupted sweep can be resumed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.plan import Plan
from deepjscc.evaluation.table import read_table, to_table, write_table
from deepjscc.evaluation.unit import Prepared, Unit, UnitTask, measure_unit
from deepjscc.files import cannot_be_written, locked
from deepjscc.workers import Workers

__all__ = ["Plan", "sweep"]


def sweep(
    plan: Plan,
    output: Path,
    on_progress: Callable[[int, int, str], object] = lambda *_: None,
    workers: Workers | None = None,
) -> pl.DataFrame:
    """Measure the units of a plan that are not yet in ``output``, and write the table there.

    Finished units are kept in ``OUTPUT.parts/`` until all are finished. Rows of other sweeps are kept, also those of
    sweeps that write into the same table at the same time.

    Args:
        plan: the plan.
        output: a ``.parquet`` file.
        on_progress: is called with the number of finished images, the number of all images, and a label.
        workers: workers that measure units in parallel; None measures them one after another in this process.

    Returns:
        The rows of this plan.

    Raises:
        DeepJSCCError: the data are missing or broken, the output cannot be written, or a worker ended twice.
        UsageError: an unknown name, or a bandwidth ratio that a model does not support.
    """
    prepared = Prepared(plan)
    units = prepared.units()
    earlier = read_table(output) if output.is_file() else None
    done = set(earlier["unit"]) if earlier is not None else set()
    parts = _Parts(output)
    parts.open()
    try:
        todo = [unit for unit in units if unit.key not in done and not parts.place(unit).is_file()]
        progress = _Progress(on_progress, len(prepared.data), len(units), len(units) - len(todo))
        if workers is None:
            _measure_here(prepared, todo, parts, progress)
        else:
            _measure_by(workers, prepared, todo, parts, progress)
    finally:
        parts.close()
    table = _merge(units, output, parts)
    return table.filter(pl.col("unit").is_in([unit.key for unit in units]))


def _merge(units: list[Unit], output: Path, parts: "_Parts") -> pl.DataFrame:
    """Move the finished units into the table, which other sweeps may have changed meanwhile; the whole table."""
    with locked(output):
        tables = [read_table(output)] if output.is_file() else []
        held = set(tables[0]["unit"]) if tables else set()
        # A unit that another sweep measured too, and merged, is there already, and its piece is gone or of no use.
        tables += [read_table(parts.place(unit)) for unit in units if unit.key not in held]
        table = pl.concat(tables)
        write_table(table, output)
        for unit in units:
            parts.place(unit).unlink(missing_ok=True)
    parts.close()
    return table


class _Parts:
    """The folder ``OUTPUT.parts`` of finished units, which several sweeps into one table share."""

    def __init__(self, output: Path) -> None:
        self.output, self.folder = output, output.with_name(output.name + ".parts")

    def place(self, unit: Unit) -> Path:
        """The file of one unit."""
        return self.folder / f"{unit.key}.parquet"

    def open(self) -> None:
        """Make the folder.

        Raises:
            DeepJSCCError: it cannot be made.
        """
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise cannot_be_written(self.folder, error) from None

    def keep(self, unit: Unit, table: pl.DataFrame) -> None:
        """Write one unit's rows; another sweep may have emptied and removed the folder meanwhile."""
        with locked(self.output):
            self.open()
            write_table(table, self.place(unit))

    def close(self) -> None:
        """Remove the folder if it is empty; finished units stay for a later run and for other sweeps."""
        with suppress(OSError, DeepJSCCError), locked(self.output):
            self.folder.rmdir()


@dataclass
class _Progress:
    """Reports the number of finished images of all units together."""

    on_progress: Callable[[int, int, str], object]
    images: int
    units: int
    done: int

    def tell(self, label: str, rows: int = 0) -> None:
        """Report the number of finished units, and the number of rows of the unit that is being measured."""
        self.on_progress(self.done * self.images + min(rows, self.images), self.units * self.images, label)


def _measure_here(prepared: Prepared, units: list[Unit], parts: _Parts, progress: _Progress) -> None:
    for unit in units:
        label = _label(prepared, unit)
        rows = []
        for row in prepared.measure(unit):
            rows.append(row)
            progress.tell(label, len(rows))
        parts.keep(unit, to_table(rows))
        progress.done += 1
        progress.tell(label)


def _measure_by(workers: Workers, prepared: Prepared, units: list[Unit], parts: _Parts, progress: _Progress) -> None:
    """Measure units by workers; a unit whose worker ended is repeated once when the others are finished."""
    tasks = [UnitTask(prepared.plan, unit) for unit in units]
    for last_try in (False, True):
        lost = []
        for finished in workers.run(measure_unit, tasks):
            unit, label = finished.task.unit, _label(prepared, finished.task.unit)
            if finished.result is not None:
                parts.keep(unit, finished.result)
                progress.done += 1
                progress.tell(label)
            elif last_try:
                raise DeepJSCCError(f"the worker that measured {label} died, {finished.died}; take fewer workers")
            else:
                lost.append(finished.task)
        tasks = lost


def _label(prepared: Prepared, unit: Unit) -> str:
    return f"{prepared.systems[unit.system].name} at {unit.snr_db:g} dB"

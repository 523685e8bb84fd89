"""Running a bulk job: shards that are not done go to workers; what is done stays done."""

import hashlib
import io
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from deepjscc import __version__
from deepjscc.bulk.job import Job, Shard, settings, to_table
from deepjscc.bulk.store import Store
from deepjscc.bulk.work import measured_precision, work_on
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.precision import PRECISIONS
from deepjscc.workers import Workers
from deepjscc.zoo import weights_hash

REPORT = "report"
JOB_FILE = f"{REPORT}/job.json"


@dataclass
class Summary:
    """The results of a job, summed up shard by shard.

    Attributes:
        images: pictures looked at, now or earlier.
        done_before: of them, those whose shards were found done.
        failed: those of which nothing came, for a reason the report gives.
        first_failures: names and reasons of the first few.
        channel_uses: of all pictures together.
        psnr_sum_db, measured: their mean PSNR is the one over the other.
        seconds: wall time.
    """

    images: int = 0
    done_before: int = 0
    failed: int = 0
    first_failures: tuple[str, ...] = ()
    channel_uses: int = 0
    psnr_sum_db: float = 0.0
    measured: int = 0
    seconds: float = 0.0

    @property
    def psnr_db(self) -> float | None:
        """Mean of the per-image PSNR."""
        return self.psnr_sum_db / self.measured if self.measured else None

    def add(self, table: pl.DataFrame) -> None:
        """Take a shard's rows in."""
        failed = table.filter(pl.col("error").is_not_null())
        self.images += len(table)
        self.failed += len(failed)
        reasons = (f"{name}: {error}" for name, error in failed.select("image", "error").iter_rows())
        self.first_failures += tuple(itertools.islice(reasons, max(0, 5 - len(self.first_failures))))
        self.channel_uses += int(table["channel_uses"].sum())
        quality = table["psnr_db"].drop_nulls()
        finite = quality.filter(quality.is_finite())  # a perfect copy has no finite PSNR to average
        self.psnr_sum_db += float(finite.sum())
        self.measured += len(finite)


def run(
    job: Job, workers: Workers, shard: int = 16, on_progress: Callable[[Summary], object] = lambda _: None
) -> Summary:
    """Do what of a job is not done yet.

    Each shard's rows lie in ``OUTPUT/report/part-INDEX-KEY.parquet`` (the folder reads as one table); a shard that has
    its part is not done again. Of a picture over which a worker died, alone, the report says so.

    Args:
        job: what to do.
        workers: who does it.
        shard: pictures in one: for each worker what a killed job does again.
        on_progress: called after every shard.

    Raises:
        UsageError: the place holds results of another job, or lies among the pictures.
        DeepJSCCError: no pictures, or a place that cannot be read or written.
    """
    clock = time.perf_counter()
    if Store(job.output).lies_in(Store(job.source)):
        raise UsageError(f"{job.output} lies in {job.source}: what is written would be sent next; take another folder")
    shards = _shards(job, shard)
    first = next(shards, None)
    if first is None:
        raise DeepJSCCError(f"{job.source}: no pictures below this folder")
    output, key, summary = Store(job.output), _claim(job), Summary()

    def waiting() -> Iterator[Shard]:
        for one in itertools.chain([first], shards):
            part = _part(one, key)
            if output.has(part):
                table = pl.read_parquet(io.BytesIO(output.read(part)))
                summary.add(table)
                summary.done_before += len(table)
                on_progress(summary)
            else:
                yield one

    def keep(one: Shard, table: pl.DataFrame) -> None:
        buffer = io.BytesIO()
        table.write_parquet(buffer)
        output.write(_part(one, key), buffer.getvalue())
        summary.add(table)
        summary.seconds = time.perf_counter() - clock
        on_progress(summary)

    deadly = []
    for finished in workers.run(work_on, waiting()):
        if finished.result is None:
            deadly.append((finished.task, finished.died))
        else:
            keep(finished.task, finished.result)
    for whole, died in deadly:
        keep(whole, _piece_by_piece(whole, died, workers))
    summary.seconds = time.perf_counter() - clock
    return summary


def _piece_by_piece(whole: Shard, died: str | None, workers: Workers) -> pl.DataFrame:
    """A shard over which a worker died, in halves and halves of those, down to the picture that does it."""
    rows: dict[str, pl.DataFrame] = {}
    pieces = [(whole, f"its worker died, {died}")]
    while pieces:
        lost = [to_table([{"image": one.names[0], "error": why}]) for one, why in pieces if len(one.names) == 1]
        rows |= {table["image"][0]: table for table in lost}
        smaller = [half for one, _ in pieces if len(one.names) > 1 for half in one.halves()]
        pieces = []
        for finished in workers.run(work_on, smaller):
            if finished.result is None:
                pieces.append((finished.task, f"its worker died, {finished.died}"))
            else:
                rows |= {table["image"][0]: table for table in finished.result.iter_slices(1)}
    return pl.concat([rows[name] for name in whole.names])


def _shards(job: Job, size: int) -> Iterator[Shard]:
    names = Store(job.source).pictures()
    for index in itertools.count():
        some = tuple(itertools.islice(names, size))
        if not some:
            return
        yield Shard(job, index, some)


def _claim(job: Job) -> str:
    """Mark the output as this job's; its key."""
    job_record = settings(job) | {"version": __version__}
    if "+" not in job.system:
        job_record["weights"] = weights_hash(job.system.partition("@")[0])
    text = json.dumps(job_record, indent=1, sort_keys=True)
    output = Store(job.output)
    with output.locked(JOB_FILE):  # two jobs that begin at the same time must not both find the place empty
        earlier = _earlier(output)
        if earlier:
            changed = sorted(name for name in job_record if earlier.get(name) != job_record[name])
            if changed:
                raise UsageError(
                    f"{job.output} holds a job with another {changed[0]} ({earlier.get(changed[0])}, not "
                    f"{job_record[changed[0]]}); take another folder"
                )
        else:
            output.write(JOB_FILE, text.encode())
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _earlier(output: Store) -> dict[str, Any]:
    """Read the record of the job whose results lie at the place; it is empty where there are none."""
    return dict(json.loads(output.read(JOB_FILE))) if output.has(JOB_FILE) else {}


def settled(job: Job) -> Job:
    """The job in the precision that is fastest here; one that goes on keeps the precision it has."""
    earlier = _earlier(Store(job.output)).get("precision")
    return replace(job, precision=earlier if earlier in PRECISIONS else measured_precision(job))


def _part(shard: Shard, key: str) -> str:
    """Name the file for a shard's rows; other pictures in the shard, or another job, give another name."""
    names = hashlib.sha256("\n".join((key, *shard.names)).encode()).hexdigest()[:12]
    return f"{REPORT}/part-{shard.index:06d}-{names}.parquet"

"""Sweeps: systems x images x SNRs to one table, piece by piece, so that a killed sweep goes on where it was."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch

from deepjscc import __version__
from deepjscc.channels import Channel, Coherence, Csi, make_channel
from deepjscc.data import ImageSet, PairSet, open_data
from deepjscc.data.pairs import VIEWS
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.quality import quality as measure_quality
from deepjscc.evaluation.quality import stages
from deepjscc.evaluation.table import read_table, to_table, write_table
from deepjscc.seeds import generator
from deepjscc.systems import pair_system
from deepjscc.systems.names import NamedSystem, make_system


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        systems: names, see :mod:`deepjscc.systems.names`.
        data: a data set's name, or a folder.
        snr_db: of the channel.
        encoder_snr_db: what the transmitter believes; None: the channel's SNR.
        right_offset_db: of pairs, by how much the right view's link is better than ``snr_db``; infinite: no noise.
        bandwidth_ratio: complex uses per source value; None takes each model's own.
        channel, coherence, csi, k_factor_db: see :func:`deepjscc.channels.make_channel`.
        container: count header bytes of digital systems.
        images: only so many, evenly spread over the set.
        repeats: draws of gains and noise an image.
        seed: of the first draw.
        lpips: measure it too (fetches its weights).
        simulate: send every bit of LDPC codes instead of looking their error rates up.
    """

    systems: tuple[str, ...]
    data: str
    snr_db: tuple[float, ...]
    encoder_snr_db: float | None = None
    right_offset_db: float = 0.0
    bandwidth_ratio: float | None = None
    channel: str = "awgn"
    coherence: Coherence | None = None
    csi: Csi | None = None
    k_factor_db: float | None = None
    container: bool = True
    images: int | None = None
    repeats: int = 1
    seed: int = 0
    lpips: bool = False
    simulate: bool = False


@dataclass(frozen=True)
class Unit:
    """The piece of a sweep that is done or not: one system at one SNR and seed, over all images."""

    system: NamedSystem
    snr_db: float
    seed: int
    key: str


def sweep(plan: Plan, output: Path, say: Callable[[int, int, str], object] = lambda *_: None) -> pl.DataFrame:
    """Run what of a plan is not yet in ``output`` and write the table there.

    Finished pieces lie in ``OUTPUT.parts/`` until all are there. Rows of other sweeps that the table holds are kept.

    Args:
        plan: what to measure.
        output: a ``.parquet`` file.
        say: called with images done, images in all, and a label.

    Returns:
        The rows of this plan.

    Raises:
        DeepJSCCError: data that are missing or broken, or a place that cannot be written.
        UsageError: an unknown name, or a ratio a model does not make.
    """
    channel = make_channel(plan.channel, coherence=plan.coherence, csi=plan.csi, k_factor_db=plan.k_factor_db)
    systems = [
        make_system(
            name,
            channel,
            bandwidth_ratio=plan.bandwidth_ratio,
            container=plan.container,
            simulate=plan.simulate,
        )
        for name in dict.fromkeys(plan.systems)
    ]
    data = open_data(plan.data)
    data = data.spread(plan.images) if plan.images else data
    units = list(_units(plan, systems, data))
    earlier = read_table(output) if output.is_file() else None
    done = set(earlier["unit"]) if earlier is not None else set()
    parts = output.with_name(output.name + ".parts")
    try:
        parts.mkdir(exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{parts}: cannot be written: {error.strerror}") from None

    try:
        _run_units(units, done, parts, data, plan, channel, say)
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


def _run_units(
    units: list[Unit],
    done: set[str],
    parts: Path,
    data: ImageSet,
    plan: Plan,
    channel: Channel,
    say: Callable[[int, int, str], object],
) -> None:
    """Measure what is neither in the table nor among the parts."""
    for index, unit in enumerate(units):
        label = f"{unit.system.name} at {unit.snr_db:g} dB"
        part = parts / f"{unit.key}.parquet"
        if unit.key not in done and not part.is_file():
            rows = []
            for row in measure(unit, data, plan, channel):
                rows.append(row)
                say(index * len(data) + min(len(rows), len(data)), len(units) * len(data), label)
            write_table(to_table(rows), part)
        say((index + 1) * len(data), len(units) * len(data), label)


def _units(plan: Plan, systems: list[NamedSystem], data: ImageSet) -> Iterator[Unit]:
    shared = asdict(plan) | {"names": data.names, "content": data.content}
    for name in ("systems", "snr_db", "repeats", "seed", "container", "simulate"):
        del shared[name]
    for system in systems:
        for snr_db in dict.fromkeys(plan.snr_db):
            for seed in range(plan.seed, plan.seed + plan.repeats):
                own = [__version__, system.name, system.weights, system.container, snr_db, seed]
                own += [system.error_rates] if system.error_rates is not None else []
                text = json.dumps([shared, own], sort_keys=True)
                yield Unit(system, snr_db, seed, hashlib.sha256(text.encode()).hexdigest()[:16])


@torch.no_grad()
def measure(unit: Unit, data: ImageSet, plan: Plan, channel: Channel) -> Iterator[dict[str, Any]]:
    """Send every image, or pair, once and measure it: rows of the table, of pairs one a view."""
    pairs = isinstance(data, PairSet)
    system = pair_system(unit.system.system) if pairs else unit.system.system
    links_db = [unit.snr_db, unit.snr_db + plan.right_offset_db] if pairs else [unit.snr_db]
    for start, images in data.batches():
        # The same at every SNR and for every system, so that curves are paired.
        draws = generator(unit.seed, start)
        snr_db = torch.tensor(links_db).expand(len(images), -1)
        believed = snr_db if plan.encoder_snr_db is None else torch.full_like(snr_db, plan.encoder_snr_db)
        if not pairs:
            snr_db, believed = snr_db[:, 0], believed[:, 0]
        clock = time.perf_counter()
        sent = system.transmit(images, snr_db, encoder_snr_db=believed, generator=draws)
        views = images.flatten(0, -4)
        seconds = (time.perf_counter() - clock) / len(views)
        for stage, (decoded, uses) in stages(sent).items():
            quality = measure_quality(views, decoded, with_lpips=plan.lpips)
            for i in range(len(views)):
                view = i % len(links_db)
                yield {
                    "system": unit.system.name,
                    "data_set": data.name,
                    "image": data.names[start + i // len(links_db)],
                    "view": VIEWS[view] if pairs else None,
                    "stage": stage,
                    "channel": plan.channel,
                    "coherence": channel.coherence,
                    "csi": channel.csi,
                    "k_factor_db": plan.k_factor_db,
                    "requested_ratio": plan.bandwidth_ratio,
                    "bandwidth_ratio": uses[i] / views[0].numel(),
                    "channel_uses": uses[i],
                    "delivered": bool(sent.delivered.flatten()[i]),
                    "container": unit.system.container,
                    "snr_db": links_db[view],
                    "other_snr_db": links_db[1 - view] if pairs else None,
                    "encoder_snr_db": float(believed.flatten()[i]),
                    "seed": unit.seed,
                    **{name: values[i] for name, values in quality.items()},
                    "seconds": seconds,
                    "weights_hash": unit.system.weights,
                    "unit": unit.key,
                }

"""The unit of a sweep, which is repeated as a whole if interrupted: one system, SNR and seed, over all images."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import polars as pl
import torch

from deepjscc import __version__
from deepjscc.channels import Channel, make_channel
from deepjscc.data import ImageSet, PairSet, open_data
from deepjscc.data.pairs import VIEWS
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.encodings import Encodings
from deepjscc.evaluation.plan import Plan
from deepjscc.evaluation.quality import quality as measure_quality
from deepjscc.evaluation.quality import stages
from deepjscc.evaluation.table import to_table
from deepjscc.extensions import content_hash
from deepjscc.seeds import generator
from deepjscc.systems.names import NamedSystem, make_system
from deepjscc.systems.placement import on_device


@dataclass(frozen=True)
class Unit:
    """The position of a unit in its plan, and a key that no other unit of any plan has."""

    system: int
    snr_db: float
    seed: int
    key: str


class Prepared:
    """A plan with its data opened and its systems built.

    Raises:
        DeepJSCCError: the data are missing or broken.
        UsageError: an unknown name, or a bandwidth ratio that a model does not support.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.channel: Channel = make_channel(
            plan.channel, coherence=plan.coherence, csi=plan.csi, k_factor_db=plan.k_factor_db
        )
        self.systems: list[NamedSystem] = [
            on_device(
                make_system(
                    name,
                    self.channel,
                    bandwidth_ratio=plan.bandwidth_ratio,
                    container=plan.container,
                    simulate=plan.simulate,
                    snr_spread_db=plan.encoder_snr_spread_db,
                ),
                plan.device,
            )
            for name in dict.fromkeys(plan.systems)
        ]
        data = open_data(plan.data)
        self.data: ImageSet = data.spread(plan.images) if plan.images else data
        self.encodings = Encodings()

    def units(self) -> list[Unit]:
        """Every unit of the plan, system by system."""
        plan = self.plan
        shared = asdict(plan) | {"names": self.data.names, "content": self.data.content}
        for name in (
            "systems",
            "snr_db",
            "repeats",
            "seed",
            "container",
            "simulate",
            "encoder_snr_spread_db",
            "device",
        ):
            del shared[name]
        code = content_hash(plan.channel)
        found = []
        for index, system in enumerate(self.systems):
            for snr_db in dict.fromkeys(plan.snr_db):
                for seed in range(plan.seed, plan.seed + plan.repeats):
                    own = [__version__, system.name, system.weights, system.container, snr_db, seed]
                    own += [system.error_rates] if system.error_rates is not None else []
                    own += [code] if code is not None else []
                    text = json.dumps([shared, own], sort_keys=True)
                    found.append(Unit(index, snr_db, seed, hashlib.sha256(text.encode()).hexdigest()[:16]))
        return found

    def measure(self, unit: Unit) -> Iterator[dict[str, Any]]:
        """Send every image, or pair, once and measure it; yields rows of the table, for pairs one row per view."""
        plan, data, channel, named = self.plan, self.data, self.channel, self.systems[unit.system]
        pairs = isinstance(data, PairSet)
        links_db = [unit.snr_db, unit.snr_db + plan.right_offset_db] if pairs else [unit.snr_db]
        for start, images in data.batches():
            # The same at every SNR and for every system, so that curves are paired.
            draws = generator(unit.seed, start)
            snr_db = torch.tensor(links_db).expand(len(images), -1)
            believed = snr_db if plan.encoder_snr_db is None else torch.full_like(snr_db, plan.encoder_snr_db)
            clock = time.perf_counter()
            if not pairs:
                snr_db, believed = snr_db[:, 0], believed[:, 0]
            with torch.no_grad():  # not around the whole generator: between rows the caller's mode holds
                sent = self.encodings.transmit(named.system, unit.system, start, images, snr_db, believed, draws)
            views = images.flatten(0, -4)
            seconds = (time.perf_counter() - clock + self.encodings.saved_s) / len(views)
            for stage, (decoded, uses) in stages(sent).items():
                quality = measure_quality(views, decoded, with_lpips=plan.lpips)
                for i in range(len(views)):
                    view = i % len(links_db)
                    yield {
                        "system": named.name,
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
                        "layers": "+".join(sent.layers[i]) if sent.layers else None,
                        "container": named.container,
                        "snr_db": links_db[view],
                        "other_snr_db": links_db[1 - view] if pairs else None,
                        "encoder_snr_db": float(believed.flatten()[i]),
                        "seed": unit.seed,
                        **{name: values[i] for name, values in quality.items()},
                        "seconds": seconds,
                        "weights_hash": named.weights,
                        "unit": unit.key,
                    }


@dataclass(frozen=True)
class UnitTask:
    """A unit and its plan, which are the task of a worker."""

    plan: Plan
    unit: Unit


def measure_unit(task: UnitTask) -> pl.DataFrame:
    """Measure all rows of a unit in a worker.

    Raises:
        DeepJSCCError: the worker has other data, weights or code than the process that made the plan.
    """
    prepared = _prepared(task.plan)
    if task.unit.key not in {unit.key for unit in prepared.units()}:
        raise DeepJSCCError("a worker finds other data, weights or code than this process; share them between machines")
    return to_table(list(prepared.measure(task.unit)))


@lru_cache(maxsize=1)
def _prepared(plan: Plan) -> Prepared:
    """The prepared plan, which a worker makes once."""
    return Prepared(plan)

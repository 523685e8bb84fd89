"""A bulk job: how every picture is sent, and shards of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl

from deepjscc.channels import Coherence, Csi
from deepjscc.precision import Precision

SCHEMA: dict[str, Any] = {
    "image": pl.String,
    "height": pl.Int64,
    "width": pl.Int64,
    "channel_uses": pl.Int64,
    "bandwidth_ratio": pl.Float64,
    "delivered": pl.Boolean,
    "snr_db": pl.Float64,  # of the channel; null for "encode"
    "encoder_snr_db": pl.Float64,  # what the transmitter planned for
    "seed": pl.Int64,  # of the job; each picture draws from it and its own name
    "target_psnr_db": pl.Float64,  # for which the ratio was chosen; null: none
    "expected_psnr_db": pl.Float64,  # what the transmitter expected where it chose the ratio; null else
    "psnr_db": pl.Float64,  # per image, 8 bits; null where nothing was received
    "ssim": pl.Float64,  # likewise; null under 11 pixels a side
    "error": pl.String,  # why nothing came of it; null where all went well
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """The work of a bulk job, the same for every picture.

    Attributes:
        source, output: folders or URLs.
        what: "transmit" each over the channel, or "encode" it into a recording.
        system: a learned link, or a digital one; see :mod:`deepjscc.systems.names`.
        snr_db: of the channel; of "encode", what is believed of it.
        encoder_snr_db: what the transmitter believes; None: the channel's SNR.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        target_psnr_db: instead, the PSNR for which every picture has the smallest ratio that is expected to reach it.
        channel, coherence, csi, k_factor_db: see :func:`deepjscc.channels.make_channel`.
        seed: of gains and noise, which each picture has of its own by its name.
        suffix: of the pictures written; None writes none, the report alone.
        precision: what the networks compute in.
        device: of the networks.
    """

    source: str
    output: str
    what: Literal["transmit", "encode"] = "transmit"
    system: str = "universal-s"
    snr_db: float = 10.0
    encoder_snr_db: float | None = None
    bandwidth_ratio: float | None = None
    target_psnr_db: float | None = None
    channel: str = "awgn"
    coherence: Coherence | None = None
    csi: Csi | None = None
    k_factor_db: float | None = None
    seed: int = 0
    suffix: str | None = ".png"
    precision: Precision = "fp32"
    device: str = "cpu"


@dataclass(frozen=True)
class Shard:
    """A part of a job: the names of some of its pictures; ``index`` counts shards from 0."""

    job: Job
    index: int
    names: tuple[str, ...]

    def halves(self) -> list["Shard"]:
        """Two shards of half the pictures, or itself if it is one picture."""
        middle = len(self.names) // 2
        parts = [self.names[:middle], self.names[middle:]]
        return [Shard(self.job, self.index, part) for part in parts if part]


def to_table(rows: Sequence[Row]) -> pl.DataFrame:
    """Make a table of :data:`SCHEMA` from rows."""
    return pl.DataFrame(rows, schema=SCHEMA)


def settings(job: Job) -> dict[str, Any]:
    """Return everything that a job's results depend on: all but the place they are written to and the device."""
    return {key: value for key, value in asdict(job).items() if key not in ("output", "device")}

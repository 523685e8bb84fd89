"""A bulk job: how every picture is sent, and what a worker does with a shard of them."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import polars as pl
import torch
from PIL import Image

from deepjscc.bulk.store import Store, as_file
from deepjscc.channels import Coherence, Csi, make_channel
from deepjscc.data.base import BATCH, SMALL_PIXELS
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.single import LARGE_PIXELS, send_image
from deepjscc.images import FORMATS, from_picture, open_rgb, to_float, to_picture
from deepjscc.metrics import psnr
from deepjscc.precision import Precision, computed_in, fastest_precision
from deepjscc.radio.split import encode_image
from deepjscc.seeds import derive_seed, generator
from deepjscc.systems.company import transmit_in_company
from deepjscc.systems.names import NamedSystem, make_system

SCHEMA: dict[str, Any] = {
    "image": pl.String,
    "height": pl.Int64,
    "width": pl.Int64,
    "channel_uses": pl.Int64,
    "bandwidth_ratio": pl.Float64,
    "delivered": pl.Boolean,
    "psnr_db": pl.Float64,  # per image, 8 bits; null where nothing was received
    "error": pl.String,  # why nothing came of it; null where all went well
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What is done with every picture.

    Attributes:
        source, output: folders or URLs.
        what: "transmit" each over the channel, or "encode" it into a recording.
        system: a learned link, or a digital one; see :mod:`deepjscc.systems.names`.
        snr_db: of the channel; of "encode", what is believed of it.
        encoder_snr_db: what the transmitter believes; None: the channel's SNR.
        bandwidth_ratio: complex uses per source value; None takes the model's own.
        channel, coherence, csi, k_factor_db: see :func:`deepjscc.channels.make_channel`.
        seed: of gains and noise, which each picture has of its own by its name.
        suffix: of the pictures written; None writes none, the report alone.
        precision: what the networks compute in.
    """

    source: str
    output: str
    what: Literal["transmit", "encode"] = "transmit"
    system: str = "universal-s"
    snr_db: float = 10.0
    encoder_snr_db: float | None = None
    bandwidth_ratio: float | None = None
    channel: str = "awgn"
    coherence: Coherence | None = None
    csi: Csi | None = None
    k_factor_db: float | None = None
    seed: int = 0
    suffix: str | None = ".png"
    precision: Precision = "fp32"


@dataclass(frozen=True)
class Shard:
    """Some pictures of a job, by name; ``index`` counts shards from 0."""

    job: Job
    index: int
    names: tuple[str, ...]

    def halves(self) -> list["Shard"]:
        """Two shards of half the pictures, or itself if it is one picture."""
        middle = len(self.names) // 2
        parts = [self.names[:middle], self.names[middle:]]
        return [Shard(self.job, self.index, part) for part in parts if part]


def to_table(rows: Sequence[Row]) -> pl.DataFrame:
    """Rows of :data:`SCHEMA`."""
    return pl.DataFrame(rows, schema=SCHEMA)


@torch.no_grad()
def work_on(shard: Shard) -> pl.DataFrame:
    """Do the pictures of a shard: a row each, of one that cannot be read with the error.

    Raises:
        DeepJSCCError: what is wrong with the job, not with a picture.
    """
    work = _encode if shard.job.what == "encode" else _transmit
    return to_table(list(work(shard)))


def _transmit(shard: Shard) -> Iterator[Row]:
    job, output = shard.job, Store(shard.job.output)
    system = _system(job)
    snr_db, believed = torch.tensor([job.snr_db]), None
    if job.encoder_snr_db is not None:
        believed = torch.tensor([job.encoder_snr_db])
    for company in _companies(shard):
        pictures = [picture for _, picture in company if isinstance(picture, Image.Image)]
        if not pictures:
            yield from (_failed(name, str(error)) for name, error in company)
            continue
        names = [name for name, _ in company]
        if pictures[0].width * pictures[0].height > LARGE_PIXELS:
            yield _strip_by_strip(job, system, names[0], pictures[0], output)
            continue
        images = to_float(torch.stack([from_picture(picture) for picture in pictures]))
        count = len(images)
        with computed_in(job.precision):
            sent = transmit_in_company(
                system.system,
                images,
                snr_db.expand(count),
                [generator(job.seed, name) for name in names],
                encoder_snr_db=None if believed is None else believed.expand(count),
            )
        ratios, quality = sent.bandwidth_ratio.tolist(), psnr(images, sent.images.float()).tolist()
        for i, name in enumerate(names):
            if job.suffix is not None:
                output.write(_named(name, job.suffix), _file_of(to_picture(sent.images[i].float()), job.suffix))
            yield {
                "image": name,
                "height": images.shape[2],
                "width": images.shape[3],
                "channel_uses": int(sent.channel_uses[i]),
                "bandwidth_ratio": ratios[i],
                "delivered": bool(sent.delivered[i]),
                "psnr_db": quality[i],
            }


def _strip_by_strip(job: Job, system: NamedSystem, name: str, picture: Image.Image, output: Store) -> Row:
    """A picture that memory should not hold as floats."""
    seed = derive_seed(job.seed, name)
    with computed_in(job.precision):
        outcome = send_image(picture, system, job.snr_db, encoder_snr_db=job.encoder_snr_db, seed=seed)
    if job.suffix is not None:
        output.write(_named(name, job.suffix), _file_of(outcome.picture, job.suffix))
    values = outcome.numbers()
    columns = ("channel_uses", "bandwidth_ratio", "delivered", "psnr_db")
    return {"image": name, "height": picture.height, "width": picture.width} | {key: values[key] for key in columns}


def _encode(shard: Shard) -> Iterator[Row]:
    job, output = shard.job, Store(shard.job.output)
    source = Store(job.source)
    for name in shard.names:
        picture = _open(source, name)
        if isinstance(picture, DeepJSCCError):
            yield _failed(name, str(picture))
            continue
        with tempfile.TemporaryDirectory() as folder, computed_in(job.precision):
            (report,) = encode_image(
                from_picture(picture), job.system, Path(folder) / "iq", job.snr_db, job.bandwidth_ratio
            )
            for kind in ("data_file", "meta_file"):
                file = Path(report[kind])
                output.write(name + file.suffix, file.read_bytes())
        values = 3 * picture.width * picture.height
        yield {
            "image": name,
            "height": picture.height,
            "width": picture.width,
            "channel_uses": round(report["bandwidth_ratio"] * values),
            "bandwidth_ratio": report["bandwidth_ratio"],
        }


def measured_precision(job: Job) -> Precision:
    """The precision in which this machine sends a picture of 768x512 fastest, on as many threads as a worker has.

    Raises:
        UsageError: a system or channel there is not, or a ratio it does not make.
    """
    system, threads = _system(job).system, torch.get_num_threads()
    images, snr_db = torch.rand(1, 3, 512, 768, generator=generator("precision")), torch.tensor([job.snr_db])
    torch.set_num_threads(1)
    try:
        return fastest_precision(lambda: system.transmit(images, snr_db))
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=1)
def _system(job: Job) -> NamedSystem:
    """The job's system, made once in a worker."""
    medium = make_channel(job.channel, coherence=job.coherence, csi=job.csi, k_factor_db=job.k_factor_db)
    return make_system(job.system, medium, bandwidth_ratio=job.bandwidth_ratio)


def _companies(shard: Shard) -> Iterator[list[tuple[str, Image.Image | DeepJSCCError]]]:
    """The pictures in groups to be sent together: small ones of one size, large ones and broken ones alone."""
    source = Store(shard.job.source)
    company: list[tuple[str, Image.Image | DeepJSCCError]] = []
    for name in shard.names:
        picture = _open(source, name)
        small = isinstance(picture, Image.Image) and picture.width * picture.height <= SMALL_PIXELS
        if company and not (small and _size(company[0][1]) == _size(picture) and len(company) < BATCH):
            yield company
            company = []
        company.append((name, picture))
        if not small:
            yield company
            company = []
    if company:
        yield company


def _size(picture: Image.Image | DeepJSCCError) -> tuple[int, int] | None:
    return picture.size if isinstance(picture, Image.Image) else None


def _open(source: Store, name: str) -> Image.Image | DeepJSCCError:
    try:
        return open_rgb(as_file(source.read(name), name))
    except DeepJSCCError as error:
        return error


def _named(name: str, suffix: str) -> str:
    """The picture's own name; where its suffix is another, with ours behind it, so that no two become one."""
    return name if name.lower().endswith(suffix) else name + suffix


def _file_of(picture: Image.Image, suffix: str) -> bytes:
    form, options = FORMATS[suffix]
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _failed(name: str, error: str) -> Row:
    return {"image": name, "error": error.removeprefix(f"{name}: ")}


def settings(job: Job) -> dict[str, Any]:
    """What tells one job's results from another's: all but the place they are written to."""
    return {key: value for key, value in asdict(job).items() if key != "output"}

"""The work on one shard of a bulk job: every picture is sent or encoded, and measured."""

import io
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import polars as pl
import torch
from PIL import Image

from deepjscc.bulk.job import Job, Row, Shard, to_table
from deepjscc.bulk.store import Store, as_file
from deepjscc.channels import make_channel
from deepjscc.data.base import BATCH, SMALL_PIXELS
from deepjscc.defaults import LARGE_PIXELS
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.single import send_image
from deepjscc.images import FORMATS, from_picture, open_rgb, to_float, to_picture
from deepjscc.metrics import psnr, ssim
from deepjscc.metrics.structural import SSIM_MIN_SIDE
from deepjscc.precision import Precision, computed_in, fastest_precision
from deepjscc.radio.split import encode_image
from deepjscc.seeds import derive_seed, generator
from deepjscc.systems.constant_quality import DUMMY_RATIO, reach_quality
from deepjscc.systems.names import NamedSystem, make_system
from deepjscc.systems.placement import on_device


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
    for batch in _batches(shard):
        pictures = [picture for _, picture in batch if isinstance(picture, Image.Image)]
        if not pictures:
            yield from (_failed(name, str(error)) for name, error in batch)
            continue
        names = [name for name, _ in batch]
        if pictures[0].width * pictures[0].height > LARGE_PIXELS:
            if job.target_psnr_db is None:
                yield _strip_by_strip(job, system, names[0], pictures[0], output)
            else:
                yield _failed(names[0], f"a target PSNR is for pictures of up to {LARGE_PIXELS / 1e6:g} megapixels")
            continue
        images = to_float(torch.stack([from_picture(picture) for picture in pictures]))
        count = len(images)
        draws = [generator(job.seed, name) for name in names]
        beliefs = None if believed is None else believed.expand(count)
        link, choice = system.system, None
        try:
            with computed_in(job.precision, job.device):
                if job.target_psnr_db is not None:
                    planned_db = snr_db if believed is None else believed
                    link, choice = reach_quality(link, images, job.target_psnr_db, planned_db)
                sent = link.transmit(images, snr_db.expand(count), encoder_snr_db=beliefs, generator=draws)
        except DeepJSCCError as error:  # it does not take pictures of this size, or reach their PSNR
            yield from (_failed(name, str(error)) for name in names)
            continue
        ratios, quality = sent.bandwidth_ratio.tolist(), psnr(images, sent.images.float()).tolist()
        structure: list[float | None] = [None] * count
        if min(images.shape[2:]) >= SSIM_MIN_SIDE:
            structure = ssim(images, sent.images.float()).tolist()
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
                "target_psnr_db": job.target_psnr_db,
                "expected_psnr_db": None if choice is None else choice.psnr_db,
                "psnr_db": quality[i],
                "ssim": structure[i],
                **_settings(job),
            }


def _strip_by_strip(job: Job, system: NamedSystem, name: str, picture: Image.Image, output: Store) -> Row:
    """A picture that memory should not hold as floats."""
    seed = derive_seed(job.seed, name)
    with computed_in(job.precision, job.device):
        outcome = send_image(picture, system, job.snr_db, encoder_snr_db=job.encoder_snr_db, seed=seed)
    if job.suffix is not None:
        output.write(_named(name, job.suffix), _file_of(outcome.picture, job.suffix))
    values = outcome.numbers()
    columns = ("channel_uses", "bandwidth_ratio", "delivered", "psnr_db", "ssim")
    measured = {key: values[key] for key in columns}
    return {"image": name, "height": picture.height, "width": picture.width} | measured | _settings(job)


def _settings(job: Job) -> Row:
    """Return the columns that describe the channel, so that reports of several jobs can be read together."""
    believed = job.snr_db if job.encoder_snr_db is None else job.encoder_snr_db
    return {"snr_db": job.snr_db, "encoder_snr_db": believed, "seed": job.seed}


def _encode(shard: Shard) -> Iterator[Row]:
    job, output = shard.job, Store(shard.job.output)
    source = Store(job.source)
    for name in shard.names:
        picture = _open(source, name)
        if isinstance(picture, DeepJSCCError):
            yield _failed(name, str(picture))
            continue
        with tempfile.TemporaryDirectory() as folder, computed_in(job.precision):
            iq = Path(folder) / "iq"
            try:
                (report,) = encode_image(from_picture(picture), job.system, iq, job.snr_db, job.bandwidth_ratio)
            except DeepJSCCError as error:
                yield _failed(name, str(error))
                continue
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
            "encoder_snr_db": job.snr_db,
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
    ratio = job.bandwidth_ratio if job.target_psnr_db is None else DUMMY_RATIO
    return on_device(make_system(job.system, medium, bandwidth_ratio=ratio), job.device)


def _batches(shard: Shard) -> Iterator[list[tuple[str, Image.Image | DeepJSCCError]]]:
    """The pictures in groups to be sent together: small ones of one size, large ones and broken ones alone.

    With a target PSNR every picture goes alone, at a ratio of its own.
    """
    source, most = Store(shard.job.source), BATCH if shard.job.target_psnr_db is None else 1
    batch: list[tuple[str, Image.Image | DeepJSCCError]] = []
    for name in shard.names:
        picture = _open(source, name)
        small = isinstance(picture, Image.Image) and picture.width * picture.height <= SMALL_PIXELS
        if batch and not (small and _size(batch[0][1]) == _size(picture) and len(batch) < most):
            yield batch
            batch = []
        batch.append((name, picture))
        if not small:
            yield batch
            batch = []
    if batch:
        yield batch


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

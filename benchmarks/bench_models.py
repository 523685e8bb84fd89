"""Encode, channel and decode of every model, at sizes from a thumbnail to 4K; growth with area and batch."""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from conftest import DEVICES, PeakMemory, operations_of, photograph
from deepjscc.channels import AWGN
from deepjscc.models import BlockCode
from deepjscc.systems import make_link
from deepjscc.systems.names import make_system
from deepjscc.types import Size
from deepjscc.zoo import load

PHOTO_MODELS = ("linear", "universal-s", "adaptive-linear", "unrolled-linear", "adaptive", "unrolled")
SMALL_MODELS = ("cnn-c16-awgn-10db", "multiple-decoders-l2-awgn-13db", "residual-l2-awgn-13db")
SIZES = {"32x32": (32, 32), "768x512": (512, 768), "3840x2160": (2160, 3840)}
RATIO = 1 / 8
SNR_DB = 10.0
SQUARES = (256, 512, 1024, 2048)
BATCHES = (1, 8, 64, 512)


def measure(
    benchmark: BenchmarkFixture,
    name: str,
    size: Size,
    *,
    device: str = "cpu",
    batch: int = 1,
    precision: str = "fp32",
) -> None:
    """Time one model on one size, and say how many operations that takes."""
    images, snr_db = photograph(size, batch).to(device), torch.full((batch,), SNR_DB, device=device)
    model = load(name).to(device)
    link = make_link(model, AWGN(), bandwidth_ratio=RATIO if isinstance(model, BlockCode) else None)

    @torch.no_grad()
    def send() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            link.transmit(images, snr_db)
        if device == "cuda":
            torch.cuda.synchronize()

    with PeakMemory() as memory:
        operations = operations_of(send)  # which warms up too
    pixels = batch * size[0] * size[1]
    benchmark.pedantic(send, rounds=1 if pixels > 4_200_000 else 5, warmup_rounds=0 if pixels > 4_200_000 else 1)
    seconds = benchmark.stats.stats.median
    benchmark.extra_info.update(
        model=name,
        width=size[1],
        height=size[0],
        batch=batch,
        device=device,
        precision=precision,
        gflop=operations / 1e9,
        megapixels_per_s=pixels / seconds / 1e6,
        images_per_s=batch / seconds,
        peak_mebibytes=memory.mebibytes,
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PHOTO_MODELS + SMALL_MODELS)
def test_sizes(benchmark: BenchmarkFixture, name: str, size: str, device: str) -> None:
    measure(benchmark, name, SIZES[size], device=device)


@pytest.mark.parametrize("name", ["linear", "universal-s", "unrolled-linear", "cnn-c16-awgn-10db"])
def test_half_precision(benchmark: BenchmarkFixture, name: str) -> None:
    measure(benchmark, name, SIZES["768x512"], precision="bf16")


@pytest.mark.parametrize("side", SQUARES)
@pytest.mark.parametrize("name", ["linear", "universal-s"])
def test_growth_with_area(benchmark: BenchmarkFixture, name: str, side: int) -> None:
    measure(benchmark, name, (side, side))


@pytest.mark.parametrize("batch", BATCHES)
def test_growth_with_batch(benchmark: BenchmarkFixture, batch: int) -> None:
    measure(benchmark, "cnn-c16-awgn-10db", (32, 32), batch=batch)


def test_pair(benchmark: BenchmarkFixture) -> None:
    """Two cameras of 256x128 and their joint decoder."""
    system = make_system("distributed-joint", AWGN()).system
    pairs, snr_db = photograph((128, 256), 2)[None], torch.tensor([[SNR_DB, SNR_DB]])
    with torch.no_grad():
        benchmark.pedantic(lambda: system.transmit(pairs, snr_db), rounds=9, warmup_rounds=1)
    benchmark.extra_info.update(model="distributed-joint", width=256, height=128, batch=1, device="cpu")


@pytest.mark.parametrize("steps", [1, 10])
def test_diffusion(benchmark: BenchmarkFixture, steps: int) -> None:
    """The stage behind `universal-s`; 4K would take minutes."""
    system = make_system(f"universal-s@diffusion={steps}", AWGN(), bandwidth_ratio=RATIO).system
    image, snr_db = photograph(SIZES["768x512"]), torch.tensor([0.0])
    with torch.no_grad():
        benchmark.pedantic(lambda: system.transmit(image, snr_db), rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(model=f"universal-s@diffusion={steps}", width=768, height=512, batch=1, device="cpu")

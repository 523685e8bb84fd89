"""What surrounds the networks: digital links, metrics, reading and writing, training steps, start-up."""

import io
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from conftest import photograph
from deepjscc import metrics
from deepjscc.channels import AWGN
from deepjscc.data import ImageSet
from deepjscc.digital.codecs import rates
from deepjscc.evaluation.quality import quality
from deepjscc.images import FORMATS, open_rgb, to_picture
from deepjscc.systems.names import make_system
from deepjscc.training import loop
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelRecipe, OptimiserRecipe, Recipe

PHOTO = (512, 768)
RATIO = 1 / 8
DIGITAL = ("jpeg+ideal", "webp+ideal", "jpeg2000+ideal", "avif+ideal", "hevc+ideal", "hevc+ldpc")


@pytest.mark.parametrize(
    "name", ["jpeg+ideal", "webp+ideal", "jpeg2000+ideal", "avif+ideal", "hevc+ideal", "hevc+ldpc"]
)
def test_digital_link(benchmark: BenchmarkFixture, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for the rate, code, and decode, nothing remembered; of LDPC every bit is sent."""
    image, snr_db, places = photograph(PHOTO), torch.tensor([10.0]), itertools.count()
    draws = torch.Generator().manual_seed(0)

    def send() -> None:
        system = make_system(name, AWGN(), bandwidth_ratio=RATIO, simulate=name.endswith("ldpc")).system
        system.transmit(image, snr_db, generator=draws)

    def forget() -> None:
        place = tmp_path / str(next(places))
        monkeypatch.setattr(rates, "rates_folder", lambda: place)

    benchmark.pedantic(send, setup=forget, rounds=3, warmup_rounds=1)
    benchmark.extra_info.update(model=name, width=768, height=512, batch=1, device="cpu")


@pytest.mark.parametrize("name", ["psnr", "ssim", "ms_ssim", "all"])
def test_metric(benchmark: BenchmarkFixture, name: str) -> None:
    """Of one photograph; `all` is what a sweep measures."""
    image = photograph(PHOTO)
    noisy = (image + 0.05 * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    job = quality if name == "all" else getattr(metrics, name)
    benchmark.pedantic(lambda: job(image, noisy), rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_picture_files(benchmark: BenchmarkFixture, suffix: str) -> None:
    """Write a photograph to memory and read it back."""
    picture, (form, options) = to_picture(photograph(PHOTO)[0]), FORMATS[suffix]

    def there_and_back() -> None:
        file = io.BytesIO()
        picture.save(file, form, **options)
        file.seek(0)
        open_rgb(file)

    benchmark.pedantic(there_and_back, rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("name", "side", "batch"), [("cnn", 32, 128), ("universal", 128, 8)])
def test_training_step(
    benchmark: BenchmarkFixture, name: str, side: int, batch: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of the training engine, images in memory."""
    images = torch.randint(0, 256, (4 * batch, 3, side, side), dtype=torch.uint8)
    recipe = Recipe(
        ModelRecipe(name, warm_start="universal-s" if name == "universal" else None),
        DataRecipe("memory"),
        ChannelRecipe(snr_db=10.0, bandwidth_ratio=RATIO if name == "universal" else None),
        optimiser=OptimiserRecipe(batch=batch, precision=precision),  # type: ignore[arg-type]
    )
    held = ImageSet("memory", [str(i) for i in range(len(images))], images.__getitem__)
    monkeypatch.setattr(loop, "open_data", lambda name: held)
    with tempfile.TemporaryDirectory() as folder:
        fabric = loop.make_fabric(recipe.optimiser.precision)
        run = loop.Run(fabric, recipe, Path(folder) / "weights.safetensors", None, False, None, lambda _: None)
        benchmark.pedantic(lambda: run.take_step(0.1), rounds=9, warmup_rounds=2)
    benchmark.extra_info.update(
        model=name, batch=batch, precision=precision, images_per_s=batch / benchmark.stats.stats.median
    )


@pytest.mark.parametrize("command", ["--help", "send sample:coffee -o out.png --bandwidth-ratio 1/8"])
def test_start_up(benchmark: BenchmarkFixture, command: str, tmp_path: Path) -> None:
    """Whole processes; aims: --help under 0.5 s, send under 4 s."""
    words = [sys.executable, "-m", "deepjscc", *command.split()]
    benchmark.pedantic(
        lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd=tmp_path), rounds=5, warmup_rounds=1
    )

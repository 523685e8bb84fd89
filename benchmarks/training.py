"""Training throughput of the `cnn`, ours against a plain loop, and the limit: `python benchmarks/training.py [--json]`.

Steps of both run in turn (A B A B …), medians are compared. The plain loop is what scripts of this field do: fp32, the
default layout, a DataLoader over images in memory. The ceiling is a large fp32 matrix product, measured in this run.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from deepjscc.data import ImageSet
from deepjscc.models import Cnn
from deepjscc.training import loop
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelRecipe, OptimiserRecipe, Recipe

BATCH, IMAGES, ROUNDS = 128, 2560, 15
# Multiply-adds an image of the forward pass: five convolutions and their mirror, c = 16; backward costs twice that.
FORWARD_MACS = 2 * (16 * 16 * 16 * 75 + 8 * 8 * (32 * 400 + 32 * 800 + 32 * 800 + 16 * 800))


def seconds_of(job: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def plain_loop(images: torch.Tensor) -> Callable[[], None]:
    """One step of a plain loop: default layout, fp32."""
    model = Cnn(filters=16)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    loader = DataLoader(images, BATCH, shuffle=True, drop_last=True)  # type: ignore[arg-type]
    batches = iter(loader)

    def step() -> None:
        nonlocal batches
        batch = next(batches, None)
        if batch is None:
            batches = iter(loader)
            batch = next(batches)
        latent = model.encoder(batch.float() / 255)
        latent = latent / latent.square().mean((1, 2, 3), keepdim=True).sqrt()
        decoded = model.decoder(latent + 0.3 * torch.randn_like(latent))
        loss = (decoded - batch.float() / 255).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def our_loop(images: torch.Tensor, precision: str, folder: Path) -> Callable[[], None]:
    """One step of the training engine."""
    recipe = Recipe(
        ModelRecipe("cnn", {"filters": 16}),
        DataRecipe("memory"),
        ChannelRecipe(snr_db=10.0),
        OptimiserRecipe(batch=BATCH, precision=precision),  # type: ignore[arg-type]
    )
    loop.open_data = lambda name: ImageSet(name, [str(i) for i in range(len(images))], images.__getitem__)
    run = loop.Run(recipe, folder / f"{precision}.safetensors", None, False, lambda _: None)
    return lambda: run.take_step(0.1)


def ceiling_flops() -> float:
    """fp32 multiply-adds a second of a 2048 x 2048 matrix product, times two."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    best = min(seconds_of(lambda: a @ b) for _ in range(10))
    return 2 * 2048**3 / best


def main() -> None:
    """Print every figure."""
    images = torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as place:
        jobs = {"plain_fp32_default": plain_loop(images)}
        jobs |= {f"ours_{p}_channels_last": our_loop(images, p, Path(place)) for p in ("fp32", "bf16")}
        times: dict[str, list[float]] = {name: [] for name in jobs}
        for round_ in range(ROUNDS + 2):
            for name, job in jobs.items():
                seconds = seconds_of(job)
                if round_ >= 2:
                    times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    figures: dict[str, float] = {"threads": torch.get_num_threads()}
    figures |= {f"{name}_images_per_s": BATCH / seconds for name, seconds in medians.items()}
    plain = medians["plain_fp32_default"]
    figures |= {f"{name}_speedup": plain / seconds for name, seconds in medians.items() if name.startswith("ours")}
    flops, ceiling = 6 * FORWARD_MACS * BATCH, ceiling_flops()
    figures["ceiling_fp32_gflops"] = ceiling / 1e9
    figures |= {f"{name}_share_of_fp32_ceiling": flops / seconds / ceiling for name, seconds in medians.items()}
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:44} {value:.3g}")


if __name__ == "__main__":
    main()

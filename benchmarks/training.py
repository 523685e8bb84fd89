"""Training throughput of the `cnn`, ours against a plain loop, and the limit: `python benchmarks/training.py [--json]`.

Steps of both run in turn (A B A B …), medians are compared. The plain loop is what scripts of this field do: fp32, the
default layout, a DataLoader over images in memory. The ceilings are wide convolutions, measured in this run.
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
        optimiser=OptimiserRecipe(batch=BATCH, precision=precision),  # type: ignore[arg-type]
    )
    loop.open_data = lambda name: ImageSet(name, [str(i) for i in range(len(images))], images.__getitem__)
    fabric = loop.make_fabric(recipe.optimiser.precision)
    run = loop.Run(fabric, recipe, folder / f"{precision}.safetensors", None, False, None, lambda _: None)
    return lambda: run.take_step(0.1)


def ceiling_flops(dtype: torch.dtype) -> float:
    """FLOP/s of a 5x5 convolution of 128 features, wide enough to keep the cores busy."""
    layer = torch.nn.Conv2d(128, 128, 5, padding=2).to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    features = torch.rand(64, 128, 16, 16).to(dtype).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        best = min(seconds_of(lambda: layer(features)) for _ in range(10))
    return 2 * 64 * 16 * 16 * 128 * 128 * 25 / best


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
    ceilings = {"fp32": ceiling_flops(torch.float32), "bf16": ceiling_flops(torch.bfloat16)}
    figures |= {f"ceiling_{name}_gflops": value / 1e9 for name, value in ceilings.items()}
    for name, seconds in medians.items():
        kind = "bf16" if "bf16" in name else "fp32"
        figures[f"{name}_share_of_{kind}_ceiling"] = 6 * FORWARD_MACS * BATCH / seconds / ceilings[kind]
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:44} {value:.3g}")


if __name__ == "__main__":
    main()

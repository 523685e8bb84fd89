"""The loop learns, repeats itself, and stops where it must."""

import math
from pathlib import Path

import pytest
import torch

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models import Cnn, Linear
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.training import loop
from deepjscc.training.batches import Batches
from deepjscc.training.loop import Progress, build_link, draw_snr_db, train
from deepjscc.training.losses import LOSSES
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelRecipe, OptimiserRecipe, Recipe

CIFAR = Recipe(
    model=ModelRecipe("cnn", {"filters": 4}),
    data=DataRecipe("cifar10-train", validation="cifar10", validation_images=4),
    optimiser=OptimiserRecipe(batch=20, epochs=3, warmup_steps=2, precision="fp32"),
)


def test_two_runs_are_one(fake_cifar10: Path, tmp_path: Path) -> None:
    said: list[Progress] = []
    train(CIFAR, tmp_path / "a.safetensors", say=said.append)
    train(CIFAR, tmp_path / "b.safetensors")
    first, second = (load_checkpoint(tmp_path / f"{name}.safetensors").state_dict() for name in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [progress.epoch for progress in said] == [1, 2, 3]
    assert said[-1].share == 1
    assert all(progress.validation_psnr_db and progress.validation_psnr_db > 5 for progress in said)


def test_it_learns_photographs(tmp_path: Path) -> None:
    recipe = Recipe(
        model=ModelRecipe("cnn", {"filters": 16}),
        data=DataRecipe("samples", crop=32),
        channel=ChannelRecipe(snr_db=(5.0, 15.0)),
        optimiser=OptimiserRecipe(batch=4, epochs=150, clip_norm=1.0, precision="fp32"),
    )
    said: list[Progress] = []
    train(recipe, tmp_path / "x.safetensors", say=said.append)
    assert sum(p.loss for p in said[-20:]) < 0.5 * sum(p.loss for p in said[:20])


def test_a_time_budget_ends_annealed(fake_cifar10: Path, tmp_path: Path) -> None:
    said: list[Progress] = []
    train(CIFAR, tmp_path / "a.safetensors", minutes=0.02, say=said.append)
    assert said[-1].share == 1
    assert len(said) > 3  # the clock, not the epochs, ended it


def test_a_broken_loss_stops_and_keeps_the_last_good_weights(
    fake_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def breaks(images: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return (images - decoded).square().mean() * (math.nan if len(calls) > 7 else 1)

    monkeypatch.setitem(loop.LOSSES, "mse", breaks)
    with pytest.raises(DeepJSCCError, match="nan at step 7"):
        train(CIFAR, tmp_path / "a.safetensors")
    assert load_checkpoint(tmp_path / "a.safetensors").config["filters"] == 4


def test_snr_is_fixed_or_drawn_per_image() -> None:
    draws = torch.Generator().manual_seed(0)
    assert draw_snr_db(CIFAR, 5, draws).tolist() == [10.0] * 5
    ranged = Recipe(CIFAR.model, CIFAR.data, ChannelRecipe(snr_db=(-2.0, 20.0)))
    drawn = draw_snr_db(ranged, 1000, draws)
    assert -2 <= drawn.min() < -1 < 19 < drawn.max() <= 20


def test_batches_hold_every_image_once(fake_cifar10: Path, draws: torch.Generator) -> None:
    from deepjscc.data import open_data

    batches = Batches(open_data("cifar10-train"), 20, None, draws)
    seen = [image for batch in batches for image in batch]
    assert len(batches) == 5
    assert len({round(image.sum().item(), 3) for image in seen}) == 100


def test_batches_that_cannot_be(tmp_path: Path, draws: torch.Generator) -> None:
    from deepjscc.data import open_data

    data = open_data("samples")
    with pytest.raises(UsageError, match="fewer than a batch"):
        Batches(data, 5, 32, draws)
    with pytest.raises(UsageError, match="several sizes"):
        Batches(data, 2, None, draws)
    with pytest.raises(UsageError, match="smaller than the crop"):
        Batches(data, 2, 4000, draws)


def test_losses_against_their_formulas() -> None:
    images, decoded = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    decoded[0] += 0.1
    decoded[1] += 0.01
    assert LOSSES["mse"](images, decoded).item() == pytest.approx((0.01 + 0.0001) / 2)
    expected = (math.log(0.01 + 1e-6) + math.log(0.0001 + 1e-6)) / 2
    assert LOSSES["log_mse"](images, decoded).item() == pytest.approx(expected, rel=1e-4)


def test_warm_start_takes_over_what_is_in_common(tmp_path: Path) -> None:
    given = Cnn(filters=6)
    save_checkpoint(given, tmp_path / "x.safetensors")
    for filters in (3, 6, 9):
        recipe = Recipe(ModelRecipe("cnn", {"filters": filters}, str(tmp_path / "x.safetensors")), CIFAR.data)
        model = build_link(recipe).model
        common = min(filters, 6)
        assert torch.equal(model.encoder[0].weight, given.encoder[0].weight)
        assert torch.equal(model.encoder[8].weight[:common], given.encoder[8].weight[:common])
        assert torch.equal(model.decoder[0].weight[:common], given.decoder[0].weight[:common])
    save_checkpoint(Linear(block=4), tmp_path / "y.safetensors")
    with pytest.raises(UsageError, match="weights of a linear"):
        build_link(Recipe(ModelRecipe("cnn", {}, str(tmp_path / "y.safetensors")), CIFAR.data))

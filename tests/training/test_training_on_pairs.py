"""Training on pairs: what a step sees, and that it goes through."""

from pathlib import Path

import pytest
import torch

from deepjscc.data import open_data
from deepjscc.errors import UsageError
from deepjscc.training.batches import Batches
from deepjscc.training.build import draw_pair_snr_db
from deepjscc.training.loop import train
from deepjscc.training.losses import ms_ssim
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelRecipe, OptimiserRecipe, Recipe


def _recipe(**options: object) -> Recipe:
    return Recipe(
        ModelRecipe("distributed", {"width": 12}),
        DataRecipe("stereo-train", validation="stereo-test", crop=(104, 104), cuts=2),
        ChannelRecipe(snr_db=(-3.0, 14.0), noiseless=0.5),
        optimiser=OptimiserRecipe(batch=2, epochs=1, precision="fp32", **options),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("loss", ["log_mse", "ms_ssim"])
def test_a_joint_model_trains(loss: str, fake_stereo: Path, tmp_path: Path) -> None:
    said = []
    link = train(_recipe(loss=loss), tmp_path / "m.safetensors", say=said.append)
    assert link.model.kind == "distributed"
    assert said[-1].validation_psnr_db is not None


def test_views_are_cut_alike_and_flipped_they_change_places(fake_stereo: Path) -> None:
    batches, flips = Batches(open_data("stereo-train"), 2, (40, 100), 0, cuts=4), set()
    for step in range(4):
        batch = batches[step]
        assert batch.shape == (2, 2, 3, 40, 100)
        for left, right in batch:
            # The scene moves 6 pixels to the left from the left to the right view, flipped or not.
            assert torch.equal(left[:, :, 6:], right[:, :, :-6])
            flips.add(any(torch.equal(left.flip(2), place) for place in _places(open_data("stereo-train"), 1)))
    assert flips == {True, False}


def _places(data, view: int) -> list[torch.Tensor]:
    windows = [data[index][view].float().unfold(1, 40, 1).unfold(2, 100, 1) for index in range(len(data))]
    return [w[:, i, j] / 255 for w in windows for i in range(w.shape[1]) for j in range(w.shape[2])]


def test_links_have_their_own_snr_and_a_share_has_no_noise() -> None:
    recipe = _recipe()
    snr_db = draw_pair_snr_db(recipe, recipe.channel, 4000, 0)
    assert torch.equal(snr_db, draw_pair_snr_db(recipe, recipe.channel, 4000, 0))
    noiseless = snr_db.isinf()
    assert (noiseless.sum(1) <= 1).all()
    assert noiseless.any(1).float().mean() == pytest.approx(0.5, abs=0.03)
    assert noiseless[:, 0].float().mean() == pytest.approx(0.25, abs=0.03)
    noisy = snr_db[~noiseless.any(1)]
    assert noisy.min() >= -3
    assert noisy.max() <= 14
    assert abs(torch.corrcoef(noisy.T)[0, 1]) < 0.05


def test_ms_ssim_as_a_loss(coffee: torch.Tensor) -> None:
    from deepjscc.metrics import ms_ssim as measured

    images = coffee[None, :, :192, :192].float() / 255
    noisy = (images + 0.1 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    assert ms_ssim(images, noisy).item() == pytest.approx(1 - measured(images, noisy).item(), abs=2e-3)
    small = (images[..., :128, :], noisy[..., :128, :])
    assert ms_ssim(*small).item() == pytest.approx(1 - measured(*small, window=7).item(), abs=2e-3)
    with pytest.raises(UsageError, match="at least 97 pixels, not 64"):
        ms_ssim(images[..., :64, :], noisy[..., :64, :])


def test_bad_recipes() -> None:
    with pytest.raises(UsageError, match="noiseless"):
        ChannelRecipe(noiseless=1.5)
    with pytest.raises(UsageError, match="crop"):
        DataRecipe("stereo-train", crop=(0, 5))

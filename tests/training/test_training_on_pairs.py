"""Training on pairs: what a step sees, and that it goes through."""

from pathlib import Path

import pytest
import torch

from deepjscc.data import PairSet, open_data
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
    link = train(_recipe(loss=loss), tmp_path / "m.safetensors", on_progress=said.append)
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


def test_unrelated_and_layered_pairs_are_a_function_of_the_step() -> None:
    photographs = open_data("samples")
    stereo = _made_pairs()
    options = {"unrelated": 0.5, "layered": (photographs, 0.5)}
    batches = Batches(stereo, 4, (32, 64), 0, **options)  # type: ignore[arg-type]
    plain = Batches(stereo, 4, (32, 64), 0)
    assert torch.equal(batches[3], batches[3])
    changed = [not torch.equal(batches[step][place], plain[step][place]) for step in range(4) for place in range(4)]
    assert 6 < sum(changed) < 16  # three quarters of them, about
    halves = [Batches(stereo, 4, (32, 64), 0, rank=rank, world=2, **options)[1] for rank in (0, 1)]  # type: ignore[arg-type]
    assert torch.equal(torch.cat(halves), batches[1])


def test_unrelated_pairs_need_pairs() -> None:
    with pytest.raises(UsageError, match="for data sets of pairs"):
        Batches(open_data("samples"), 1, (32, 32), 0, unrelated=0.5)
    with pytest.raises(UsageError, match="from 0 to 1"):
        DataRecipe("stereo-train", unrelated=2.0)
    with pytest.raises(UsageError, match="give both"):
        DataRecipe("stereo-train", layered="samples")


def _made_pairs() -> PairSet:
    draws = torch.Generator().manual_seed(0)
    made = torch.randint(256, (4, 2, 3, 48, 80), generator=draws, dtype=torch.uint8)
    return PairSet("made", [str(index) for index in range(4)], made.__getitem__)

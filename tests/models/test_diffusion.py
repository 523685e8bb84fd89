"""`diffusion`: at the start of its sampling, its loss, any size; the refiner behind a link, and the links it is for."""

from pathlib import Path

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from deepjscc.channels import AWGN
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models import Cnn
from deepjscc.models.checkpoint import load_checkpoint, load_refiner, save_checkpoint
from deepjscc.models.diffusion import LEVEL_DB, SLOPE, Diffusion, _times
from deepjscc.systems import Link
from deepjscc.systems.names import make_system
from deepjscc.systems.refined import Refined
from deepjscc.zoo import weights_hash

SMALL = {"width": 8, "depth": 2}


@pytest.fixture
def small() -> Diffusion:
    torch.manual_seed(0)
    return Diffusion(**SMALL).eval()


def silent(refiner: Diffusion) -> Diffusion:
    """One that takes every velocity for 0."""
    with torch.no_grad():
        for weight in refiner.network.conv_out.parameters():
            weight.zero_()
    return refiner


def test_residuals_are_on_the_scale_of_what_a_link_leaves() -> None:
    """Silent, its loss is the mean square of a velocity: 1 for a residual as large as told, whatever the time."""
    refiner, draws = silent(Diffusion(**SMALL)), torch.Generator().manual_seed(0)
    first = torch.full((64, 3, 16, 16), 0.5)
    for snr_db in (0.0, 20.0):
        off = 10 ** (-(LEVEL_DB + SLOPE * snr_db) / 20)
        images = first + off * torch.randn(first.shape, generator=draws)
        assert refiner.guess(images, first, torch.full((64,), snr_db), draws)[0].item() == pytest.approx(1, abs=0.02)


def test_one_step_is_what_the_network_says_of_pure_noise(small: Diffusion) -> None:
    """At the last time the noisy residual is all noise, and minus the velocity is the residual."""
    first, snr_db = torch.rand(1, 3, 16, 16), torch.tensor([20.0])
    noise = torch.randn(first.shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        residual = -small.velocity(noise, first, torch.tensor([999]), snr_db)
    expected = (first + residual * 10 ** (-(LEVEL_DB + SLOPE * 20) / 20)).clamp(0, 1)
    refined = small.refine(first, snr_db, 1, torch.Generator().manual_seed(3))
    assert torch.allclose(refined, expected, atol=1e-3)


def test_the_right_velocity_guesses_the_original(small: Diffusion, monkeypatch: pytest.MonkeyPatch) -> None:
    images, first, snr_db = torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16), torch.full((4,), 5.0)
    told: dict[str, torch.Tensor] = {}

    def velocity_of(residual: torch.Tensor, noise: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        kept = small.forward_process.alphas_cumprod[times][:, None, None, None]
        told["right"] = kept.sqrt() * noise - (1 - kept).sqrt() * residual
        return told["right"]

    monkeypatch.setattr(small.forward_process, "get_velocity", velocity_of)
    monkeypatch.setattr(small, "velocity", lambda *_: told["right"])
    error, guessed = small.guess(images, first, snr_db, torch.Generator().manual_seed(0))
    assert error.item() == 0
    assert torch.allclose(guessed, images, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (17, 30)])
def test_any_size_and_the_same_draws_the_same_picture(small: Diffusion, size: tuple[int, int]) -> None:
    first, snr_db = torch.rand(2, 3, *size), torch.tensor([0.0, 300.0])
    twice = [small.refine(first, snr_db, 3, torch.Generator().manual_seed(1)) for _ in range(2)]
    assert twice[0].shape == first.shape
    assert torch.equal(*twice)
    assert not torch.equal(twice[0], small.refine(first, snr_db, 3, torch.Generator().manual_seed(2)))


@torch.no_grad()
def test_a_step_is_that_of_diffusers_where_theirs_are_even(small: Diffusion) -> None:
    theirs = DDIMScheduler.from_config(
        small.forward_process.config, clip_sample=False, timestep_spacing="trailing", set_alpha_to_one=True
    )
    theirs.set_timesteps(5)
    noisy, first, snr_db = torch.randn(2, 3, 16, 16), torch.rand(2, 3, 16, 16), torch.tensor([0.0, 10.0])
    for time, later in ((799, 599), (199, None)):
        velocity = small.velocity(noisy, first, torch.full((2,), time), snr_db)
        expected = theirs.step(velocity, time, noisy).prev_sample
        assert torch.allclose(small._ddim_step(noisy, first, snr_db, time, later), expected, atol=1e-4)


def test_steps_but_the_first_are_even() -> None:
    assert _times(1) == [999]
    assert _times(5) == [999, 400, 300, 200, 100]
    assert len(set(_times(400))) == 400
    assert _times(1000) == [999, *range(999, 0, -1)]


@pytest.mark.parametrize("steps", [0, 1001])
def test_steps_it_cannot_make(small: Diffusion, steps: int) -> None:
    with pytest.raises(UsageError, match="1 to 1000 steps"):
        small.refine(torch.rand(1, 3, 16, 16), torch.tensor([0.0]), steps)


def test_behind_a_link_it_changes_the_picture_and_costs_no_symbol(small: Diffusion) -> None:
    link = Link(Cnn(filters=4).eval(), AWGN())
    images, snr_db = torch.rand(1, 3, 32, 32), torch.tensor([10.0])
    plain = link.transmit(images, snr_db, generator=torch.Generator().manual_seed(0))
    refined = Refined(link, small, 2).transmit(images, snr_db, generator=torch.Generator().manual_seed(0))
    assert refined.channel_uses.equal(plain.channel_uses)
    assert not torch.equal(refined.images, plain.images)


def test_by_name_only_behind_the_links_it_was_trained_for(tmp_path: Path) -> None:
    path = tmp_path / "refiner.safetensors"
    name = "cnn-c8-awgn-13db"
    save_checkpoint(Diffusion(**SMALL, refines={name: weights_hash(name)}), path)
    assert load_refiner(path).refines == {name: weights_hash(name)}
    system = make_system(f"{name}@{path}=3", AWGN())
    assert isinstance(system.system, Refined)
    assert system.system.steps == 3
    with pytest.raises(UsageError, match="not trained for cnn-c16-awgn-10db"):
        make_system(f"cnn-c16-awgn-10db@{path}", AWGN())
    with pytest.raises(DeepJSCCError, match="not a checkpoint of a model known here"):
        load_checkpoint(path)
    with pytest.raises(UsageError, match="is a link of its own"):
        make_system(f"{name}@linear", AWGN())
    with pytest.raises(UsageError, match="not a whole number"):
        make_system(f"{name}@{path}=many", AWGN())

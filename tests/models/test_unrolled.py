"""`unrolled` and its iterations: what the steps do without networks, stopping early, what a training step draws."""

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.errors import UsageError
from deepjscc.models import Unrolled, UnrolledLinear
from deepjscc.models.unrolled import IteratedJSCC
from deepjscc.systems import Link
from deepjscc.types import Received


def test_it_is_as_small_as_the_report_says_at_its_true_ratio() -> None:
    for channels, ratio in ((12, 1 / 32), (48, 1 / 8)):
        model = Unrolled(channels=channels)
        assert sum(weight.numel() for weight in model.parameters()) < 2.6e6
        assert model.uses((512, 768)) / (3 * 512 * 768) == ratio
        assert UnrolledLinear(channels=channels).uses((512, 768)) / (3 * 512 * 768) == pytest.approx(ratio, rel=1e-3)
    assert sum(weight.numel() for weight in UnrolledLinear().parameters()) < 2.6e6
    assert sum(weight.numel() for weight in Unrolled().steps.denoisers[0].parameters()) == pytest.approx(50e3, rel=0.1)


def latents(model: Unrolled, received: torch.Tensor) -> list[torch.Tensor]:
    """What goes into the network that makes the picture, after each number of steps."""
    seen: list[torch.Tensor] = []
    handle = model.from_latent.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for count in range(1, len(model.steps.denoisers) + 1):
        model.stopped_after(count).decode(
            Received(received, torch.ones(received.shape), None, torch.tensor([0.0])), (16, 16)
        )
    handle.remove()
    return seen


@torch.no_grad()
def test_without_networks_the_steps_are_gradient_descent() -> None:
    """From 0 with step size a, after k steps z_k = (1 - (1 - a)^k) y; from y the first gradients vanish."""
    draws = torch.Generator().manual_seed(0)
    received = torch.complex(*torch.randn(2, 1, 24, generator=draws))
    for count, latent in enumerate(latents(Unrolled(channels=12, width=4), received), 1):
        share = latent.flatten() / latents(Unrolled(channels=12, width=4, start="received"), received)[0].flatten()
        assert torch.allclose(share, torch.full_like(share, 1 - 0.5**count), atol=1e-5)


@torch.no_grad()
def test_stopping_early_is_a_shorter_network() -> None:
    torch.manual_seed(0)
    model = UnrolledLinear(width=4, steps=3)
    for weight in model.parameters():
        weight.add_(0.05 * torch.randn(weight.shape))
    shorter = UnrolledLinear(width=4, steps=2)
    shorter.load_state_dict(model.state_dict() | {"steps.sizes": model.steps.sizes[:2]}, strict=False)
    images, snr_db = torch.rand(1, 3, 32, 32), torch.tensor([5.0])
    pictures = [
        Link(each.eval(), AWGN()).transmit(images, snr_db, generator=torch.Generator().manual_seed(1)).images
        for each in (model.stopped_after(2), shorter, model)
    ]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])


@pytest.mark.parametrize("count", [0, 7])
def test_steps_it_does_not_have(count: int) -> None:
    with pytest.raises(UsageError, match="1 to 6 steps"):
        Unrolled(channels=12, width=2).stopped_after(count)


def test_training_draws_every_number_of_steps_or_the_last() -> None:
    def made(model: IteratedJSCC) -> set[int]:
        draws = torch.Generator().manual_seed(0)
        return {model.sample_training_variant(draws).steps.made for _ in range(100)}

    assert made(Unrolled(channels=12, width=2, steps=4)) == {1, 2, 3, 4}
    assert made(Unrolled(channels=12, width=2, steps=4, usable="last")) == {4}


def test_a_training_step_reaches_the_weights_of_the_model_itself() -> None:
    model = Unrolled(channels=12, width=2, steps=2)
    images = torch.rand(1, 3, 16, 16)
    sent = Link(model, AWGN()).transmit(images, torch.tensor([5.0]), generator=torch.Generator().manual_seed(0))
    sent.images.sum().backward()
    assert model.to_image.weight.grad is not None
    assert model.steps.sizes.grad is not None

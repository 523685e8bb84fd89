"""`adaptive`: the report's size and rate; rates by masking; the SNR tells; images in a batch are strangers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepjscc.channels import AWGN
from deepjscc.errors import DeepJSCCWarning, UsageError
from deepjscc.models import Adaptive
from deepjscc.symbols import mean_power
from deepjscc.systems import Link
from deepjscc.types import LinkPlan


@pytest.fixture(params=["gate", "film"])
def small(request: pytest.FixtureRequest) -> Adaptive:
    torch.manual_seed(0)
    model = Adaptive(width=4, latent=12, conditioning=request.param)
    with torch.no_grad():  # what begins at zero says something
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
    return model.eval()


def test_it_is_as_large_as_its_description() -> None:
    """The report says 17.5 M; four 5x5 convolutions and eight residual blocks a side of its widths are fewer."""
    assert sum(weight.numel() for weight in Adaptive().parameters()) == pytest.approx(13.5e6, rel=0.01)
    assert Adaptive().uses((512, 768)) / (3 * 512 * 768) == 1 / 8


@pytest.mark.parametrize("ratio", [1 / 384, 3 / 384, 1 / 128])
def test_lower_rates_send_the_first_channels(small: Adaptive, ratio: float) -> None:
    images, snr_db = torch.rand(1, 3, 64, 48), torch.tensor([7.0])
    whole = small.encode(images, LinkPlan(snr_db)).symbols
    sent = small.encode(images, LinkPlan(snr_db, ratio)).symbols
    assert sent.shape[1] / (3 * 64 * 48) == pytest.approx(ratio)
    direction = whole[:, : sent.shape[1]]
    assert torch.allclose(sent, direction / mean_power(direction).sqrt(), atol=1e-5)


@pytest.mark.parametrize("ratio", [1 / 4, 1 / 5000])
def test_a_rate_it_cannot_make_is_refused(small: Adaptive, ratio: float) -> None:
    with pytest.raises(UsageError, match="ratios up to"):
        small.encode(torch.rand(1, 3, 32, 32), LinkPlan(torch.tensor([7.0]), ratio))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([-100.0, 0.0, 100.0, float("inf")]))
def test_any_size_and_snr(height: int, width: int, snr_db: float) -> None:
    model = Adaptive(width=2, latent=4).eval()
    images = torch.rand(2, 3, height, width)
    sent = Link(model, AWGN()).transmit(images, torch.full((2,), snr_db))
    assert sent.images.shape == images.shape
    assert sent.images.isfinite().all()


@torch.no_grad()
def test_the_snr_tells_and_strangers_do_not_meet(small: Adaptive) -> None:
    images = torch.rand(1, 3, 32, 32).expand(2, -1, -1, -1)
    symbols = small.encode(images, LinkPlan(torch.tensor([0.0, 15.0]))).symbols
    assert not torch.allclose(symbols[0], symbols[1], atol=1e-3)
    assert torch.allclose(mean_power(symbols), torch.ones(2), atol=1e-5)
    assert torch.allclose(small.encode(images[1:], LinkPlan(torch.tensor([15.0]))).symbols[0], symbols[1], atol=1e-5)


@torch.no_grad()
def test_outside_what_it_was_trained_for_it_is_told_the_nearest(small: Adaptive) -> None:
    images = torch.rand(1, 3, 32, 32)
    with pytest.warns(DeepJSCCWarning, match="conditioned on the nearest"):
        far = small.encode(images, LinkPlan(torch.tensor([60.0]))).symbols
    edge = small.encode(images, LinkPlan(torch.tensor([20.0]))).symbols
    assert torch.equal(far, edge)


def test_a_variational_latent_is_drawn_in_training_alone_and_held_to_a_unit_gaussian() -> None:
    torch.manual_seed(0)
    model = Adaptive(width=2, latent=4, variational=True)
    images, snr_db = torch.rand(1, 3, 32, 32), torch.tensor([10.0])
    link = Link(model, AWGN())

    def sent() -> torch.Tensor:
        return link.transmit(images, snr_db, generator=torch.Generator().manual_seed(0)).images

    trained = sent()
    assert torch.equal(sent(), trained)  # the draws come from the generator
    model.eval()
    assert not torch.allclose(sent(), trained)
    with torch.no_grad():  # mean 0 and deviation 1 everywhere: nothing to pay
        for weight in model.encoder.stages[-1].parameters():
            weight.zero_()
    assert model.penalty(images, snr_db).item() == 0
    assert Adaptive(width=2, latent=4).penalty(images, snr_db).item() == 0

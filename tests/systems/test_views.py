"""Pairs over two links: each view over its own channel, and what happens when one of them fails."""

from dataclasses import replace

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.channels.output import ChannelOutput
from deepjscc.digital import CODECS
from deepjscc.errors import DeepJSCCWarning
from deepjscc.models import Cnn, Distributed, Residual
from deepjscc.systems import Digital, Link, make_link


@pytest.fixture
def model() -> Distributed:
    torch.manual_seed(0)
    model = Distributed(width=24)
    for weight in model.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval()


@pytest.fixture
def pairs() -> torch.Tensor:
    return torch.rand(3, 2, 3, 32, 64, generator=torch.Generator().manual_seed(1))


NOISELESS = torch.full((3, 2), torch.inf)


@torch.no_grad()
def test_shapes_uses_and_ratio(model: Distributed, pairs: torch.Tensor) -> None:
    sent = Link(model, AWGN()).transmit(pairs, torch.tensor([[1.0, 9.0]] * 3))
    assert sent.images.shape == pairs.shape
    assert sent.channel_uses.tolist() == [[320, 320]] * 3
    assert sent.bandwidth_ratio.unique().tolist() == [320 / (3 * 32 * 64)]
    assert sent.delivered.all()
    assert ((sent.images >= 0) & (sent.images <= 1)).all()


@torch.no_grad()
def test_swapping_the_views_swaps_the_outputs(model: Distributed, pairs: torch.Tensor) -> None:
    link = Link(model, AWGN())
    sent = link.transmit(pairs, NOISELESS).images
    assert torch.allclose(link.transmit(pairs.flip(1), NOISELESS).images, sent.flip(1), atol=1e-5)


@torch.no_grad()
def test_pairs_in_a_batch_are_strangers(model: Distributed, pairs: torch.Tensor) -> None:
    link = Link(model, AWGN())
    sent = link.transmit(pairs, NOISELESS).images
    assert torch.allclose(link.transmit(pairs[1:2], NOISELESS[1:2]).images, sent[1:2], atol=1e-5)


class Meter(AWGN):
    """An AWGN channel that keeps what went through it."""

    def forward(self, symbols, snr_db, *, gain=None, generator=None) -> ChannelOutput:
        self.sent, self.received = symbols, super().forward(symbols, snr_db, gain=gain, generator=generator)
        return self.received


@torch.no_grad()
def test_each_link_has_its_own_snr_and_noise(model: Distributed) -> None:
    meter, snr_db = Meter(), torch.tensor([[-3.0, 10.0]])
    Link(model, meter).transmit(torch.rand(1, 2, 3, 256, 256), snr_db, generator=torch.Generator().manual_seed(0))
    noise = meter.received.symbols - meter.sent
    measured = 10 * (meter.sent.abs().square().mean(1) / noise.abs().square().mean(1)).log10()
    assert torch.allclose(measured, snr_db[0], atol=0.15)
    correlation = (noise[0] * noise[1].conj()).mean().abs() / (noise[0].abs() * noise[1].abs()).mean()
    assert correlation < 0.03


class Broken(AWGN):
    """A channel from which the right views come as no numbers."""

    def forward(self, symbols, snr_db, *, gain=None, generator=None) -> ChannelOutput:
        received = super().forward(symbols, snr_db, gain=gain, generator=generator)
        symbols = received.symbols.clone()
        symbols[1::2, 5] = torch.nan
        return replace(received, symbols=symbols)


@torch.no_grad()
def test_a_view_that_is_no_number_is_not_delivered_and_the_other_is(model: Distributed, pairs: torch.Tensor) -> None:
    sent = Link(model, Broken()).transmit(pairs, torch.full((3, 2), 5.0), generator=torch.Generator().manual_seed(0))
    assert sent.delivered.tolist() == [[True, False]] * 3
    assert sent.images.isfinite().all()
    assert torch.allclose(sent.images[0, 1], pairs[0, 1].mean((1, 2), keepdim=True).expand(3, 32, 64))
    assert sent.images[:, 0].std() > 0.01


@torch.no_grad()
def test_a_picture_of_nan_harms_only_itself(model: Distributed, pairs: torch.Tensor) -> None:
    pairs[0, 0, 1, 3, 3] = torch.nan
    sent = Link(model, Rayleigh("symbol")).transmit(pairs, torch.full((3, 2), 5.0))
    assert sent.delivered.tolist() == [[False, True], [True, True], [True, True]]
    assert sent.images.isfinite().all()


@torch.no_grad()
def test_an_snr_without_a_token_warns(model: Distributed, pairs: torch.Tensor) -> None:
    with pytest.warns(DeepJSCCWarning, match="outside -3 to 14 dB"):
        Link(model, AWGN()).transmit(pairs, torch.tensor([[5.0, 20.0]] * 3))


@torch.no_grad()
def test_any_system_takes_pairs(model: Distributed, pairs: torch.Tensor) -> None:
    digital = Link(Digital(CODECS["webp"](), AWGN()), AWGN(), bandwidth_ratio=1 / 6)
    residual = make_link(Residual(2, 4).eval(), AWGN())
    for system in (Link(Cnn(), AWGN()), residual, Link(model, AWGN()), digital):
        sent = system.transmit(pairs, torch.full((3, 2), 10.0), generator=torch.Generator().manual_seed(0))
        assert sent.images.shape == pairs.shape
        assert sent.delivered.shape == (3, 2)
    alone = digital.transmit(pairs[:, 0], torch.full((3,), 10.0)).images
    assert torch.equal(sent.images[:, 0], alone)

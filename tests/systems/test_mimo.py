"""Learned, digital and hybrid links over several antennas: unchanged, counted alike, and better where more is known."""

import pytest
import torch

from deepjscc.channels import Mimo
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models import Cnn
from deepjscc.systems import make_link
from deepjscc.systems.names import make_system
from deepjscc.types import Transmission

RATIO = 1 / 8


@pytest.fixture
def image(coffee: torch.Tensor) -> torch.Tensor:
    return to_float(coffee[:, 100:196, 200:328])


def send(name: str, channel: Mimo, image: torch.Tensor, snr_db: float, draws: int = 1) -> Transmission:
    system = make_system(name, channel, bandwidth_ratio=RATIO).system
    generators = [torch.Generator().manual_seed(seed) for seed in range(draws)]
    return system.transmit(image.expand(draws, -1, -1, -1), torch.full((draws,), snr_db), generator=generators)


def quality(name: str, channel: Mimo, image: torch.Tensor, snr_db: float, draws: int = 1) -> float:
    sent = send(name, channel, image, snr_db, draws)
    return psnr(image.expand(draws, -1, -1, -1), sent.images).mean().item()


@pytest.mark.parametrize("precoding", ["none", "svd"])
@pytest.mark.parametrize("name", ["linear", "universal-s", "webp+ideal", "webp+ideal+hybrid", "linear@256qam"])
def test_every_kind_of_link_goes_over_antennas(name: str, precoding: str, image: torch.Tensor) -> None:
    sent = send(name, Mimo(2, 2, precoding, "symbol"), image, 15.0)
    assert sent.delivered.all()
    assert sent.channel_uses.item() <= RATIO * image.numel()
    assert psnr(image, sent.images).item() > (27 if precoding == "svd" else 24)


def test_real_codes_go_over_antennas_bit_by_bit(image: torch.Tensor) -> None:
    system = make_system("webp+ldpc-fine@8dB", Mimo(2, 2, "svd"), bandwidth_ratio=RATIO, simulate=True).system
    sent = system.transmit(image, torch.tensor([30.0]), generator=torch.Generator().manual_seed(0))
    assert sent.delivered.all()


def test_a_transmitter_that_knows_the_channel_does_better(image: torch.Tensor) -> None:
    for snr_db in (0.0, 10.0):
        opened, closed = (
            quality("linear", Mimo(4, 4, precoding, "image"), image, snr_db, 6) for precoding in ("none", "svd")
        )
        assert closed > opened + 0.5


def test_pilots_are_counted_and_their_error_costs_little(image: torch.Tensor) -> None:
    perfect, estimated = (quality("linear", Mimo(2, 2, csi=csi), image, 10.0, 6) for csi in ("receiver", "estimated"))
    assert 0 < perfect - estimated < 1.0
    assert send("linear", Mimo(2, 2, csi="estimated"), image, 10.0).channel_uses.item() <= RATIO * image.numel()


def test_slow_fading_keeps_its_matrix_for_all_layers(image: torch.Tensor) -> None:
    """An ideal code of the ergodic capacity arrives just where that of the one matrix is larger."""
    channel, snr_db, arrived = Mimo(2, 2), torch.tensor([10.0]), []
    planned = channel.capacity(snr_db).item()
    for seed in range(8):
        gain = channel.draw_gain(1, 1, torch.Generator().manual_seed(seed))
        carries = channel.capacity(snr_db, gain).item() >= planned
        system = make_system("webp+ideal", channel, bandwidth_ratio=RATIO).system
        sent = system.transmit(image, snr_db, generator=torch.Generator().manual_seed(seed))
        assert bool(sent.delivered) == carries
        arrived.append(carries)
    assert set(arrived) == {True, False}


def test_codes_of_bits_meet_the_matrix_of_the_image() -> None:
    """A layer on uses of its own does not meet a new fade, whatever its length."""
    channel, gains = Mimo(2, 2), []

    class Watched(Mimo):
        def draw_gain(self, *args: object, **kwargs: object) -> torch.Tensor:
            gains.append(super().draw_gain(*args, **kwargs))
            return gains[-1]

    system = make_system("webp+ldpc-fine@0dB", Watched(2, 2), bandwidth_ratio=RATIO, simulate=True).system
    system.transmit(torch.full((1, 3, 64, 64), 0.5), torch.tensor([20.0]), generator=torch.Generator().manual_seed(0))
    assert len(gains) == 1
    assert channel.layer_snr(torch.tensor([10.0]), gains[0]) > 0


@pytest.mark.parametrize("precoding", ["none", "svd"])
def test_gradients_of_training_pass_antennas_and_filters(precoding: str) -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    link = make_link(Cnn(filters=4), Mimo(2, 2, precoding)).train()
    sent = link.transmit(images, torch.full((2,), 10.0), generator=torch.Generator().manual_seed(0))
    sent.images.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in link.model.parameters())
    assert sum(weight.grad.abs().sum() for weight in link.model.parameters()) > 0

"""Systems whose transmitter sends points of a finite constellation: what they send, what they cost, where they go."""

import math

import pytest
import torch
from PIL import Image

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.data.samples import sample_path
from deepjscc.digital.finite_constellation import FiniteConstellation
from deepjscc.errors import UsageError
from deepjscc.images import from_picture, to_float
from deepjscc.metrics import psnr
from deepjscc.models import Cnn
from deepjscc.systems import Link, make_link
from deepjscc.systems.constellation import ConstellationTransceiver
from deepjscc.systems.constellation_link import split_constellation
from deepjscc.systems.large import transmit_large
from deepjscc.systems.names import make_system
from deepjscc.systems.transceivers import known_transceivers, load_transceiver, transceiver_hash
from deepjscc.types import Encoded, LinkPlan, Received
from deepjscc.zoo import load

RATIO = 1 / 8


@pytest.fixture
def image(coffee: torch.Tensor) -> torch.Tensor:
    return to_float(coffee[:, 100:228, 200:328])


def quality(name: str, image: torch.Tensor, snr_db: float) -> float:
    """Mean PSNR in dB over four draws of the noise."""
    images, draws = image.expand(4, -1, -1, -1), torch.Generator().manual_seed(0)
    system = make_system(name, AWGN(), bandwidth_ratio=RATIO).system
    sent = system.transmit(images, torch.full((4,), snr_db), generator=draws)
    assert sent.delivered.all()
    assert (sent.channel_uses <= RATIO * image.numel()).all()
    return psnr(images, sent.images).mean().item()


@pytest.mark.parametrize("name", ["linear@64qam", "universal-s@1024qam-lloyd"])
def test_only_points_of_mean_power_one_are_sent(name: str, image: torch.Tensor) -> None:
    link = make_system(name, AWGN(), bandwidth_ratio=RATIO).system
    encoded = link.encode(image, torch.tensor([10.0]))
    points = torch.view_as_real(encoded.symbols).unique()
    assert len(points) == math.isqrt(split_constellation(name)[1].order)
    assert encoded.symbols.abs().square().mean().item() == pytest.approx(1, abs=0.03)


def test_finer_constellations_come_closer_to_the_analog_link(image: torch.Tensor) -> None:
    analog = quality("linear", image, 20.0)
    losses = [analog - quality(f"linear@{order}qam", image, 20.0) for order in (16, 256, 4096)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[0] > 2
    assert losses[2] < 0.35


@pytest.mark.parametrize(("order", "snr_db"), [(16, 20.0), (64, 0.0), (256, 15.0)])
def test_a_link_with_points_is_one_at_the_effective_snr(order: int, snr_db: float, image: torch.Tensor) -> None:
    effective_db = FiniteConstellation(order).effective_snr_db(torch.tensor([snr_db])).item()
    assert effective_db < snr_db
    analog = quality("linear", image, effective_db)
    assert quality(f"linear@{order}qam", image, snr_db) == pytest.approx(analog, abs=0.25)  # over other noise


def test_the_decoder_is_told_the_error_that_its_symbols_have(image: torch.Tensor) -> None:
    class Probe:
        def encode(self, images: torch.Tensor, plan: LinkPlan) -> Encoded:
            self.sent = load("linear").encode(images, plan)
            self.plan = plan
            return self.sent

        def receive(self, received: Received, size: tuple[int, int]) -> object:
            self.received = received
            return load("linear").receive(received, size)

    for channel in (AWGN(), Rayleigh("symbol")):
        probe = Probe()
        link = Link(ConstellationTransceiver(probe, FiniteConstellation(64)), channel, bandwidth_ratio=1 / 4)
        link.transmit(image, torch.tensor([15.0]), generator=torch.Generator().manual_seed(0))
        error = (probe.received.symbols - probe.sent.symbols).abs().square().mean().item()
        assert error == pytest.approx(probe.received.noise_variance.mean().item(), rel=0.05)
        assert probe.received.snr_db.item() == pytest.approx(-10 * math.log10(error), abs=0.3)
    assert probe.plan.design_snr_db.item() == pytest.approx(11.44, abs=0.05)  # 1 / ((1 + 0.0316) / 0.96256 - 1)


def test_images_of_unlike_length_do_not_depend_on_their_batch(image: torch.Tensor) -> None:
    flat = torch.full_like(image, 0.25)
    flat[..., :16, :16] = image[..., :16, :16]
    link = make_system("linear@256qam", AWGN(), bandwidth_ratio=RATIO).system
    both, snr = torch.cat([image, flat]), torch.tensor([10.0, 10.0])

    def draws() -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in (1, 2)]

    together = link.transmit(both, snr, generator=draws()).images
    for index, own in enumerate(draws()):
        alone = link.transmit(both[index, None], snr[:1], generator=[own]).images
        assert (alone - together[index]).abs().max() < 2e-3


def test_an_image_without_any_detail_keeps_its_colour() -> None:
    image = torch.full((1, 3, 64, 64), 0.3)
    link = make_system("linear@16qam", AWGN(), bandwidth_ratio=RATIO).system
    sent = link.transmit(image, torch.tensor([20.0]), generator=torch.Generator().manual_seed(0))
    assert psnr(image, sent.images).item() > 20


def test_a_hybrid_sends_points_too(image: torch.Tensor) -> None:
    link, small = (
        make_system("webp+ldpc-fine+hybrid@256qam", AWGN(), bandwidth_ratio=1 / 4).system,
        image[..., :64, :64],
    )
    sent = link.transmit(small, torch.tensor([10.0]), generator=torch.Generator().manual_seed(0))
    assert sent.layers == (("base", "analog"),)
    assert psnr(small, sent.images).item() > 25


def test_gradients_of_training_pass_the_rounding() -> None:
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    link = make_link(Cnn(filters=4), AWGN(), constellation=FiniteConstellation(16)).train()
    assert isinstance(link.model, Cnn)
    sent = link.transmit(images, torch.full((2,), 10.0), generator=torch.Generator().manual_seed(0))
    sent.images.square().mean().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in link.model.parameters())


def test_a_receiver_finds_them_by_their_hash() -> None:
    names = known_transceivers()
    assert names[transceiver_hash("linear@4096qam-lloyd")] == "linear@4096qam-lloyd"
    assert names[transceiver_hash("linear")] == "linear"
    assert load_transceiver("linear@64qam").supports_prefix is False


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("linear@4qam", "too small"),
        ("linear@128qam", "there is no 128qam"),
        ("hevc+ldpc-fine@64qam", "constellations of its channel code"),
        ("jpeg2000+ideal@64qam", "constellations of its channel code"),
        ("residual-l2-awgn-13db@64qam", "takes no constellation"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(name: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        make_system(name, AWGN(), bandwidth_ratio=1 / 6 if "+" in name or "linear" in name else None)
    assert "\n" not in str(refused.value)


def test_large_pictures_go_tile_by_tile() -> None:
    picture = Image.open(sample_path("coffee")).convert("RGB").resize((1600, 64))
    system = make_system("linear@256qam", AWGN(), bandwidth_ratio=RATIO).system
    assert not system.supports_tiles
    sent = transmit_large(system, picture, torch.tensor([15.0]), generator=torch.Generator().manual_seed(0))
    assert sent.delivered
    assert sent.channel_uses <= RATIO * 3 * 1600 * 64
    assert psnr(to_float(from_picture(picture)), to_float(from_picture(sent.picture))).item() > 24

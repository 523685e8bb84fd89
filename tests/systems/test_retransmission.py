"""Second tries: outage against the gamma distribution, maximum ratio combining against its SNR, and what is counted."""

import math

import pytest
import torch

from deepjscc.channels import AWGN, Channel, Rayleigh, make_channel
from deepjscc.errors import UsageError
from deepjscc.images import to_float
from deepjscc.systems import Link
from deepjscc.systems.names import make_system
from deepjscc.systems.retransmission import CombinedTries, RetransmittingLink, with_tries
from deepjscc.zoo import load


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    from deepjscc.data.samples import sample_path
    from deepjscc.images import read_image

    return to_float(read_image(sample_path("coffee"))[:, 100:164, 200:264])


def test_combined_tries_have_the_sum_of_their_snrs(draws: torch.Generator) -> None:
    gains, z = torch.tensor([0.5 + 0.5j, 1.0j, -0.3]), torch.ones(1, 200_000, dtype=torch.complex64)
    output = CombinedTries(Rayleigh(), gains)(z, torch.tensor([3.0]), generator=draws)
    assert output.gain is not None
    assert output.gain.abs().square().item() == pytest.approx(0.5 + 1 + 0.09)
    noise = output.symbols - output.gain * z
    assert noise.abs().square().mean().item() == pytest.approx(10 ** (-0.3), rel=0.02)
    assert output.noise_variance[0, 0].item() == pytest.approx(10 ** (-0.3))


def test_a_further_try_leaves_the_noise_of_those_before(draws: torch.Generator) -> None:
    z, snr = torch.ones(1, 50, dtype=torch.complex64), torch.tensor([3.0])
    gains = torch.tensor([1.0 + 0j, 0.5j])

    def received(count: int) -> torch.Tensor:
        channel = CombinedTries(Rayleigh(), gains[:count])
        output = channel(z, snr, generator=torch.Generator().manual_seed(5))
        assert output.gain is not None
        return output.symbols * output.gain

    first = Rayleigh()(z, snr, gain=gains[:1, None], generator=None).symbols  # of another noise: only the shape
    assert first.shape == received(1).shape
    second_alone = received(2) - received(1)
    assert (second_alone - 0.25).abs().square().mean().item() == pytest.approx(0.25 * 10 ** (-0.3), rel=0.6)


def test_outage_of_an_ideal_code_planned_for_the_average(images: torch.Tensor) -> None:
    """It is lost where the gains together are below 1: P(sum of t exponentials < 1) is that of a gamma distribution."""
    link = make_system("webp+ideal", Rayleigh(), bandwidth_ratio=1 / 4).system
    system, count = with_tries(link, 3, None), 200
    needed = []
    for seed in range(count):
        sent = system.transmit(
            images[..., :32, :32], torch.tensor([10.0]), generator=torch.Generator().manual_seed(seed)
        )
        assert sent.channel_uses.item() == sent.tries[0] * 3 * 32 * 32 // 4
        needed.append(sent.tries[0] if bool(sent.delivered) else 4)
    for tries, outage in ((1, 0.632), (2, 0.264), (3, 0.0803)):
        lost = sum(one > tries for one in needed) / count
        assert lost == pytest.approx(outage, abs=3 * math.sqrt(outage * (1 - outage) / count))


def test_an_analog_code_stops_when_its_estimate_is_good_enough(images: torch.Tensor) -> None:
    link, snr = Link(load("linear"), Rayleigh(), bandwidth_ratio=1 / 4), torch.tensor([8.0])
    system = RetransmittingLink(link, 4, enough_db=24.0)
    for seed in range(12):
        sent = system.transmit(images, snr, generator=torch.Generator().manual_seed(seed))
        (estimated_db,), (count,) = sent.estimated_psnr_db, sent.tries
        assert estimated_db is not None
        assert estimated_db >= 24 or count == 4
    assert RetransmittingLink(link, 4).transmit(images, snr).tries == (1,)  # any picture is good enough


def test_images_of_a_batch_have_their_own_tries(images: torch.Tensor) -> None:
    system = with_tries(make_system("webp+ideal", Rayleigh(), bandwidth_ratio=1 / 4).system, 5, None)
    batch, snr = images.expand(8, -1, -1, -1), torch.full((8,), 10.0)
    sent = system.transmit(batch, snr, generator=torch.Generator().manual_seed(1))
    assert len(set(sent.tries)) > 1
    assert sent.channel_uses.tolist() == [count * math.floor(images.numel() / 4) for count in sent.tries]


@pytest.mark.parametrize("channel", [AWGN(), Rayleigh("symbol"), Rayleigh(csi="none")])
def test_channels_on_which_a_second_try_means_something_else_are_refused(channel: Channel) -> None:
    with pytest.raises(UsageError, match="slow fading whose gain the receiver knows"):
        RetransmittingLink(Link(load("linear"), channel), 2)


def test_several_antennas_are_refused() -> None:
    with pytest.raises(UsageError, match="one antenna at each end"):
        RetransmittingLink(Link(load("linear"), make_channel("mimo")), 2)


def test_bad_numbers_are_refused() -> None:
    link = Link(load("linear"), Rayleigh())
    for tries in (0, 101):
        with pytest.raises(UsageError, match="1 to 100 times"):
            RetransmittingLink(link, tries)
    with pytest.raises(UsageError, match="no PSNR"):
        RetransmittingLink(link, 2, enough_db=-3.0)
    assert with_tries(link, 1, None) is link
    with pytest.raises(UsageError, match="needs second tries"):
        with_tries(link, 1, 30.0)

"""Layers over a channel: superposition, subtraction and what a lost layer leaves, against theory."""

import math

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh
from deepjscc.digital import Ideal
from deepjscc.digital.coding import sinr_db
from deepjscc.digital.fine_ldpc import FineLDPC
from deepjscc.systems.transport import send_over
from deepjscc.types import DigitalLayer, Encoded, IdealCode

USES, SHARE = 20_000, 0.1


def superposed(coding: Ideal | FineLDPC, design_snr_db: float, header: bytes = b"abc") -> Encoded:
    """One image: a header beside, and a base under Gaussian analog symbols."""
    code = coding.plan(USES, AWGN(), design_snr_db, SHARE)
    draws = torch.Generator().manual_seed(0)
    analog = torch.randn(1, USES, dtype=torch.complex64, generator=draws)
    base = bytes(torch.randint(256, (code.bits // 8,), generator=draws).tolist())
    layers = (DigitalLayer(header, name="header"), DigitalLayer(base, code, superposed=True, name="base"))
    return Encoded(analog / analog.abs().square().mean().sqrt(), (layers,), (), (SHARE,))


@pytest.mark.parametrize("coding", [Ideal(), FineLDPC(simulate=True)], ids=["ideal", "every bit"])
def test_a_decoded_base_leaves_the_analog_layer_at_its_share_of_the_snr(coding: Ideal | FineLDPC) -> None:
    encoded = superposed(coding, 10.0)
    received = send_over(AWGN(), encoded, torch.tensor([10.0]), torch.Generator().manual_seed(1))
    assert received.digital[0] == tuple(layer.data for layer in encoded.digital[0])
    noise = received.symbols - encoded.symbols
    assert noise.abs().square().mean().item() == pytest.approx(0.1 / SHARE, rel=0.03)
    assert received.noise_variance.mean().item() == pytest.approx(0.1 / SHARE, rel=1e-4)


@pytest.mark.parametrize("coding", [Ideal(), FineLDPC(simulate=True)], ids=["ideal", "every bit"])
def test_a_lost_base_stays_as_noise(coding: Ideal | FineLDPC) -> None:
    encoded = superposed(coding, 10.0)
    received = send_over(AWGN(), encoded, torch.tensor([7.0]), torch.Generator().manual_seed(1))
    assert received.digital[0] == (b"abc", None)
    expected = (1 - SHARE + 10**-0.7) / SHARE
    assert received.noise_variance.mean().item() == pytest.approx(expected, rel=1e-4)
    assert (received.symbols - encoded.symbols).abs().square().mean().item() == pytest.approx(expected, rel=0.05)


def test_the_transmitted_power_is_one() -> None:
    """Without noise and with the base lost, what is received is what was sent, on the analog layer's scale."""
    encoded = superposed(FineLDPC(simulate=True), 10.0)
    layers = (encoded.digital[0][0], DigitalLayer(None, encoded.digital[0][1].code, superposed=True))
    silent = send_over(AWGN(), Encoded(encoded.symbols, (layers,), (), (SHARE,)), torch.tensor([math.inf]))
    assert silent.symbols.abs().square().mean().item() * SHARE == pytest.approx(SHARE, rel=0.05)
    sent = send_over(AWGN(), encoded, torch.tensor([math.inf]), torch.Generator().manual_seed(0))
    assert torch.allclose(sent.symbols, encoded.symbols, atol=1e-3)


def test_an_ideal_base_arrives_down_to_its_sinr() -> None:
    encoded = superposed(Ideal(), 10.0)
    for snr_db, arrives in ((10.01, True), (9.99, False)):
        received = send_over(AWGN(), encoded, torch.tensor([snr_db]))
        assert (received.digital[0][1] is not None) is arrives
    rate = encoded.digital[0][1].code.rate
    assert rate == pytest.approx(math.log2(1 + 10 ** (sinr_db(10.0, SHARE) / 10)))


def test_over_slow_fading_the_gain_is_known_and_divided_out() -> None:
    encoded = superposed(Ideal(), 0.0)
    channel = Rayleigh("image", "none")
    received = send_over(channel, encoded, torch.tensor([20.0]), gain=torch.tensor([[0.5j]]))
    assert received.digital[0][1] is not None
    assert received.noise_variance.mean().item() == pytest.approx(0.01 / 0.25 / SHARE, rel=1e-4)
    assert (received.symbols - encoded.symbols).abs().square().mean().item() == pytest.approx(0.4, rel=0.05)


def test_one_generator_an_image_gives_what_each_gets_alone() -> None:
    one = superposed(Ideal(), 5.0)
    pair = Encoded(one.symbols.repeat(2, 1), one.digital * 2, (), one.analog_share * 2)
    draws = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    together = send_over(AWGN(), pair, torch.tensor([5.0, 5.0]), draws)
    alone = send_over(AWGN(), one, torch.tensor([5.0]), torch.Generator().manual_seed(2))
    assert torch.equal(together.symbols[1], alone.symbols[0])
    assert together.digital[1] == alone.digital[0]


def test_a_header_is_lost_where_the_channel_carries_less_than_its_rate() -> None:
    layer = DigitalLayer(b"header", IdealCode(1.0))
    encoded = Encoded(torch.zeros(1, 0, dtype=torch.complex64), ((layer,),))
    assert [send_over(AWGN(), encoded, torch.tensor([snr])).digital[0][0] for snr in (0.01, -0.01)] == [b"header", None]

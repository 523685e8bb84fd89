"""The coding `ldpc-fine` of a digital link: plans, draws by the model, and bits."""

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh, Rician
from deepjscc.digital import LDPC, FineLDPC, FiniteLength, Ideal
from deepjscc.digital.coding import Passage
from deepjscc.errors import UsageError
from deepjscc.systems.names import check_simulation, make_system, parse_coding

USES = 20_000


def snr(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def arrivals(coding: FineLDPC, uses: int, channel: AWGN, snr_db: float, count: int) -> int:
    draws, snrs = torch.Generator().manual_seed(0), torch.full((count,), snr_db)
    gain = channel.draw_gain(count, uses, draws)
    messages: list[bytes | None] = [
        bytes(torch.randint(0, 256, (bits // 8 + 2,), generator=draws, dtype=torch.uint8).tolist())
        for bits in coding.bits(uses, channel, snrs)
    ]
    carried = coding.carry(messages, Passage(uses, channel, snrs, snrs, gain, draws))
    assert all(one is None or one == sent for one, sent in zip(carried, messages, strict=True))
    return sum(one is not None for one in carried)


def test_it_lies_between_the_schemes_of_the_standard_and_capacity() -> None:
    for snr_db in range(-5, 25, 3):
        ideal, fine, coarse = (one.bits(USES, AWGN(), snr(snr_db))[0] for one in (Ideal(), FineLDPC(), LDPC()))
        assert coarse < fine < ideal
    assert FineLDPC().bits(USES, AWGN(), snr(10.0))[0] > 0.9 * FiniteLength().bits(USES, AWGN(), snr(10.0))[0]


def test_the_envelope_arrives_and_a_fixed_plan_has_a_cliff() -> None:
    for snr_db in (1.0, 8.0, 20.0):
        assert arrivals(FineLDPC(), USES, AWGN(), snr_db, 200) > 190
    fixed = FineLDPC(plan_snr_db=8.0)
    assert fixed.bits(USES, AWGN(), snr(-5.0)) == FineLDPC().bits(USES, AWGN(), snr(8.0))
    assert arrivals(fixed, USES, AWGN(), 7.0, 50) == 0
    assert arrivals(fixed, USES, AWGN(), 8.5, 50) == 50


@pytest.mark.parametrize(
    "channel", [AWGN(), Rayleigh("image"), Rician("image", "none"), Rayleigh("symbol", "receiver")], ids=str
)
def test_bits_arrive_as_the_model_says(channel: AWGN) -> None:
    for coding in (FineLDPC(), FineLDPC(simulate=True)):
        arrived = arrivals(coding, 1000, channel, 12.0, 6)
        assert arrived == 6 if channel.coherence != "image" else 0 < arrived <= 6


def test_too_few_uses_carry_nothing() -> None:
    coding = FineLDPC()
    assert coding.bits(20, AWGN(), snr(-10.0)) == [0]
    assert coding.carry([b""], Passage(20, AWGN(), snr(-10.0), snr(-10.0))) == [None]


def test_a_channel_without_error_rates_is_refused() -> None:
    with pytest.raises(UsageError, match="block error rates"):
        FineLDPC().bits(1000, Rician("symbol", "receiver"), snr(5.0))


def test_it_has_a_name() -> None:
    assert parse_coding("ldpc-fine") == FineLDPC()
    assert parse_coding("ldpc-fine@8dB", simulate=True) == FineLDPC(8.0, True)
    check_simulation(True, ["jpeg2000+ldpc-fine"])
    with pytest.raises(UsageError, match="is not an SNR"):
        parse_coding("ldpc-fine@16qam-490")


def test_a_picture_goes_over_the_link(coffee: torch.Tensor) -> None:
    image = (coffee[None, :, :128, :192].float() / 255).contiguous()
    for simulate in (False, True):
        named = make_system("jpeg2000+ldpc-fine", AWGN(), bandwidth_ratio=1 / 12, simulate=simulate)
        sent = named.system.transmit(image, snr(10.0), generator=torch.Generator().manual_seed(1))
        assert sent.delivered.all()
        assert named.error_rates is not None
    ldpc = make_system("jpeg2000+ldpc", AWGN(), bandwidth_ratio=1 / 12)
    assert named.error_rates != ldpc.error_rates

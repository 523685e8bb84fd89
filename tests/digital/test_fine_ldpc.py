"""The coding `ldpc-fine` of a digital link: plans, draws by the model, and bits."""

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh, Rician
from deepjscc.digital import LDPC, FineLDPC, FiniteLength, Ideal
from deepjscc.errors import UsageError
from deepjscc.systems.names import check_simulation, make_system, parse_coding
from deepjscc.systems.transport import send_over
from deepjscc.types import DigitalLayer, Encoded, LayerChannel

USES = 20_000


def snr(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def sent_over(
    coding: FineLDPC, uses: int, channel: AWGN, snr_db: float, count: int
) -> list[tuple[bytes, bytes | None]]:
    """Messages, two bytes longer than the code holds, and what arrived of each: header bytes that do not count come."""
    draws, code = torch.Generator().manual_seed(0), coding.plan(uses, channel, snr_db)
    length = code.bits // 8 + 2
    messages = [bytes(row) for row in torch.randint(0, 256, (count, length), generator=draws).tolist()]
    layers = tuple((DigitalLayer(message, code),) for message in messages)
    encoded = Encoded(torch.zeros(count, 0, dtype=torch.complex64), layers)
    received = send_over(channel, encoded, torch.full((count,), snr_db), draws)
    return [(message, data) for message, (data,) in zip(messages, received.digital, strict=True)]


def arrivals(coding: FineLDPC, uses: int, channel: AWGN, snr_db: float, count: int) -> int:
    found = sent_over(coding, uses, channel, snr_db, count)
    assert all(data in (None, message) for message, data in found)
    return sum(data is not None for _, data in found)


def test_it_lies_between_the_schemes_of_the_standard_and_capacity() -> None:
    for snr_db in range(-5, 25, 6):
        ideal, fine, coarse = (one.plan(USES, AWGN(), float(snr_db)).bits for one in (Ideal(), FineLDPC(), LDPC()))
        assert coarse < fine < ideal
    assert FineLDPC().plan(USES, AWGN(), 10.0).bits > 0.9 * FiniteLength().plan(USES, AWGN(), 10.0).bits


def test_the_envelope_arrives_and_a_fixed_plan_has_a_cliff() -> None:
    for snr_db in (1.0, 8.0, 20.0):
        assert arrivals(FineLDPC(), USES, AWGN(), snr_db, 200) > 190
    fixed = FineLDPC(design_snr_db=8.0)
    assert fixed.plan(USES, AWGN(), -5.0) == FineLDPC().plan(USES, AWGN(), 8.0)
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
    code = FineLDPC().plan(20, AWGN(), -10.0)
    assert code.bits == 0
    assert not code.arrives(LayerChannel(0.1, -10.0, 0.99))
    assert FineLDPC(simulate=True).plan(20, AWGN(), -10.0).modulate(b"") is not None


def test_a_channel_without_error_rates_is_refused() -> None:
    with pytest.raises(UsageError, match="block error rates"):
        FineLDPC().plan(1000, Rician("symbol", "receiver"), 5.0)


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

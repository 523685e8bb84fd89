"""The practical link: which scheme it takes, and that tables and bits tell the same story."""

import math

import pytest
import torch

from deepjscc.channels import AWGN, Rayleigh, Rician
from deepjscc.digital import LDPC, FiniteLength, Ideal
from deepjscc.digital.bler import confidence
from deepjscc.digital.finite_length import normal_approximation
from deepjscc.digital.ldpc import PlannedLDPC, blocks_of, message_bits
from deepjscc.digital.schemes import PAPERS, STANDARD, Scheme
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.systems.names import make_system, parse_coding
from deepjscc.systems.transport import send_over
from deepjscc.types import DigitalLayer, Encoded

USES = 73728  # Kodak at 1/16


def snr(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def arrivals(coding: LDPC, uses: int, channel: AWGN, snr_db: float, count: int, seed: int = 0) -> int:
    code = coding.plan(uses, channel, snr_db)
    layer = DigitalLayer(bytes(code.bits // 8), code)
    arrived = send_over(channel, alone(layer, count), snr_db * torch.ones(count), torch.Generator().manual_seed(seed))
    return sum(data is not None for (data,) in arrived.digital)


def alone(layer: DigitalLayer, count: int = 1) -> Encoded:
    """A batch of images of one digital layer each."""
    return Encoded(torch.zeros(count, 0, dtype=torch.complex64), ((layer,),) * count)


def test_capacity_bounds_the_normal_approximation_bounds_ldpc() -> None:
    for coding, lowest in ((LDPC(), -5), (LDPC(PAPERS), 1)):  # below, no scheme of the set is sure to arrive
        for snr_db in range(lowest, 22, 3):
            ideal, normal, practical = (
                one.plan(USES, AWGN(), float(snr_db)).bits for one in (Ideal(), FiniteLength(), coding)
            )
            assert practical < normal < ideal
            if coding.schemes is STANDARD:
                assert practical > 0.55 * normal  # the steps of the standard are wide at its lower end


def test_more_snr_never_means_fewer_bits() -> None:
    rates = [LDPC().plan(USES, AWGN(), snr_db / 2).bits for snr_db in range(-20, 60)]
    assert rates == sorted(rates)
    assert rates[-1] == message_bits(STANDARD[-1], USES)


def test_the_envelope_arrives_and_a_fixed_plan_has_a_cliff() -> None:
    for snr_db in (1.0, 8.0, 20.0):
        assert arrivals(LDPC(), USES, AWGN(), snr_db, 300) > 285
    fixed = LDPC(design_snr_db=8.0)
    assert fixed.plan(USES, AWGN(), -5.0) == LDPC().plan(USES, AWGN(), 8.0)
    assert arrivals(fixed, USES, AWGN(), 7.0, 100) == 0
    assert arrivals(fixed, USES, AWGN(), 9.0, 100) == 100


@pytest.mark.parametrize(
    "channel", [AWGN(), Rayleigh("image"), Rician("image", "none")], ids=lambda c: type(c).__name__
)
def test_bits_arrive_as_often_as_the_table_says(channel: AWGN) -> None:
    """A small case: two blocks, at an SNR where some are lost."""
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    uses, count = 768 + 192, 120
    scheme = (Scheme("qpsk", 512),)
    assert blocks_of(scheme[0], uses) == [1536, 384]
    by_bits = arrivals(LDPC(scheme, simulate=True), uses, channel, 1.5, count)
    by_table = arrivals(LDPC(scheme), uses, channel, 1.5, 20 * count, seed=1)
    low, high = confidence(by_bits, count, 0.99)
    assert low <= by_table / (20 * count) <= high
    assert 0.1 < by_table / (20 * count) < 0.95


def test_a_message_comes_back_whole_or_not_at_all() -> None:
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    draws, scheme = torch.Generator().manual_seed(0), STANDARD[8]
    message = bytes(range(256)) * 3
    for channel in (AWGN(), Rayleigh("image", "none"), Rayleigh("symbol")):
        gain = channel.draw_gain(1, 2000, draws)
        gain = None if gain is None else gain / gain.abs().clamp_max(1)
        sent = alone(DigitalLayer(message, PlannedLDPC(scheme, 2000, None)))
        ((good,),), ((bad,),) = (
            send_over(channel, sent, snr(snr_db), draws, gain=gain).digital for snr_db in (25.0, -5.0)
        )
        assert good == message
        assert bad is None


def test_header_bytes_that_do_not_count_come_free() -> None:
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    message, scheme = bytes(range(250)), Scheme("qpsk", 512)
    assert message_bits(scheme, 768) // 8 < len(message)
    sent = alone(DigitalLayer(message, PlannedLDPC(scheme, 768, None)))
    assert send_over(AWGN(), sent, snr(20.0)).digital == ((message,),)


def test_an_image_arrives_or_not_whatever_its_neighbours_do() -> None:
    code, message = LDPC((Scheme("qpsk", 512),)).plan(USES // 24, AWGN(), 1.2), b"picture"
    full, gaps = (
        [
            data
            for (data,) in send_over(
                AWGN(),
                Encoded(torch.zeros(40, 0, dtype=torch.complex64), tuple((DigitalLayer(one, code),) for one in each)),
                torch.full((40,), 1.2),
                torch.Generator().manual_seed(1),
            ).digital
        ]
        for each in ([message] * 40, [None, message] * 20)
    )
    assert full[1::2] == gaps[1::2]
    assert None in full[1::2]
    assert message in full[1::2]


def test_what_there_is_no_table_for_is_said() -> None:
    with pytest.raises(UsageError, match=r"block error rates for AWGN, slow fading"):
        LDPC().plan(USES, Rician("symbol"), 5.0)
    with pytest.raises(UsageError, match="191 channel uses hold no block"):
        LDPC((STANDARD[2],)).plan(191, AWGN(), 5.0)
    with pytest.raises(UsageError, match="AWGN and slow fading alone"):
        FiniteLength().plan(USES, Rayleigh("symbol"), 5.0)
    with pytest.raises(DeepJSCCError, match="no block error rates of qpsk-100"):
        LDPC((Scheme("qpsk", 100), Scheme("qpsk", 512))).plan(USES, AWGN(), 5.0)


def test_the_normal_approximation() -> None:
    """Capacity for long blocks, under it for short ones, and a value worked out by hand."""
    assert normal_approximation(10**12, 1e-3, 3.0) == pytest.approx(math.log2(1 + 10**0.3), abs=1e-4)
    assert normal_approximation(1000, 1e-3, math.inf) > 90
    rates = [normal_approximation(uses, 1e-3, 3.0) for uses in (100, 1000, 10_000)]
    assert rates == sorted(rates)
    # s = 1: C = 1, V = 3/4 log2(e)^2 = 1.561, Q^-1(1e-3) = 3.0902; n = 1000.
    assert normal_approximation(1000, 1e-3, 0.0) == pytest.approx(1 - 0.0395095 * 3.0902 + 0.0049829, abs=1e-4)
    assert normal_approximation(50, 1e-6, -20.0) == 0


def test_names() -> None:
    assert parse_coding("ldpc") == LDPC(STANDARD)
    assert parse_coding("ldpc@10dB") == LDPC(STANDARD, 10.0)
    assert parse_coding("ldpc-papers@-2.5", simulate=True) == LDPC(PAPERS, -2.5, True)
    assert parse_coding("ldpc@16qam-490") == LDPC((STANDARD[7],))
    assert parse_coding("normal@3dB") == FiniteLength(3.0)
    for wrong in ("ldpc@fast", "turbo", "ideal@16qam-490"):
        with pytest.raises(UsageError):
            parse_coding(wrong)
    with pytest.raises(UsageError, match="no bits to simulate"):
        parse_coding("ideal", simulate=True)


def test_a_picture_through_the_practical_link(coffee: torch.Tensor) -> None:
    images = coffee[None, :, 100:180, 200:296] / 255
    draws = torch.Generator().manual_seed(0)
    for name in ("jpeg2000+ldpc", "jpeg2000+normal", "jpeg2000+ldpc@20dB"):
        system = make_system(name, AWGN(), bandwidth_ratio=1 / 6).system
        sent = system.transmit(images, snr(20.0), generator=draws)
        assert sent.delivered.all()
        assert sent.channel_uses.tolist() == [3840]
    lost = make_system("jpeg2000+ldpc@20dB", AWGN(), bandwidth_ratio=1 / 6).system.transmit(
        images, snr(10.0), generator=draws
    )
    assert not lost.delivered.any()


def test_a_picture_bit_by_bit(coffee: torch.Tensor) -> None:
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    images = coffee[None, :, 100:180, 200:296] / 255
    looked_up, simulated = (
        make_system("jpeg2000+ldpc", AWGN(), bandwidth_ratio=1 / 6, simulate=simulate).system.transmit(
            images, snr(14.0), generator=torch.Generator().manual_seed(0)
        )
        for simulate in (False, True)
    )
    assert simulated.delivered.all()
    assert torch.equal(looked_up.images, simulated.images)

"""The layered decoder: what it corrects, when it stops, and its error rates beside Sionna's belief propagation."""

import pytest
import torch

from deepjscc.digital.bler import confidence
from deepjscc.digital.fine.code import NrCode
from deepjscc.digital.fine.crc import append_crc
from deepjscc.digital.fine.decoder import LayeredDecoder
from deepjscc.digital.sionna import sionna


def transmission(code: NrCode, blocks: int, snr_db: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random blocks with CRC, and the soft bits of binary symbols in Gaussian noise."""
    draws, noise = torch.Generator().manual_seed(seed), 10 ** (-snr_db / 20)
    bits = torch.randint(0, 2, (blocks, code.block_bits - 24), generator=draws, dtype=torch.uint8)
    information = append_crc("CRC24A", bits)
    sent = 1 - 2 * code.encode(information).float()
    return information, (sent + noise * torch.randn(sent.shape, generator=draws)) * (2 / noise**2)


@pytest.mark.parametrize(
    ("bits", "coded_bits"), [(40, 60), (40, 2000), (120, 130), (400, 2100), (1000, 1400), (3824, 5000), (9000, 11000)]
)
def test_blocks_are_decoded_where_the_channel_is_good(bits: int, coded_bits: int) -> None:
    code = NrCode(bits, coded_bits)
    information, llr = transmission(code, 5, 12.0)
    decoded, right = LayeredDecoder(code, "CRC24A").decode(llr)
    assert right.all()
    assert torch.equal(decoded, information)
    assert not LayeredDecoder(code, "CRC24A", iterations=5).decode(torch.randn(5, coded_bits))[1].any()


def test_blocks_do_not_depend_on_each_other() -> None:
    """More blocks than lanes: those that leave make room, and every block decodes as it does alone."""
    code = NrCode(100, 200)
    decoder = LayeredDecoder(code, "CRC24A", iterations=10)
    decoder._lanes = 7
    information, llr = transmission(code, 24, 2.0)
    decoded, right = decoder.decode(llr)
    assert 0 < right.sum() < 24
    assert torch.equal(decoded[right], information[right])
    alone = [decoder.decode(one[None]) for one in llr]
    assert torch.equal(torch.cat([one for one, _ in alone]), decoded)
    assert torch.equal(torch.cat([one for _, one in alone]), right)


def test_soft_bits_without_information_do_no_harm() -> None:
    code = NrCode(300, 900)
    information, llr = transmission(code, 4, 6.0)
    llr[:, ::3] = 0
    llr[1] = 0
    decoded, right = LayeredDecoder(code, "CRC24A").decode(llr)
    assert right.tolist() == [True, False, True, True]
    assert torch.equal(decoded[right], information[right])


def test_the_known_block_error_rate() -> None:
    """k = 512, n = 1024, QPSK at Es/N0 = 1.5 dB: about 0.06 with 20 flooding iterations, fewer with 15 layered ones."""
    code = NrCode(512, 1024)
    information, llr = transmission(code, 500, 1.5)
    decoded, right = LayeredDecoder(code, "CRC24A", iterations=15).decode(llr)
    assert torch.equal(decoded[right], information[right])
    low, high = confidence(int((~right).sum()), 500)
    assert low < 0.06
    assert high > 0.005
    converged = LayeredDecoder(code, "CRC24A").decode(llr[:100])[1]
    assert (converged >= right[:100]).all()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("bits", "coded_bits", "snr_db"), [(1000, 3000, -1.2), (1000, 2000, 1.0), (1000, 1200, 5.4)])
def test_error_rates_are_those_of_belief_propagation(bits: int, coded_bits: int, snr_db: float) -> None:
    """The same noise through Sionna's decoder (boxplus, flooding, twice as many iterations)."""
    pytest.importorskip("sionna.phy", reason="the extra [digital] is not installed")
    library, code, blocks = sionna(), NrCode(bits, coded_bits), 600
    theirs = library.LDPC5GDecoder(
        library.LDPC5GEncoder(bits, coded_bits, device="cpu"), num_iter=60, hard_out=True, device="cpu"
    )
    lost = [0, 0]
    for seed in range(blocks // 200):
        information, llr = transmission(code, 200, snr_db, seed)
        decoded, right = LayeredDecoder(code, "CRC24A", iterations=30).decode(llr)
        lost[0] += int((~right | (decoded != information).any(1)).sum())
        lost[1] += int((theirs(-llr).to(torch.uint8) != information).any(1).sum())
    ours_low, ours_high = confidence(lost[0], blocks)
    low, high = confidence(lost[1], blocks)
    print(f"{bits}/{coded_bits} at {snr_db} dB: {lost[0]} and {lost[1]} of {blocks} blocks lost")
    assert lost[1] > 5
    assert ours_low < high
    assert low < ours_high

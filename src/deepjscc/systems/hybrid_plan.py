"""The layout of a hybrid transmission: its header, and the choice of the analog layer's power by expected error.

A few channel uses carry the header and a small share carries the coarse layer; all others carry the base with the
analog layer superposed. Transmitter and receiver derive the whole layout from the three bytes of the header.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from deepjscc.errors import UsageError

# Shares of the power that the analog layer may have. The last index is that of no digital base at all.
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.06, 0.07, 0.085, 0.1, 0.115, 0.13, 0.15, 0.2, 0.25, 0.3)
ANALOG_ONLY = 15
HEADER_BYTES = 3
STEP_DB, LOWEST_DB, HIGHEST_DB = 0.25, -20.0, 43.75  # of the design SNR in the header
COARSE_STEP = 1 / 512  # of the uses, in which the coarse layer is measured
MOST_COARSE = 9  # such steps: 1.8% of the uses
# PSNR at the design SNR that an analog layer may cost against the digital base alone: a share of what it gains on a
# channel better by BETTER_DB, and never more than MOST_COST_DB; against the best share never more than COST_TO_BEST_DB.
BETTER_DB, COST_PER_GAIN, MOST_COST_DB, COST_TO_BEST_DB = 3.0, 0.3, 0.3, 0.4


@dataclass(frozen=True)
class HybridHeader:
    """The header: 4 bits for the share, 8 for the design SNR, 4 for the coarse layer, and a CRC of 8 bits.

    Attributes:
        share_index: index of the analog layer's share of the power in :data:`SHARES`, or :data:`ANALOG_ONLY`.
        snr_index: design SNR in steps of :data:`STEP_DB` above :data:`LOWEST_DB`.
        coarse: channel uses of the coarse layer in steps of :data:`COARSE_STEP` of all uses; 0 if there is none.
    """

    share_index: int
    snr_index: int
    coarse: int

    @property
    def analog_share(self) -> float:
        """The analog layer's share of the power."""
        return SHARES[self.share_index]

    @property
    def design_snr_db(self) -> float:
        """Design SNR in dB as the header quantises it, which is the one that both ends use."""
        return LOWEST_DB + STEP_DB * self.snr_index

    def pack(self) -> bytes:
        """Serialise the header as three bytes, big-endian."""
        word = self.share_index << 12 | self.snr_index << 4 | self.coarse
        return word.to_bytes(2, "big") + bytes([_crc8(word.to_bytes(2, "big"))])

    @staticmethod
    def unpack(data: bytes) -> "HybridHeader":
        """Undo :meth:`pack`.

        Raises:
            UsageError: the bytes are not a header, or a damaged one.
        """
        if len(data) != HEADER_BYTES or _crc8(data[:2]) != data[2]:
            raise UsageError(f"the header {data[:8].hex()} of a hybrid transmission is damaged: its checksum differs")
        word = int.from_bytes(data[:2], "big")
        return HybridHeader(word >> 12, word >> 4 & 255, word & 15)


def snr_index(snr_db: float) -> int:
    """Index of a design SNR in dB, rounded down to a step and clamped to the range of the header.

    >>> HybridHeader(0, snr_index(10.1), 0).design_snr_db
    10.0
    """
    return math.floor((min(max(snr_db, LOWEST_DB), HIGHEST_DB) - LOWEST_DB) / STEP_DB + 1e-6)


def share_db(share: float) -> float:
    """A share of the power in dB, more than 0."""
    return 10 * math.log10(share)


def choose_share(
    expected_mse: Callable[[float, float], float | None], snr_db: float, wanted: float | None = None
) -> int | None:
    """Choose the share of the power that the analog layer has.

    Above the design SNR the quality of the image rises with the share; below it neither base nor analog layer arrives.
    The function therefore takes the largest share whose loss at the design SNR is small compared with its gain above
    it. If the loss of every share is larger, it takes the share with the least error at the design SNR, which may be 0.

    Args:
        expected_mse: expected mean squared error for an index of the share and an SNR in dB; None where no base fits.
        snr_db: the design SNR in dB.
        wanted: the share that the user asks for, to which the nearest one is taken; None lets the transmitter choose.

    Returns:
        An index into :data:`SHARES`; None where no base fits with any share.
    """
    if wanted is not None:
        index = min(range(len(SHARES)), key=lambda one: abs(SHARES[one] - wanted))
        return index if expected_mse(SHARES[index], snr_db) is not None else None
    errors = {index: expected_mse(share, snr_db) for index, share in enumerate(SHARES)}
    possible = {index: error for index, error in errors.items() if error is not None}
    if not possible:
        return None
    best = min(possible, key=lambda index: possible[index])
    digital = possible.get(0, possible[best])

    def worth_it(index: int) -> bool:
        cost_db = _ratio_db(possible[index], digital)
        if cost_db > MOST_COST_DB or _ratio_db(possible[index], possible[best]) > COST_TO_BEST_DB:
            return False
        better = expected_mse(SHARES[index], snr_db + BETTER_DB)
        assert better is not None
        return cost_db <= COST_PER_GAIN * _ratio_db(possible[index], better)

    return next((index for index in reversed(possible) if worth_it(index)), best)


def _ratio_db(mse: float, other: float) -> float:
    return 10 * math.log10(max(mse, 1e-12) / max(other, 1e-12))


def _crc8(data: bytes) -> int:
    """CRC-8 (x^8 + x^2 + x + 1) with an initial value of all ones, so that three zero bytes are not a valid header."""
    check = 255
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = (check << 1 ^ 0x07) & 255 if check & 128 else check << 1
    return check

"""An analog picture as bits: indices of a constellation's points, over any link that carries bits and flips some."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from deepjscc.errors import UsageError
from deepjscc.systems.constellation import ConstellationTransceiver
from deepjscc.types import MARGIN_DB, Decoded, DigitalLayer, Images, LinkPlan, Received, Size

MOST_ERRORS = 0.25  # of the bits: beyond, nothing of a picture is left


@dataclass(frozen=True)
class BitPicture:
    """One picture as bits.

    Attributes:
        bits: of the symbols, zeros and ones.
        digital: header and class map, which the link must deliver without an error.
    """

    bits: np.ndarray
    digital: tuple[DigitalLayer, ...]

    @property
    def side_info_bits(self) -> int:
        """Bits of header and class map, not protected."""
        return 8 * sum(len(layer.data or b"") for layer in self.digital)


def encode_bits(
    transceiver: ConstellationTransceiver, image: Images, bandwidth_ratio: float | None, error_rate: float = 0.0
) -> BitPicture:
    """Encode one image to bits.

    Args:
        transceiver: with the constellation whose indices the bits are.
        image: ``[1, 3, height, width]``.
        bandwidth_ratio: complex symbols per source value; the bits are
            :attr:`~deepjscc.digital.finite_constellation.FiniteConstellation.bits_per_symbol` times as many.
        error_rate: share of flipped bits that the transmitter plans for.

    Raises:
        UsageError: a ratio that the model does not make, or an error rate out of range.
    """
    _, noise = transceiver.constellation.from_bits(np.zeros(0, np.uint8), checked_error_rate(error_rate))
    design_snr_db = torch.tensor([-10 * math.log10(noise)])
    encoded = transceiver.encode_for(design_snr_db, image, LinkPlan(design_snr_db, bandwidth_ratio, MARGIN_DB))
    count = encoded.counts[0] if encoded.counts else encoded.symbols.shape[1]
    indices = transceiver.constellation.indices_of_points(encoded.symbols[:, :count])
    return BitPicture(transceiver.constellation.to_bits(indices), encoded.digital[0])


def receive_bits(
    transceiver: ConstellationTransceiver,
    bits: np.ndarray,
    error_rate: float,
    side_info: tuple[bytes | None, ...],
    size: Size,
) -> Decoded:
    """Decode an image from its bits.

    Args:
        transceiver: with the constellation whose indices the bits are.
        bits: as received.
        error_rate: share of the bits that were flipped, as far as the receiver knows.
        side_info: header and class map; None for one that was lost.
        size: height and width of the image.

    Raises:
        UsageError: an error rate out of range.
    """
    symbols, noise = transceiver.constellation.from_bits(bits, checked_error_rate(error_rate))
    variance = torch.full(symbols.shape, noise)
    received = Received(symbols, variance, None, torch.zeros(1), (side_info,), (symbols.shape[1],))
    return transceiver.receive_spread(received, size)


def flip_bits(bits: np.ndarray, error_rate: float, seed: int) -> np.ndarray:
    """Flip each bit with a probability, independently (the binary symmetric channel).

    Raises:
        UsageError: an error rate out of range.
    """
    draws = np.random.default_rng(seed).random(len(bits))
    return bits ^ (draws < checked_error_rate(error_rate)).astype(np.uint8)


def checked_error_rate(error_rate: float) -> float:
    """Return a bit error rate.

    Raises:
        UsageError: not from 0 to :data:`MOST_ERRORS`.
    """
    if not 0 <= error_rate <= MOST_ERRORS:
        raise UsageError(f"a bit error rate is from 0 to {MOST_ERRORS}, not {error_rate:g}")
    return error_rate

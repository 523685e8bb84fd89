"""Faults of a direct-conversion receiver, estimated from the preamble: DC offset and I/Q imbalance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from deepjscc.radio.channel_estimate import FIRST, LAST, ChannelEstimate, preamble_design
from deepjscc.radio.pulse import Samples
from deepjscc.radio.zadoff_chu import PREAMBLE_PULSES, Pulses

SIGNIFICANT = 16.0  # least power of a coefficient over its variance: noise exceeds it once in e^16 = 9e6 frames


@dataclass(frozen=True)
class FrontEnd:
    """The received samples are ``x + image * conj(x) + dc``, with ``x`` those of a perfect receiver.

    Attributes:
        dc: DC offset of the filtered samples.
        image: gain of the mirror image that I/Q imbalance adds; 0.06 for 1 dB, 0.04 for 5 degrees.
    """

    dc: complex = 0j
    image: complex = 0j

    @property
    def ideal(self) -> bool:
        """Whether there is nothing to correct."""
        return self.dc == 0 and self.image == 0

    def correct(self, samples: Samples) -> Samples:
        """Remove DC offset and mirror image; a factor ``1 - |image|^2`` remains."""
        if self.ideal:
            return samples
        centred = samples - np.complex64(self.dc)
        return centred - np.complex64(self.image) * centred.conj() if self.image else centred


def estimate_front_end(pulses: Pulses, rotation: Float[np.ndarray, " pulses"], channel: ChannelEstimate) -> FrontEnd:
    """Estimate DC offset and mirror image by least squares, together with the channel's significant taps.

    Args:
        pulses: the received preamble, with the carrier offset removed.
        rotation: the angle in radians by which each pulse was turned back to remove it.
        channel: the channel as estimated from the same pulses.

    Returns:
        The front end; a coefficient that does not stand out of the noise is 0.
    """
    rows = slice(LAST - 1, PREAMBLE_PULSES + FIRST)
    received, angle = pulses[rows], rotation[rows]
    kept = np.flatnonzero(channel.taps)
    taps = preamble_design()[:, kept]
    # After derotation the DC offset is a tone at minus the carrier offset, the image one at minus twice of it.
    offset, image = np.exp(-1j * angle), (taps @ channel.taps[kept]).conj() * np.exp(-2j * angle)
    design = np.column_stack([taps, offset, image])
    gram = np.linalg.inv(design.conj().T @ design)
    coefficients = gram @ (design.conj().T @ received)
    residual = received - design @ coefficients
    noise = float((np.abs(residual) ** 2).sum()) / (len(received) - design.shape[1])
    variances = np.diag(gram).real * noise
    dc, gain = (
        complex(value) if abs(value) ** 2 > SIGNIFICANT * variance else 0j
        for value, variance in zip(coefficients[-2:], variances[-2:], strict=True)
    )
    return FrontEnd(dc, gain)

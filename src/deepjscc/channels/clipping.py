"""A transmitter that clips: the peaks of the waveform are cut, as an amplifier or `deepjscc tx --papr-db` cuts them."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from deepjscc.channels.base import Channel
from deepjscc.channels.output import ChannelOutput
from deepjscc.errors import UsageError
from deepjscc.pulses import root_raised_cosine
from deepjscc.types import Gain, SnrDb, Symbols

OVERSAMPLING = 4  # samples a symbol time: what clipping spreads beyond is below what it leaves within
HALF_SPAN = 16  # symbol times of the pulse on either side


class Clipped(Channel):
    """y = a z + d + n: pulses of the symbols are cut to a peak power, matched-filtered, and meet noise.

    By Bussgang's theorem what clipping leaves of Gaussian symbols is a z + d with d uncorrelated. The output holds a
    and E|d|^2 of each image: a receiver learns both from pilots, divides by a, and has noise of variance
    (N0 + E|d|^2) / a^2. Analogue symbols have peaks many times the mean, so the strongest suffer most: a model trained
    through this learns to spend less on them. The mean power, 1, is that before clipping.

    Args:
        papr_db: power of the highest peak over the mean power of the waveform, in dB.
        roll_off: of the root-raised-cosine pulses.

    Raises:
        UsageError: a limit below 1 dB, or a roll-off outside (0, 1].
    """

    def __init__(self, papr_db: float = 8.0, roll_off: float = 0.25) -> None:
        super().__init__()
        if not papr_db >= 1:
            raise UsageError(f"a limit on the peak-to-average power ratio is 1 dB or more, not {papr_db}")
        if not 0 < roll_off <= 1:
            raise UsageError(f"a roll-off lies above 0 and up to 1, not at {roll_off}")
        self.papr_db = papr_db
        half = HALF_SPAN * OVERSAMPLING
        taps = root_raised_cosine(np.arange(-half, half + 1) / OVERSAMPLING, roll_off)
        self.taps: Tensor
        self.register_buffer("taps", torch.from_numpy(taps / np.sqrt((taps**2).sum())).float(), persistent=False)

    def forward(
        self, symbols: Symbols, snr_db: SnrDb, *, gain: Gain | None = None, generator: torch.Generator | None = None
    ) -> ChannelOutput:
        """See :meth:`Channel.forward`; differentiable."""
        passed = self.clip(symbols)
        power = symbols.abs().square().sum(1).clamp_min(1e-30)
        left = ((passed * symbols.conj()).real.sum(1) / power).clamp_min(1e-3)
        used = (symbols != 0).sum(1).clamp_min(1)  # zeros past an image's count are not sent
        distortion = (passed - left[:, None] * symbols).abs().square().sum(1) / used
        output = super().forward(passed, snr_db, gain=gain, generator=generator)
        return replace(output, clipping_gain=left, distortion_variance=distortion.detach())

    def clip(self, symbols: Symbols) -> Symbols:
        """Symbols as pulses, cut, and through the matched filter."""
        count, span = symbols.shape[1], len(self.taps)
        size = count * OVERSAMPLING + 2 * span
        spaced = symbols.new_zeros(len(symbols), size)
        spaced[:, : count * OVERSAMPLING : OVERSAMPLING] = symbols
        pulse = torch.fft.fft(self.taps.to(symbols.device), size)
        waveform = torch.fft.ifft(torch.fft.fft(spaced) * pulse)
        # A mean power of 1 a symbol is 1 / OVERSAMPLING a sample.
        limit = (10 ** (self.papr_db / 10) / OVERSAMPLING) ** 0.5
        cut = waveform * (limit / waveform.abs().clamp_min(1e-12)).clamp_max(1.0)
        matched = torch.fft.ifft(torch.fft.fft(cut) * pulse)
        return matched[:, span - 1 : span - 1 + count * OVERSAMPLING : OVERSAMPLING]

"""Peaks of a waveform: the peak-to-average power ratio, and clipping to a limit."""

import numpy as np

from deepjscc.errors import UsageError
from deepjscc.radio.pulse import Samples

LEAST_PAPR_DB = 1.0


def papr_db(samples: Samples) -> float:
    """Peak-to-average power ratio of the samples in dB; 0 for silence."""
    power = np.abs(samples) ** 2
    mean = float(power.mean()) if len(power) else 0.0
    return 10 * float(np.log10(power.max() / mean)) if mean > 0 else 0.0


def clip(samples: Samples, limit_db: float) -> tuple[Samples, float]:
    """Clip every sample's magnitude at a limit above the mean power before clipping; phases are kept.

    This models an amplifier that saturates there. Clipping lowers the mean, too, so that the remaining peak-to-average
    ratio is slightly above the limit.

    Args:
        samples: the waveform.
        limit_db: limit in dB above the mean power.

    Returns:
        The clipped samples, and the share of samples that were clipped.

    Raises:
        UsageError: a limit below 1 dB.
    """
    if not limit_db >= LEAST_PAPR_DB:
        raise UsageError(
            f"the limit on the peak-to-average power ratio must be {LEAST_PAPR_DB:g} dB or more, not {limit_db}"
        )
    power = np.abs(samples).astype(np.float64) ** 2
    ceiling = float(power.mean()) * 10 ** (limit_db / 10) if len(power) else 0.0
    over = power > ceiling
    clipped = samples * np.sqrt(np.where(over, ceiling / np.where(over, power, 1), 1))
    return clipped.astype(np.complex64), float(over.mean()) if len(power) else 0.0

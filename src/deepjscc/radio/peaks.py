"""Peaks of a waveform: their ratio to the mean power, and clipping to a limit."""

import numpy as np

from deepjscc.errors import UsageError
from deepjscc.radio.pulse import Samples

LEAST_PAPR_DB = 1.0


def papr_db(samples: Samples) -> float:
    """Peak-to-average power ratio in dB, over the samples as they are; 0 of silence."""
    power = np.abs(samples) ** 2
    mean = float(power.mean()) if len(power) else 0.0
    return 10 * float(np.log10(power.max() / mean)) if mean > 0 else 0.0


def clip(samples: Samples, limit_db: float) -> tuple[Samples, float]:
    """Cut every sample's magnitude to a limit above the mean power of what came in; phases stay.

    So does an amplifier that saturates there. Cutting lowers the mean, too: the ratio that is left is a little higher.

    Returns:
        The samples, and the share of them that was cut.

    Raises:
        UsageError: a limit below 1 dB.
    """
    if not limit_db >= LEAST_PAPR_DB:
        raise UsageError(f"a limit on the peak-to-average power ratio is {LEAST_PAPR_DB:g} dB or more, not {limit_db}")
    power = np.abs(samples).astype(np.float64) ** 2
    ceiling = float(power.mean()) * 10 ** (limit_db / 10) if len(power) else 0.0
    over = power > ceiling
    clipped = samples * np.sqrt(np.where(over, ceiling / np.where(over, power, 1), 1))
    return clipped.astype(np.complex64), float(over.mean()) if len(power) else 0.0

"""Units: decibels, SNR to noise variance, capacity, and ratios as people write them."""

import math
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.types import SnrDb

SPREAD_POINTS = 13  # SNRs that stand for a range of them
SNR_FLOOR_DB = -200.0  # below, N0 would overflow float32 in a receiver's products; no picture is there to lose


def from_db(db: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Power ratio of decibels.

    >>> from_db(torch.tensor([0.0, 10.0, 20.0]))
    tensor([  1.,  10., 100.])
    """
    return torch.pow(10.0, db / 10)


def noise_variance(snr_db: SnrDb) -> Float[Tensor, " batch"]:
    """N0 of a complex symbol at unit signal power; 0 at infinite SNR, bounded at :data:`SNR_FLOOR_DB`."""
    return from_db(-snr_db.clamp_min(SNR_FLOOR_DB))


def awgn_capacity(snr_db: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Bits per complex use, ``log2(1 + P/N0)`` (Shannon 1948).

    >>> awgn_capacity(torch.tensor([0.0]))
    tensor([1.], dtype=torch.float64)
    """
    return torch.log2(1 + from_db(snr_db.double()))


def snr_per_image(snr_db: Tensor | float, shape: tuple[int, ...]) -> Tensor:
    """SNRs in dB for each image of a batch from one number, or from a tensor with one for all or one for each.

    >>> snr_per_image(10.0, (3,))
    tensor([10., 10., 10.])

    Args:
        snr_db: in dB.
        shape: what the caller needs: ``(batch,)``, or ``(batch, views)``.

    Raises:
        UsageError: a tensor with another number of SNRs, or an SNR that is NaN.
    """
    given = torch.as_tensor(snr_db)
    given = given if given.is_floating_point() else given.float()
    if given.isnan().any():
        raise UsageError("an SNR cannot be NaN; give it in dB, or inf for no noise")
    if given.shape == shape:
        return given
    if given.numel() == 1:
        return given.reshape(()).expand(shape)
    wanted, found = ("x".join(map(str, each)) for each in (shape, given.shape))
    raise UsageError(f"there must be one SNR for all images or one for each: {wanted} of them, not {found}")


def parse_ratio(text: str) -> float:
    """A bandwidth ratio from ``1/12`` or ``0.125``.

    >>> parse_ratio("1/8")
    0.125

    Raises:
        UsageError: not a positive finite number.
    """
    try:
        ratio = float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        ratio = math.nan
    if not (0 < ratio < math.inf):
        raise UsageError(f"bandwidth ratio {text!r} is not a positive number; write it as 1/12 or 0.0833")
    return ratio


def parse_design_snr(text: str) -> tuple[float, float]:
    """Design SNR and half the width of the range that the transmitter believes in, both in dB.

    >>> parse_design_snr("10"), parse_design_snr("10±6"), parse_design_snr("-3+-2.5")
    ((10.0, 0.0), (10.0, 6.0), (-3.0, 2.5))

    Raises:
        UsageError: not a number, NaN, several values, or a width that is not a positive finite number.
    """
    middle, plus_minus, width = text.replace("+-", "±").partition("±")
    values = parse_snr_list(middle)
    if len(values) != 1:
        raise UsageError(f"one SNR is wanted here, not {text!r}")
    if not plus_minus:
        return values[0], 0.0
    try:
        spread_db = float(width)
    except ValueError:
        spread_db = math.nan
    if not 0 < spread_db < math.inf or not math.isfinite(values[0]):
        raise UsageError(f"{text!r} is not a range of SNRs in dB; write it as 10±6")
    return values[0], spread_db


def spread_offsets_db(spread_db: float) -> tuple[float, ...]:
    """Equally likely offsets from the middle of a range of SNRs in dB; one of 0 where there is no range.

    >>> spread_offsets_db(6.0)[0], len(spread_offsets_db(6.0)), spread_offsets_db(0.0)
    (-6.0, 13, (0.0,))
    """
    if not spread_db:
        return (0.0,)
    half = (SPREAD_POINTS - 1) // 2
    return tuple(spread_db * step / half for step in range(-half, half + 1))


def parse_snr_list(text: str) -> list[float]:
    """SNRs in dB from ``3``, ``-5,0,5``, ``-5:20:5`` (both ends included) or ``inf``.

    >>> parse_snr_list("-5:5:5,inf")
    [-5.0, 0.0, 5.0, inf]

    Raises:
        UsageError: not a number, NaN, or a range that never ends.
    """
    values: list[float] = []
    for part in text.split(","):
        try:
            numbers = [float(number) for number in part.split(":")]
        except ValueError:
            raise UsageError(f"SNR {part!r} is not a number in dB; write 3, -5,0,5 or -5:20:5") from None
        if any(math.isnan(number) for number in numbers):
            raise UsageError("an SNR cannot be NaN; give it in dB, or inf for no noise")
        if len(numbers) == 1:
            values.append(numbers[0])
        elif len(numbers) == 3 and numbers[2] > 0 and all(map(math.isfinite, numbers)):
            start, stop, step = numbers
            values += [start + i * step for i in range(math.floor((stop - start) / step + 1e-9) + 1)]
        else:
            raise UsageError(f"SNR range {part!r} must be START:STOP:STEP with a positive step")
    if not values:
        raise UsageError(f"SNR range {text!r} holds no value")
    return values

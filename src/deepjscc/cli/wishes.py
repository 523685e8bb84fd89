"""Options by which commands are asked for a quality, and what they say of it."""

import math
from typing import Annotated

from cyclopts import Parameter

from deepjscc.errors import UsageError
from deepjscc.units import parse_snr_list

TargetPsnr = Annotated[
    str | None,
    Parameter(help="Instead of a bandwidth ratio: take the smallest that is expected to reach this PSNR in dB."),
]
Retransmit = Annotated[
    int,
    Parameter(help="Over slow fading: transmissions at most after the first, where a picture did not arrive."),
]
EnoughDb = Annotated[
    float | None,
    Parameter(help="With --retransmit: PSNR in dB that the receiver's own estimate must reach as well."),
]


def target_psnr(text: str | None, bandwidth_ratio: str | None) -> float | None:
    """A PSNR wished for, in dB; None where there is none.

    Raises:
        UsageError: not one finite number, or a bandwidth ratio beside it.
    """
    if text is None:
        return None
    (target_db,) = target_psnrs(text, bandwidth_ratio) if "," not in text and ":" not in text else (math.inf,)
    if not math.isfinite(target_db):
        raise UsageError(f"one PSNR in dB is wanted here, such as 34, not {text!r}")
    return target_db


def target_psnrs(text: str | None, bandwidth_ratio: str | None) -> tuple[float, ...]:
    """PSNRs wished for, in dB, from ``34`` or ``30:38:2``; none where there is no text.

    Raises:
        UsageError: not finite numbers, or a bandwidth ratio beside them.
    """
    if text is None:
        return ()
    if bandwidth_ratio is not None:
        raise UsageError("a target PSNR chooses the bandwidth ratio; leave one of the two out")
    try:
        values = tuple(parse_snr_list(text))
    except UsageError:
        values = (math.nan,)
    if not all(map(math.isfinite, values)):
        raise UsageError(f"{text!r} is no PSNR in dB; write 34, 30,34 or 30:38:2")
    return values


def estimate_note(psnr_db: float | None) -> str | None:
    """A line with the PSNR that the receiver itself estimates; None where it cannot tell."""
    return None if psnr_db is None else f"received: about {psnr_db:.1f} dB, by the receiver's own estimate"

"""The errors that the transmitter of a hybrid expects of each layout; it computes them without any trial transmission.

The error of the base as a function of its bytes comes from a rate curve of few encodings, from which the search for the
base starts. The part of the residual that an analog layer leaves is computed from the statistics of one residual,
because it depends little on the rate of the base.
"""

import math
from collections.abc import Callable, Sequence

from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.digital.codecs.rate_curve import rate_curve
from deepjscc.models.residual_code import ResidualCode
from deepjscc.systems.hybrid_plan import SHARES, HybridHeader, choose_share, snr_index
from deepjscc.types import Image8

REFERENCE = 0.3  # the share that is planned with, times the square root of the SNR: about the one that is chosen
MOST_REFERENCE = 0.1
FEWEST = 0.4  # of the bytes of the smallest coding, to which the curve is continued: it may be an anchor above it
BACK_OFF_DB = (0.0, -2.0, -4.0, -6.0, -8.0, -10.0, -13.0, -16.0)  # of the base's design SNR, tried over fading
COARSE_PSNR_DB, OUTAGE_PSNR_DB = 19.0, 13.0  # of a coarse layer and of a mean colour, about, on photographs
Room = Callable[[int, int], int]  # bytes for the codestream, given the indices of design SNR and share


class HybridExpectation:
    """Expected errors of one image as a function of the design SNR, the analog layer's share and the channel's SNR.

    Args:
        picture: the image, 8 bits.
        codec: source codec of the base.
        residual_code: code of the analog layer.
        room: number of bytes for the codestream, given the indices of design SNR and share.
        uses: complex channel uses of base and analog layer.
        indices: indices of the design SNRs to choose from.
    """

    def __init__(
        self,
        picture: Image8,
        codec: LevelCodec,
        residual_code: ResidualCode,
        room: Room,
        uses: int,
        indices: Sequence[int],
    ) -> None:
        self.residual_code, self.room, self.uses = residual_code, room, uses
        self._kept: dict[tuple[int, float], float] = {}
        middle = sorted(indices)[len(indices) // 2]
        budgets = [room(max(indices), 0), room(middle, _reference(HybridHeader(0, middle, 0).design_snr_db))]
        if len(indices) > 1:
            budgets.append(room(min(indices), len(SHARES) - 1))
        budgets = sorted(budget for budget in budgets if budget > 0)
        self.curve = rate_curve(codec, picture, budgets[0], budgets[-1]) if budgets else None
        # What an analog layer leaves of a residual depends little on the base: one base shows it for all.
        shown = codec.near(picture, budgets[0]) if self.curve is not None else None
        if shown is not None:
            base = codec.decode(shown)
            residual = (picture.float() - base.float()) / 255
            self.base_mse, self.statistics = float(residual.square().mean()), residual_code.describe(residual, base)

    def mse(self, index: int, share_index: int, snr_db: float) -> float | None:
        """Expected mean squared error with base and analog layer received; None where no base fits.

        Args:
            index: index of the design SNR.
            share_index: index of the analog layer's share of the power.
            snr_db: SNR of the channel in dB.
        """
        room = self.room(index, share_index)
        if self.curve is None or room < FEWEST * min(self.curve.bytes):
            return None
        mse = self.curve.mse_at(room) / 255**2
        if not share_index or not self.base_mse:
            return mse
        return mse * self._left(share_index, snr_db)

    def _left(self, share_index: int, snr_db: float) -> float:
        """Share of the residual's energy that remains as error behind an analog layer; computed once and kept."""
        key = (share_index, snr_db)
        if key not in self._kept:
            analog_snr = SHARES[share_index] * 10 ** (min(snr_db, 100.0) / 10)
            error = self.residual_code.expected_error(self.statistics, 2 * self.uses, analog_snr)
            self._kept[key] = error / self.base_mse
        return self._kept[key]


def _reference(design_snr_db: float) -> int:
    """Index of a share near the one that will be chosen; the residual of its base shows what analog layers leave."""
    about = min(MOST_REFERENCE, REFERENCE * 10 ** (-design_snr_db / 20))
    return min(range(1, len(SHARES)), key=lambda index: abs(SHARES[index] - about))


def choose_layout(
    expectation: HybridExpectation,
    indices: Sequence[int],
    design_snr_db: float,
    offsets_db: Sequence[float],
    floor_db: float,
    wanted: float | None = None,
) -> tuple[int, int] | None:
    """Choose the base's design SNR and the analog layer's share.

    Where the channel is known, :func:`deepjscc.systems.hybrid_plan.choose_share` says how. Over a distribution of
    SNRs the layout with the highest expected PSNR is taken.

    Args:
        expectation: expected errors of the image.
        indices: indices of the design SNRs to choose from.
        design_snr_db: design SNR of the plan, in dB.
        offsets_db: SNRs of the channel relative to that, in dB, equally likely; a single 0 if the channel is known.
        floor_db: how far below the base's design SNR the coarse layer arrives, in dB.
        wanted: the share that the user asks for; None lets the transmitter choose.

    Returns:
        Indices of design SNR and share; None where no base fits.
    """
    if len(offsets_db) == 1:
        index = snr_index(design_snr_db + offsets_db[0])
        share = choose_share(
            lambda one, snr_db: expectation.mse(index, SHARES.index(one), snr_db), design_snr_db, wanted
        )
        return None if share is None else (index, share)
    allowed = range(len(SHARES))
    if wanted is not None:
        allowed = range(n := min(allowed, key=lambda one: abs(SHARES[one] - wanted)), n + 1)
    best: tuple[float, int, int] | None = None
    for index in indices:
        base_db = HybridHeader(0, index, 0).design_snr_db
        for share in allowed:
            total = 0.0
            for offset_db in offsets_db:
                snr_db = design_snr_db + offset_db
                mse = expectation.mse(index, share, snr_db) if snr_db >= base_db - 1e-6 else math.nan
                if mse is None:
                    break
                lost = COARSE_PSNR_DB if floor_db and snr_db >= base_db - floor_db else OUTAGE_PSNR_DB
                total += lost if math.isnan(mse) else -10 * math.log10(max(mse, 1e-6))
            else:
                best = max(best or (-math.inf, 0, 0), (total, index, share))
    return None if best is None else best[1:]

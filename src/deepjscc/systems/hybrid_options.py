"""The options of a hybrid."""

from dataclasses import dataclass

from deepjscc.errors import UsageError
from deepjscc.systems.hybrid_plan import SHARES

FLOOR_DB = 10.0  # below the design SNR, where the coarse layer still arrives


@dataclass(frozen=True)
class HybridOptions:
    """The options that a user may set for a hybrid.

    Attributes:
        analog_share: share of the power that the analog layer has, from 0 to the largest of
            :data:`deepjscc.systems.hybrid_plan.SHARES`; None chooses it for each image by the expected error.
        floor_db: how far below the design SNR the coarse layer still arrives, in dB from 0 to 40; 0 sends none.
        margin_db: by how much the base is planned below the design SNR, in dB from 0 to 40.
        design_snr_db: the SNR in dB to plan for in place of the design SNR of the link; None takes that of the link.

    Raises:
        UsageError: a value outside its range.
    """

    analog_share: float | None = None
    floor_db: float = FLOOR_DB
    margin_db: float = 0.0
    design_snr_db: float | None = None

    def __post_init__(self) -> None:
        if self.analog_share is not None and not 0 <= self.analog_share <= SHARES[-1]:
            raise UsageError(
                f"the analog layer's share of the power must be from 0 to {SHARES[-1]:g}, not {self.analog_share:g}"
            )
        if not 0 <= self.floor_db <= 40 or not 0 <= self.margin_db <= 40:
            raise UsageError("the floor and the margin of a hybrid must be from 0 to 40 dB")


DEFAULT_OPTIONS = HybridOptions()

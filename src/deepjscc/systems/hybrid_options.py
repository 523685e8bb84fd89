"""The options of a hybrid that a user may set."""

from dataclasses import dataclass

from deepjscc.errors import UsageError
from deepjscc.systems.hybrid_plan import SHARES

FLOOR_DB = 10.0  # below the design SNR, where the coarse layer still arrives


@dataclass(frozen=True)
class HybridOptions:
    """What a user may ask of a hybrid.

    Attributes:
        analog_share: share of the power that the analog layer has; None: chosen for each image by expected error.
        floor_db: how far below the design SNR the coarse layer arrives; 0: there is none.
        margin_db: by how much the base is planned below the design SNR.
        design_snr_db: plan for this SNR whatever the transmitter believes; None: for the design SNR of the link.
    """

    analog_share: float | None = None
    floor_db: float = FLOOR_DB
    margin_db: float = 0.0
    design_snr_db: float | None = None

    def __post_init__(self) -> None:
        if self.analog_share is not None and not 0 <= self.analog_share <= SHARES[-1]:
            raise UsageError(f"the analog layer has 0 to {SHARES[-1]:g} of the power, not {self.analog_share:g}")
        if not 0 <= self.floor_db <= 40 or not 0 <= self.margin_db <= 40:
            raise UsageError("floor and margin of a hybrid lie between 0 and 40 dB")

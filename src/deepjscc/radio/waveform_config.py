"""How a frame is turned into samples: pulse, waveform, level and peaks."""

from dataclasses import dataclass, field

from deepjscc.radio.frame_header import Waveform
from deepjscc.radio.pulse import Pulse


@dataclass(frozen=True)
class WaveformConfig:
    """Parameters of the transmitted waveform.

    Attributes:
        pulse: pulse shape and sampling.
        waveform: of the image's symbols.
        amplitude: root mean square of the samples; full scale is 1.
        papr_db: limit in dB above the mean power at which peaks are clipped; None leaves them.
    """

    pulse: Pulse = field(default_factory=Pulse)
    waveform: Waveform = Waveform.SINGLE_CARRIER
    amplitude: float = 0.05
    papr_db: float | None = None

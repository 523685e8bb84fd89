"""The settings by which a frame is turned into samples: pulse, waveform, level and peaks."""

from dataclasses import dataclass, field

from deepjscc.radio.frame_header import PILOT_SPACINGS, Waveform
from deepjscc.radio.pulse import Pulse

DEFAULT_PAPR_DB = 10.5  # clips one sample of spread symbols in 70,000; that leaves an error of -62 dB


@dataclass(frozen=True)
class WaveformConfig:
    """Parameters of the transmitted waveform.

    Attributes:
        pulse: pulse shape and sampling.
        waveform: of the image's symbols.
        amplitude: root mean square of the samples; full scale is 1.
        papr_db: limit in dB above the mean power at which peaks are clipped; None leaves them.
        spread: whether to spread the image's symbols, so that the power is nearly constant.
        pilot_spacing: pulses of data between two groups of pilots among the symbols of a single carrier.
    """

    pulse: Pulse = field(default_factory=Pulse)
    waveform: Waveform = Waveform.SINGLE_CARRIER
    amplitude: float = 0.05
    papr_db: float | None = DEFAULT_PAPR_DB
    spread: bool = True
    pilot_spacing: int = PILOT_SPACINGS[0]

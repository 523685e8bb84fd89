"""From a candidate to a decoded header: acquisition, synchronisation and channel decoding."""

from dataclasses import dataclass, replace

import numpy as np

from deepjscc.errors import UsageError
from deepjscc.radio.detector import Candidate
from deepjscc.radio.frame import HEADER_BLOCKS, known_pulses
from deepjscc.radio.frame_header import FrameHeader
from deepjscc.radio.frame_sync import synchronise
from deepjscc.radio.frame_tracker import BLOCKS_PER_UPDATE, FrameTracker
from deepjscc.radio.protection import read_header
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.synchronise import Acquisition, acquire_near

OFFSET_TRIALS = (0.0, 2.5, -2.5, 5.0, -5.0)  # standard deviations of the carrier offset
MAX_SNR_DB_OF_TRIALS = -6.0  # above it one trial of the carrier offset suffices


@dataclass(frozen=True)
class HeaderResult:
    """A preamble, and its header where it could be decoded.

    Attributes:
        at: half symbol time of the frame's first pulse, fractional.
        cfo: estimated carrier offset in cycles per symbol time.
        snr_db: estimated SNR of an equalised symbol.
        header: None where it could not be decoded.
        tracker: behind the header; None where there is no header.
    """

    at: float
    cfo: float
    snr_db: float
    header: FrameHeader | None = None
    tracker: FrameTracker | None = None


def read_frame_header(buffer: SampleBuffer, candidate: Candidate, pulse: Pulse, max_uses: int) -> HeaderResult | None:
    """Acquire a candidate and decode its header.

    Args:
        buffer: matched-filtered samples, two per symbol time.
        candidate: position found by the search.
        pulse: pulse shape.
        max_uses: most symbols that a frame may have; a header that claims more counts as broken.

    Returns:
        None where the candidate is no preamble.
    """
    acquisition = acquire_near(buffer, candidate)
    if acquisition is None:
        return None
    tracker, header = _decode(buffer, acquisition, pulse)
    if header is None or header.uses > max_uses:
        return HeaderResult(acquisition.at, tracker.cfo, tracker.snr_db)
    # The whole header is known now, so that all of it serves to synchronise.
    known = known_pulses(header)
    refined = replace(acquisition, cfo=tracker.cfo, clock=tracker.clock)
    tracker = FrameTracker(synchronise(buffer, refined, pulse, known))
    tracker.skip_header(known)
    return HeaderResult(acquisition.at, tracker.cfo, tracker.snr_db, header, tracker)


def _decode(buffer: SampleBuffer, acquisition: Acquisition, pulse: Pulse) -> tuple[FrameTracker, FrameHeader | None]:
    """The header; in strong noise it is tried again with other carrier offsets within the estimate's error."""
    for sigmas in OFFSET_TRIALS:
        tracker = FrameTracker(synchronise(buffer, acquisition, pulse, offset_sigmas=sigmas))
        parts = [tracker.blocks(BLOCKS_PER_UPDATE) for _ in range(HEADER_BLOCKS // BLOCKS_PER_UPDATE)]
        noise = float(np.mean([part.noise_variance[0] for part in parts]))
        data = read_header(np.concatenate([part.symbols for part in parts]), noise)
        if data is not None:
            try:
                return tracker, FrameHeader.unpack(data)
            except UsageError:
                return tracker, None
        if tracker.snr_db > MAX_SNR_DB_OF_TRIALS:
            break
    return tracker, None

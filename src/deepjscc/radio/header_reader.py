"""Reading of headers: acquisition, synchronisation and channel decoding behind a candidate preamble."""

from dataclasses import dataclass, replace

import numpy as np

from deepjscc.errors import UsageError
from deepjscc.radio.detector import Candidate
from deepjscc.radio.frame import known_pulses
from deepjscc.radio.frame_header import HEADER_LENGTHS, FrameHeader
from deepjscc.radio.frame_sync import synchronise, synchronise_known
from deepjscc.radio.frame_tracker import BLOCKS_PER_UPDATE, FrameTracker
from deepjscc.radio.protection import DATA, OLD_HEADER_BLOCKS, OLD_HEADER_BYTES, read_header
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.sample_buffer import SampleBuffer
from deepjscc.radio.synchronise import Acquisition, acquire_near

OFFSET_TRIALS = (0.0, 2.5, -2.5, 5.0, -5.0)  # standard deviations of the carrier offset
MAX_SNR_DB_OF_TRIALS = -6.0  # above it one trial of the carrier offset suffices

LOST = "header lost"
OLD_VERSION = "a frame of version 1, sent by an older deepjscc; send it anew, or receive it with that release"


@dataclass(frozen=True)
class HeaderResult:
    """A preamble, and its header where it could be decoded.

    Attributes:
        at: half symbol time of the frame's first pulse, fractional.
        cfo: estimated carrier offset in cycles per symbol time.
        snr_db: estimated SNR of an equalised symbol.
        header: None where it could not be decoded.
        reason: why it could not be decoded; empty where it could.
        retry: header length in blocks with which to try again once its samples have come; None: this is the result.
        tracker: behind the header; None where there is no header.
    """

    at: float
    cfo: float
    snr_db: float
    header: FrameHeader | None = None
    reason: str = ""
    retry: int | None = None
    tracker: FrameTracker | None = None


def read_frame_header(
    buffer: SampleBuffer, candidate: Candidate, pulse: Pulse, max_uses: int, blocks: int
) -> HeaderResult | None:
    """Acquire a candidate and try to decode a header of a given length.

    Args:
        buffer: matched-filtered samples, two per symbol time.
        candidate: position found by the search.
        pulse: pulse shape.
        max_uses: most symbols that a frame may have; a header that claims more counts as broken.
        blocks: length of the header in blocks.

    Returns:
        None where the candidate is no preamble.
    """
    acquisition = acquire_near(buffer, candidate)
    if acquisition is None:
        return None
    tracker, header, reason = _decode(buffer, acquisition, pulse, blocks)
    if header is not None and header.uses > max_uses:
        too_many = f"{header.uses} symbols are more than this receiver takes"
        header, reason = None, too_many
    if header is None:
        longer = [length for length in HEADER_LENGTHS if length > blocks]
        retry = longer[0] if longer and reason == LOST else None
        return HeaderResult(acquisition.at, tracker.cfo, tracker.snr_db, reason=reason, retry=retry)
    if header.blocks > blocks:  # a longer header begins like a shorter one, and some of it is still to come
        return HeaderResult(acquisition.at, tracker.cfo, tracker.snr_db, retry=header.blocks)
    # The whole header is known now, so that all of it serves to synchronise.
    known = known_pulses(header)
    refined = replace(acquisition, cfo=tracker.cfo, clock=tracker.clock)
    tracker = FrameTracker(synchronise_known(buffer, refined, pulse, known))
    tracker.skip_header(known)
    return HeaderResult(acquisition.at, tracker.cfo, tracker.snr_db, header, tracker=tracker)


def _decode(
    buffer: SampleBuffer, acquisition: Acquisition, pulse: Pulse, blocks: int
) -> tuple[FrameTracker, FrameHeader | None, str]:
    """The header, or why there is none; in strong noise other carrier offsets within the estimate's error are tried."""
    longest = blocks == HEADER_LENGTHS[-1]
    for sigmas in OFFSET_TRIALS if longest else OFFSET_TRIALS[:1]:
        sync = synchronise(buffer, acquisition, pulse, header_blocks=blocks, offset_sigmas=sigmas)
        tracker = FrameTracker(sync)
        parts = [tracker.blocks(BLOCKS_PER_UPDATE) for _ in range(blocks // BLOCKS_PER_UPDATE)]
        symbols = np.concatenate([part.symbols for part in parts])
        noise = float(np.mean([part.noise_variance[0] for part in parts]))
        data = read_header(symbols, noise, FrameHeader.BYTES)
        if data is not None:
            try:
                return tracker, FrameHeader.unpack(data), ""
            except UsageError as error:
                return tracker, None, str(error)
        if longest and read_header(symbols[: OLD_HEADER_BLOCKS * DATA], noise, OLD_HEADER_BYTES) is not None:
            return tracker, None, OLD_VERSION
        if tracker.snr_db > MAX_SNR_DB_OF_TRIALS:
            break
    return tracker, None, LOST

"""Recordings of the golden test, and what the receiver makes of them; run this file to write the values anew.

The golden values hold the receiver's behaviour in place: waveforms, SNRs, carrier offsets, delays, echoes, broken
headers, frames that end early and frames that overlap.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from radio_frames import a_frame, a_header, gaussian, receive

from deepjscc.radio.events import HeaderLost
from deepjscc.radio.frame import header_end
from deepjscc.radio.frame_header import Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.spreading import choose_spreading

GOLDEN = Path(__file__).with_suffix(".json")
ECHOES = tuple(complex(gain) for gain in (1, *[0] * 8, 0.4j, *[0] * 12, -0.2))
CHANNELS = {
    "30 dB": Impairments(30.0),
    "10 dB, offset -1%": Impairments(10.0, -0.01, 3.5, 3.0),
    "0 dB, offset 0.5%": Impairments(0.0, 0.005, 0.37, 1.0),
    "-6 dB": Impairments(-6.0, 0.002, 0.3, 0.2),
    "echoes": Impairments(25.0, 0.003, 0.4, echoes=ECHOES),
}


def recordings() -> Iterator[tuple[str, np.ndarray, Pulse]]:
    """Name, samples and pulse of each recording."""
    pulse = Pulse()
    for waveform in Waveform:
        samples, _ = a_frame(a_header(1000, waveform=waveform))
        for name, channel in CHANNELS.items():
            noisy = impair(samples, channel, pulse, 1.0, np.random.default_rng(1))
            yield f"{waveform.name.lower()}, {name}", noisy, pulse
        spread = replace(a_header(1000, waveform=waveform), spreading=choose_spreading(gaussian(1000, 5)))
        noisy = impair(a_frame(spread)[0], CHANNELS["echoes"], pulse, 1.0, np.random.default_rng(1))
        yield f"{waveform.name.lower()}, spread, echoes", noisy, pulse
    clean, _ = a_frame(a_header(1000))
    for share in (0.05, 0.5, 0.85):
        yield f"first {share:g} of a frame", clean[: int(share * len(clean))], pulse
    late = np.pad(a_frame(a_header(1000, 9))[0], (30_000, 0))
    yield "two frames that overlap", np.pad(clean, (0, len(late) - len(clean))) + 10 * late, pulse
    broken = clean.copy()
    broken[2000 + 4 * 1016 : 2000 + 4 * header_end(16)] = gaussian(4 * (header_end(16) - 1016))
    yield "a broken header and a frame", np.concatenate([broken, clean]), pulse
    fast = Pulse(2, 0.25)
    yield "two samples per symbol", a_frame(a_header(1000), fast)[0], fast


def summary(samples: np.ndarray, pulse: Pulse) -> list[dict[str, Any]]:
    """What the receiver makes of a recording: estimates, counts, and symbols picked from all over the frame."""
    frames = []
    for frame in receive(samples, pulse)[0]:
        one: dict[str, Any] = {"sample": frame.sample, "cfo": round(frame.cfo, 10), "snr_db": round(frame.snr_db, 4)}
        if not isinstance(frame, HeaderLost):
            symbols, _ = frame.all_symbols()
            picked = symbols[:: max(len(symbols) // 5, 1)][:5]
            one |= {
                "header": frame.header.pack().hex(),
                "side_info": [None if part is None else part.hex() for part in frame.side_info],
                "received": frame.received,
                "complete": frame.complete,
                "symbols": [[round(float(part), 6) for part in (value.real, value.imag)] for value in picked],
                "noise_variance": round(float(np.concatenate([np.zeros(1), *frame.noise_variance]).mean()), 8),
            }
        frames.append(one)
    return frames


if __name__ == "__main__":
    golden = {name: summary(samples, pulse) for name, samples, pulse in recordings()}
    lines = [f"{json.dumps(name)}: {json.dumps(frames)}" for name, frames in golden.items()]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")

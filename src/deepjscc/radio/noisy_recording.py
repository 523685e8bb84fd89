"""Passes a recorded waveform through a channel into another recording, so that `rx` can be tried without a radio."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import read_text_file
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.iq_file import paths
from deepjscc.radio.pulse import Pulse, Samples
from deepjscc.radio.sample_files import Recorder, open_recording


def is_waveform(path: Path) -> bool:
    """Return whether a recording holds samples of a waveform (`tx`), not symbols (`encode`)."""
    if path.suffix == ".cf32":
        return True
    try:
        metadata = json.loads(read_text_file(paths(path)[0]))
    except (DeepJSCCError, ValueError, RecursionError):
        return False  # whoever reads the recording says what is wrong with it
    return isinstance(metadata, dict) and "deepjscc:frame" not in (metadata.get("global") or {})


def impair_recording(
    path: Path, output: Path, by: Impairments, pulse: Pulse, generator: np.random.Generator
) -> dict[str, Any]:
    """Pass a recorded waveform through a channel.

    Args:
        path: recording of `tx`, SigMF or raw cf32.
        output: recording to write.
        by: the channel's and the receiver's impairments.
        pulse: pulse shape and sampling of the transmitter.
        generator: random generator of the noise.

    Returns:
        The file, the number of samples, and the level that the SNR refers to.

    Raises:
        UsageError: an unknown suffix.
        DeepJSCCError: a recording that cannot be read or holds silence only, or a file that cannot be written.
    """
    meta = path if path.suffix == ".cf32" else paths(path)[0]
    reader = open_recording(meta)
    try:
        samples = np.concatenate([np.empty(0, np.complex64), *reader])
    finally:
        reader.close()
    level = signal_level(samples)
    if level == 0:
        raise DeepJSCCError(f"{path}: the recording holds silence only")
    target = output if output.suffix in (".cf32", ".sigmf-meta") else paths(output)[0]
    recorder = Recorder(target)
    try:
        recorder.append(impair(samples, by, pulse, level, generator))
        recorder.write()
    finally:
        recorder.close()
    return {"file": str(target), "samples": len(samples), "snr_db": by.snr_db, "level": level}


def signal_level(samples: Samples) -> float:
    """Root mean square of the samples that are not silent: of those in blocks above a hundredth of the peak's power.

    Frames have nearly constant power, so that silence between them does not count; 0 where all is silence.
    """
    block = 64
    power = np.abs(np.pad(samples, (0, -len(samples) % block))).astype(np.float64).reshape(-1, block) ** 2
    means = power.mean(1)
    loud = means > 0.01 * means.max(initial=0.0)
    return float(np.sqrt(means[loud].mean())) if loud.any() else 0.0


def parse_echo(text: str) -> tuple[int, complex]:
    """An echo given as ``DELAY:GAIN_DB`` or ``DELAY:GAIN_DB:PHASE_DEG``, the delay in whole samples.

    Raises:
        UsageError: another text.
    """
    try:
        delay, gain_db, *phase = text.split(":")
        samples, angle = int(delay), float(phase[0]) if phase else 0.0
        gain = 10 ** (float(gain_db) / 20) * np.exp(1j * np.deg2rad(angle))
        if len(phase) > 1 or not 0 < samples <= 10_000 or not np.isfinite(gain):
            raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not an echo; write DELAY:GAIN_DB, for example 9:-8 or 9:-8:90") from None
    return samples, complex(gain)


def impulse_response(echoes: list[tuple[int, complex]]) -> tuple[complex, ...]:
    """The direct path and echoes as gains, one per sample."""
    taps = np.zeros(1 + max((delay for delay, _ in echoes), default=0), dtype=np.complex128)
    taps[0] = 1
    for delay, gain in echoes:
        taps[delay] += gain
    return tuple(complex(tap) for tap in taps)

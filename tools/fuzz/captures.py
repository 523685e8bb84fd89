"""Radio captures of real frames, hybrid ones among them, through faulty channels and receivers and with forged headers.

    python tools/fuzz/captures.py --count 1000 --seed 0

A capture must give events alone: no exception, no header that was not sent, and no picture of pixels but those of the
frame. Every third capture has a header of one of 22 kinds of forgery, with a checksum that is right. It prints what
came of the captures; any exception ends it.
"""

import json
import sys
import time
from collections import Counter
from dataclasses import replace
from struct import error as StructError

import numpy as np
import torch
from targets import arguments

from deepjscc.data.samples import sample_path
from deepjscc.errors import DeepJSCCError
from deepjscc.images import from_picture, to_float
from deepjscc.open_image import open_rgb
from deepjscc.radio.events import HeaderLost, Reception, receptions
from deepjscc.radio.frame_header import FrameHeader, Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Pulse
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.transmitter import put_in_frame, shape_frame
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.systems.transceivers import load_transceiver, transceiver_hash
from deepjscc.types import LinkPlan

PULSE = Pulse()
MODELS = ("linear", "universal-s", "jpeg2000+ldpc-fine+hybrid", "webp+ldpc-fine+hybrid")
MOST_USES = 1 << 20
SLOW_S = 30.0


def forgeries(header: FrameHeader, draws: np.random.Generator) -> list[dict[str, object]]:
    """What a forged header says instead of what is true."""
    size = [1, 8, 63, 65, 1000, 6000]
    hashes = [transceiver_hash(name) for name in MODELS]
    return [
        {"weights_hash": str(draws.choice(hashes))},
        {"weights_hash": draws.bytes(6).hex()},
        {"height": int(draws.choice(size))},
        {"width": int(draws.choice(size))},
        {"height": header.width, "width": header.height},
        {"height": 6000, "width": 6000},
        {"uses": 1},
        {"uses": header.uses - 1},
        {"uses": header.uses + 1},
        {"uses": 2 * header.uses},
        {"uses": 3 * header.height * header.width},
        {"strong": b""},
        {"strong": draws.bytes(4)},
        {"strong": bytes(3)},
        {"weak_bytes": 0, "weak_eighths": 0},
        {"weak_bytes": int(draws.integers(1, 1 << 11)), "weak_eighths": int(draws.integers(1, 15))},
        {"waveform": Waveform(1 - header.waveform)},
        {"spreading": None},
        {"spreading": tuple(int(share) for share in draws.integers(0, 16, 16))},
        {"pilot_spacing": 240 if header.pilot_spacing == 480 else 480},
        {"base_design": 255, "base_bytes": 1 << 20},
        {"blocks": int(draws.choice([4, 8, 16, 32])), "sequence": 77},
    ]


class Frames:
    """Frames of a small picture by every model and waveform, encoded once."""

    def __init__(self) -> None:
        image = from_picture(open_rgb(sample_path("coffee")).crop((300, 200, 396, 264)))
        self._sent = []
        for name in MODELS:
            with torch.no_grad():
                encoded = load_transceiver(name).encode(to_float(image), LinkPlan(torch.tensor([10.0]), 1 / 4))
            for waveform in Waveform:
                config = WaveformConfig(PULSE, waveform, amplitude=1.0)
                size = (image.shape[1], image.shape[2])
                self._sent.append((*put_in_frame(encoded, size, transceiver_hash(name), config, 10.0, 7), config))

    def draw(self, forged: int | None, draws: np.random.Generator) -> tuple[FrameHeader, np.ndarray]:
        """A header, and the samples of its frame; ``forged``: the kind of forgery."""
        header, symbols, weak, config = self._sent[draws.integers(len(self._sent))]
        if forged is not None:
            kinds = forgeries(header, draws)
            header = replace(header, **kinds[forged % len(kinds)])
            symbols = np.resize(symbols, header.uses)
            weak = np.resize(np.frombuffer(weak or b"x", np.uint8), header.weak_bytes).tobytes()
        return header, np.pad(shape_frame(header, symbols, weak, config)[0], 2000)


def faults(draws: np.random.Generator) -> Impairments:
    """A random channel and a random receiver."""
    echoes = np.zeros(12, dtype=complex)
    echoes[0], echoes[draws.integers(1, 12)] = 1, 0.4 * draws.random() * np.exp(6j * draws.random())
    here = draws.random(5) < 0.4
    return Impairments(
        snr_db=draws.uniform(-5, 35),
        cfo=draws.uniform(-0.01, 0.01),
        delay=draws.uniform(0, 500),
        phase=draws.uniform(0, 6),
        echoes=tuple(echoes) if here[0] else (1 + 0j,),
        dc_db=draws.uniform(-40, 10) if here[1] else -np.inf,
        iq_gain_db=draws.uniform(-3, 3) if here[2] else 0.0,
        iq_phase_deg=draws.uniform(-15, 15) if here[2] else 0.0,
        spur_db=draws.uniform(-40, 10) if here[3] else -np.inf,
        spur_frequency=draws.uniform(-0.6, 0.6),
    )


def damage(samples: np.ndarray, draws: np.random.Generator) -> None:
    """Replace, scale, turn and move runs of samples."""
    for _ in range(draws.integers(0, 4)):
        first, length = draws.integers(0, len(samples)), draws.integers(1, 5_000)
        part = samples[first : first + length]
        match draws.integers(6):
            case 0:
                part[:] = draws.standard_normal((len(part), 2)).view(np.complex128)[:, 0]
            case 1:
                part *= 10 ** draws.uniform(-6, 9)
            case 2:
                part[:] = part[::-1].copy()
            case 3:
                part[:] = np.roll(part, draws.integers(1, 1000))
            case 4:
                part[:] = draws.choice([np.nan, np.inf, 0, 1e20, 3])
            case 5:
                part *= np.exp(1j * draws.uniform(-3, 3) * np.arange(len(part)))


def main(count: int, seed: int) -> int:
    """Run it; the exit code."""
    torch.set_num_threads(1)
    frames, decoder, tally, slowest = Frames(), PictureDecoder(max_pixels=1_000_000), Counter[str](), 0.0
    for trial in range(count):
        draws = np.random.default_rng([seed, trial])
        try:
            header, samples = frames.draw(trial // 3 if trial % 3 == 0 else None, draws)
        except (DeepJSCCError, ValueError, StructError):
            tally["headers that the format refuses"] += 1
            continue
        samples = impair(samples, faults(draws), PULSE, 1.0, draws)
        damage(samples, draws)
        clock = time.perf_counter()
        receiver = Receiver(PULSE, MOST_USES)
        for one in receptions([*receiver.push(samples), *receiver.flush()]):
            if isinstance(one, HeaderLost):
                tally["headers lost"] += 1
            if not isinstance(one, Reception):
                continue
            tally["headers read"] += 1
            tally["headers wrong"] += one.header != header
            try:
                picture = decoder.decode(one).image
                tally["pictures"] += 1
                assert picture.shape == (3, *one.header.size)
            except DeepJSCCError:
                tally["frames refused"] += 1
        slowest = max(slowest, time.perf_counter() - clock)
        if (trial + 1) % 500 == 0 or trial + 1 == count:
            print(json.dumps({"captures": trial + 1, **tally, "slowest_s": round(slowest, 2)}), flush=True)
    return int(tally["headers wrong"] > 0 or slowest > SLOW_S)


if __name__ == "__main__":
    options = arguments(__doc__)
    sys.exit(main(options.count, options.seed))

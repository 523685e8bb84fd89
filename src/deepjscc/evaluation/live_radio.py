"""The view of a radio link that the page shows: `tx` and `rx` in one process, with a simulated channel between them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from PIL import Image

from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.live import POINTS, Setting
from deepjscc.evaluation.quality import quality
from deepjscc.images import from_picture, to_float, to_picture
from deepjscc.radio.events import FrameAssembler, HeaderLost, Reception, SymbolsReceived
from deepjscc.radio.frame_header import Waveform
from deepjscc.radio.impairments import Impairments, impair
from deepjscc.radio.noisy_recording import impulse_response, parse_echo
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Samples
from deepjscc.radio.receive_images import FIRST_SHARE
from deepjscc.radio.receiver import Receiver
from deepjscc.radio.spectrum import power_spectrum
from deepjscc.radio.transmitter import GUARD, Burst, picture_burst
from deepjscc.radio.waveform_config import WaveformConfig
from deepjscc.radio.zadoff_chu import Pulses

LEAD = 1000  # samples of silence before the frame
DELAY = 0.4  # of the channel, in samples: the receiver's clock does not agree with the transmitter's
ECHO = "9:-8:90"  # delay in samples, gain in dB, phase in degrees
CHUNKS = 32  # in which the samples reach the receiver
Spectrum = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class RadioSetting:
    """The waveform and the impairments of the radio channel beside its noise.

    Attributes:
        waveform: "single-carrier" or "ofdm".
        cfo: carrier frequency offset in cycles per symbol time; the receiver finds frames up to 0.012.
        echo: whether there is an echo 8 dB below the direct path, 9 samples (2.25 symbol times) behind it.
    """

    waveform: Literal["single-carrier", "ofdm"] = "single-carrier"
    cfo: float = 0.0
    echo: bool = False

    def impairments(self, snr_db: float) -> Impairments:
        """The channel at an SNR in dB, after the matched filter."""
        echoes = impulse_response([parse_echo(ECHO)] if self.echo else [])
        return Impairments(snr_db, self.cfo, DELAY, echoes=echoes)


@dataclass(frozen=True)
class RadioSignal:
    """A frame at the transmitter and at the receiver's antenna.

    Attributes:
        burst: the transmitted frame, with its report.
        config: parameters of its waveform.
        received: samples at the receiver, with silence before and after the frame.
    """

    burst: Burst
    config: WaveformConfig
    received: Samples = field(repr=False)

    @cached_property
    def spectra(self) -> tuple[Spectrum, Spectrum]:
        """Frequencies and densities of the transmitted frame and of the received one; see :func:`power_spectrum`."""
        pulse = self.config.pulse
        sent = self.burst.samples[: -GUARD * pulse.samples_per_symbol]
        received = self.received[LEAD : LEAD + len(sent)]
        before, after = (power_spectrum(samples, pulse, self.config.amplitude) for samples in (sent, received))
        return before, after


@dataclass(frozen=True)
class Snapshot:
    """What the receiver knows at one moment.

    Attributes:
        samples: number of samples received so far.
        total_samples: number of samples of the whole signal.
        status: "searching for a frame", "receiving", "ok", or why there is no picture.
        frame: the frame as far as it has been received; None where none has been found.
        sent_symbols, received_symbols: some of the symbols received so far, as sent and as equalised.
        picture: the latest decoded picture; None before the first.
        psnr_db: its PSNR.
        layers: names of the layers that arrived, such as base+analog; None of a model without layers.
    """

    samples: int
    total_samples: int
    status: str
    frame: Reception | None
    sent_symbols: Pulses = field(repr=False)
    received_symbols: Pulses = field(repr=False)
    picture: Image.Image | None = None
    psnr_db: float | None = None
    layers: str | None = None


def send_by_radio(picture: Image.Image, setting: Setting, radio: RadioSetting) -> RadioSignal:
    """Encode a picture, shape its frame as `tx` does, and pass it through a channel of white noise.

    Args:
        picture: 8-bit RGB.
        setting: model, SNR (which the transmitter plans for) and bandwidth ratio; its channel is not used.
        radio: waveform and impairments.

    Raises:
        UsageError: a model that has no symbols, or a bandwidth that it cannot make.
    """
    kind = Waveform.OFDM if radio.waveform == "ofdm" else Waveform.SINGLE_CARRIER
    config = WaveformConfig(waveform=kind)
    burst = picture_burst(from_picture(picture), setting.model, config, setting.snr_db, setting.model_ratio())
    padded = np.pad(burst.samples, (LEAD, 0))
    by, draws = radio.impairments(setting.snr_db), np.random.default_rng(setting.seed)
    return RadioSignal(burst, config, impair(padded, by, config.pulse, config.amplitude, draws))


def receive_by_radio(picture: Image.Image, signal: RadioSignal) -> Iterator[Snapshot]:
    """Receive the samples piece by piece, as `rx --progressive` does.

    Args:
        picture: what was sent, with which the decoded picture is compared.
        signal: the received signal.

    Yields:
        What is known before the first sample, whenever twice as many symbols have come, and at the end.
    """
    receiver, decoder, assembler = Receiver(signal.config.pulse), PictureDecoder(), FrameAssembler()
    nothing, total, share = signal.burst.symbols[:0], len(signal.received), FIRST_SHARE
    view = Snapshot(0, total, "searching for a frame", None, nothing, nothing)
    yield view
    failure, count = "no frame was found", 0
    for samples in (*np.array_split(signal.received, CHUNKS), None):
        count += 0 if samples is None else len(samples)
        for event in receiver.flush() if samples is None else receiver.push(samples):
            ended = assembler.add(event)
            if isinstance(ended, HeaderLost):
                failure = f"a frame was found, but its header could not be decoded: {ended.reason}"
            elif ended is not None:
                view = _with_symbols(view, signal, ended, count)
                yield _with_picture(view, picture, decoder, "ok" if ended.complete else "cut short")
                return
            frame = assembler.so_far() if isinstance(event, SymbolsReceived) else None
            if frame is not None and share <= frame.received / frame.header.uses < 1:
                share = 2 * frame.received / frame.header.uses
                view = _with_symbols(view, signal, frame, count)
                if decoder.in_order_of_importance(frame.header):
                    view = _with_picture(view, picture, decoder, view.status)
                yield view
    yield replace(view, samples=total, status=failure)


def _with_symbols(view: Snapshot, signal: RadioSignal, frame: Reception, samples: int) -> Snapshot:
    """The view after so many samples: the frame, and as many of its symbols as a constellation shows."""
    symbols, noise_variance = frame.all_symbols()
    there = np.flatnonzero(np.isfinite(noise_variance))
    there = there[:: max(1, len(there) // POINTS)]
    sent = signal.burst.symbols[there]
    return replace(
        view, samples=samples, status="receiving", frame=frame, sent_symbols=sent, received_symbols=symbols[there]
    )


def _with_picture(view: Snapshot, picture: Image.Image, decoder: PictureDecoder, status: str) -> Snapshot:
    """The view with the picture decoded from the symbols received so far; if it cannot be, the status says why."""
    assert view.frame is not None
    try:
        image, layers = decoder.decode(view.frame)
    except DeepJSCCError as error:
        return replace(view, status=str(error))
    sent = to_float(from_picture(picture))
    (psnr_db,) = quality(sent, to_float(image), with_structure=False)["psnr_db"]
    return replace(view, status=status, picture=to_picture(image), psnr_db=psnr_db, layers=layers)

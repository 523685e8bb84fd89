"""`deepjscc tx`: pictures to samples of a radio signal, written to a file, a socket or a pipe."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from deepjscc.cli.common import DesignSnr, Json, MaxPixels, Ratio, picture_path, print_json, print_note
from deepjscc.defaults import HYBRID, MAX_PIXELS
from deepjscc.units import parse_design_snr, parse_ratio


def tx(
    images: Annotated[list[str], Parameter(negative="")],
    /,
    *,
    to: Annotated[
        str,
        Parameter(
            allow_leading_hyphen=True,
            help="Destination: NAME.sigmf-meta, NAME.cf32, zmq://127.0.0.1:5555, or - (pipe of cf32).",
        ),
    ],
    snr_db: DesignSnr = "10",
    bandwidth_ratio: Ratio = None,
    model: str = HYBRID,
    margin_db: Annotated[
        float | None,
        Parameter(help="How far in dB the SNR may fall before side information is lost; the default is 6 dB."),
    ] = None,
    waveform: Annotated[
        Literal["single-carrier", "ofdm"], Parameter(help="Waveform of the image's symbols.")
    ] = "single-carrier",
    samples_per_symbol: Annotated[int, Parameter(help="Samples per symbol time, even, from 2 to 16.")] = 4,
    roll_off: Annotated[float, Parameter(help="Roll-off of the root-raised-cosine pulses.")] = 0.25,
    amplitude: Annotated[float, Parameter(help="Root mean square of the samples; full scale is 1.")] = 0.05,
    papr_db: Annotated[
        float, Parameter(help="Clip peaks at this many dB above the mean power; inf leaves them.")
    ] = 10.5,
    spread: Annotated[bool, Parameter(help="Spread the symbols, so that the power is nearly constant.")] = True,
    pilot_spacing: Annotated[
        Literal[480, 240], Parameter(help="Symbols between pilots of a single carrier; 240 if the phase changes fast.")
    ] = 480,
    datatype: Annotated[
        Literal["cf32_le", "ci16_le"], Parameter(help="Sample format of a SigMF recording.")
    ] = "cf32_le",
    sample_rate_hz: Annotated[
        float | None, Parameter(help="Sample rate for the metadata of a SigMF recording.")
    ] = None,
    repeat: Annotated[int, Parameter(help="How many times to send all pictures.")] = 1,
    wait_s: Annotated[float, Parameter(help="Seconds for which a socket waits for its first subscriber.")] = 60.0,
    public: Annotated[bool, Parameter(negative="", help="Allow other machines to connect to a socket.")] = False,
    max_pixels: MaxPixels = MAX_PIXELS,
    json: Json = False,
) -> None:
    """Send pictures as a radio signal, one frame per picture.

    Args:
        images: Pictures, or sample:coffee.
        model: Name in the zoo (see deepjscc models), or a .safetensors checkpoint.
    """
    design_snr_db, spread_db = parse_design_snr(snr_db)
    ratio = None if bandwidth_ratio is None else parse_ratio(bandwidth_ratio)

    from deepjscc.images import read_image
    from deepjscc.radio.frame_header import Waveform
    from deepjscc.radio.pulse import Pulse
    from deepjscc.radio.sinks import open_sink
    from deepjscc.radio.transmitter import picture_burst
    from deepjscc.radio.waveform_config import WaveformConfig

    kind = Waveform.OFDM if waveform == "ofdm" else Waveform.SINGLE_CARRIER
    config = WaveformConfig(Pulse(samples_per_symbol, roll_off), kind, amplitude, papr_db, spread, pilot_spacing)
    names = [str(image) for image in images] * max(repeat, 1)
    pictures = {name: read_image(picture_path(name), max_pixels) for name in dict.fromkeys(names)}
    sink = open_sink(to, datatype=datatype, sample_rate_hz=sample_rate_hz, public=public, wait_s=wait_s)
    reports = []
    with sink:
        for sequence, name in enumerate(names):
            burst = picture_burst(
                pictures[name], model, config, design_snr_db, ratio, margin_db, sequence, snr_spread_db=spread_db
            )
            sink.send(burst, f"{Path(name).name}, frame {sequence}")
            if json:
                reports.append({"image": name, "frame": sequence} | burst.report)
            else:
                print_note(burst.line(name))
    print_note(sink.note())
    if json and to != "-":
        print_json(reports)

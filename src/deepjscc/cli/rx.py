"""`deepjscc rx`: receives pictures from a radio signal in a file, a socket or a pipe."""

import json as json_module
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, finite, print_note
from deepjscc.errors import UsageError


def rx(
    *,
    source: Annotated[
        str,
        Parameter(
            name="--from",
            allow_leading_hyphen=True,
            help="Source: NAME.sigmf-meta, NAME.cf32, zmq://127.0.0.1:5555, or - (pipe of cf32).",
        ),
    ],
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the pictures.")],
    model: Annotated[tuple[Path, ...], Parameter(negative="", help="Checkpoints that are not in the zoo.")] = (),
    samples_per_symbol: Annotated[int, Parameter(help="Samples per symbol time, as at the transmitter.")] = 4,
    roll_off: Annotated[float, Parameter(help="Roll-off of the pulses, as at the transmitter.")] = 0.25,
    frames: Annotated[int | None, Parameter(help="Stop after this many frames.")] = None,
    progressive: Annotated[
        bool, Parameter(negative="", help="Write a picture repeatedly while its symbols arrive.")
    ] = False,
    max_megapixels: Annotated[float, Parameter(help="Largest picture that is decoded, in megapixels.")] = 40.0,
    json: Json = False,
) -> None:
    """Receive pictures until the signal ends or the program is stopped, and print a line for every frame."""
    if frames is not None and frames < 1:
        raise UsageError("--frames must be at least 1")

    from deepjscc.radio.picture_decoder import PictureDecoder
    from deepjscc.radio.pulse import Pulse
    from deepjscc.radio.receive_images import receive_images
    from deepjscc.radio.receiver import Receiver
    from deepjscc.radio.sources import make_folder, open_source, warm_up

    make_folder(output)
    receiver = Receiver(Pulse(samples_per_symbol, roll_off))
    decoder = PictureDecoder(model, round(max_megapixels * 1e6))
    warm_up()
    stream, pictures = open_source(source), 0
    print_note(f"receiving from {source}")
    signal.signal(signal.SIGTERM, _stop)
    reports = receive_images(stream, receiver, decoder, output, progressive=progressive)
    try:
        for count, report in enumerate(reports, 1):
            pictures += report.file is not None
            print(json_module.dumps(finite(report.numbers())) if json else report.line(), flush=True)
            if count == frames:
                break
    except KeyboardInterrupt:
        print("deepjscc: stopped", file=sys.stderr)
    finally:
        stream.close()
    print_note(f"{pictures} pictures in {receiver.samples} samples, {receiver.lost_headers} headers lost")
    for note in (receiver.note(), stream.note()):
        print_note(note)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

"""`deepjscc rx`: a radio signal from a file, a socket or a pipe to pictures."""

import json as json_module
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import Parameter

from deepjscc.cli.common import Json, finite, say
from deepjscc.errors import UsageError


def rx(
    *,
    source: Annotated[
        str,
        Parameter(
            name="--from",
            allow_leading_hyphen=True,
            help="NAME.sigmf-meta, NAME.cf32, zmq://127.0.0.1:5555, or - (pipe of cf32).",
        ),
    ],
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the pictures.")],
    model: Annotated[tuple[Path, ...], Parameter(negative="", help="Checkpoints that are not of the zoo.")] = (),
    samples_per_symbol: Annotated[int, Parameter(help="As sent.")] = 4,
    roll_off: Annotated[float, Parameter(help="As sent.")] = 0.25,
    frames: Annotated[int | None, Parameter(help="Stop after so many.")] = None,
    progressive: Annotated[
        bool, Parameter(negative="", help="Write a picture again and again while its symbols come.")
    ] = False,
    max_megapixels: Annotated[float, Parameter(help="Larger pictures are not decoded.")] = 40.0,
    json: Json = False,
) -> None:
    """Receive pictures until the signal ends or the program is stopped: a line for every frame that is heard."""
    if frames is not None and frames < 1:
        raise UsageError("--frames is at least 1")

    from deepjscc.radio.listen import listen
    from deepjscc.radio.picture_decoder import PictureDecoder
    from deepjscc.radio.pulse import Pulse
    from deepjscc.radio.receiver import Receiver
    from deepjscc.radio.sources import make_folder, open_source, warm_up

    make_folder(output)
    receiver = Receiver(Pulse(samples_per_symbol, roll_off))
    decoder = PictureDecoder(model, round(max_megapixels * 1e6))
    warm_up()
    stream, pictures = open_source(source), 0
    say(f"listening to {source}")
    signal.signal(signal.SIGTERM, _stop)
    try:
        for count, report in enumerate(listen(stream, receiver, decoder, output, progressive=progressive), 1):
            pictures += report.file is not None
            print(json_module.dumps(finite(report.numbers())) if json else report.line(), flush=True)
            if count == frames:
                break
    except KeyboardInterrupt:
        print("deepjscc: stopped", file=sys.stderr)
    finally:
        stream.close()
    say(f"{pictures} pictures in {receiver.samples} samples, {receiver.lost_headers} headers lost")
    for note in (receiver.note(), stream.note()):
        say(note)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

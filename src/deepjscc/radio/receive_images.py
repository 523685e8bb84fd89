"""Receives pictures: samples from a source, pictures into a folder, and a report of every frame."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepjscc.errors import DeepJSCCError
from deepjscc.images import write_image
from deepjscc.radio.events import Event, FrameAssembler, FrameStarted, HeaderLost, Reception, SymbolsReceived
from deepjscc.radio.header_reader import LOST
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Samples
from deepjscc.radio.receiver import Receiver

FIRST_SHARE = 1 / 16  # of the symbols, after which a picture is first written; then whenever twice as many have come


@dataclass(frozen=True)
class FrameReport:
    """The report of a frame.

    Attributes:
        number: number of the frame, from 1; lost headers count.
        frame: what was received.
        status: "ok", "cut short", "header lost", or why there is no picture.
        model: name of the model; None where it is unknown.
        file: the picture's file; None where there is none.
        layers: names of the layers that arrived, such as base+analog; None of a model without layers.
        estimated_psnr_db: of the picture, by the receiver itself; None where it cannot tell.
    """

    number: int
    frame: Reception | HeaderLost
    status: str
    model: str | None = None
    file: Path | None = None
    layers: str | None = None
    estimated_psnr_db: float | None = None

    def numbers(self) -> dict[str, Any]:
        """The report as JSON values."""
        frame = self.frame
        known: dict[str, Any] = {"header": "lost"}
        if isinstance(frame, Reception):
            known = {
                "header": "ok",
                "sequence": frame.header.sequence,
                "model": self.model or frame.header.weights_hash,
                "width": frame.header.width,
                "height": frame.header.height,
                "symbols": frame.header.uses,
                "symbols_received": frame.received,
                "bandwidth_ratio": frame.header.bandwidth_ratio,
                "side_info_lost": None in frame.side_info,
            }
        return {
            "frame": self.number,
            "sample": frame.sample,
            "snr_db": frame.snr_db,
            "cfo": frame.cfo,
            **known,
            "status": self.status,
            "file": None if self.file is None else str(self.file),
            **({} if self.layers is None else {"layers": self.layers}),
            **({} if self.estimated_psnr_db is None else {"estimated_psnr_db": self.estimated_psnr_db}),
        }

    def line(self) -> str:
        """The report as one line of text."""
        frame = self.frame
        start = (
            f"frame {self.number} at sample {frame.sample}: SNR {frame.snr_db:.1f} dB, "
            f"CFO {100 * frame.cfo:+.4f}% of the symbol rate, header "
        )
        if isinstance(frame, HeaderLost):
            return f"{start}lost" if self.status == LOST else f"{start}not usable: {self.status}"
        lost = ", side information lost" if None in frame.side_info else ""
        received = f"{frame.received} of {frame.header.uses} symbols"
        end = f"{self.file}" if self.file else f"no picture: {self.status}"
        said = [self.status] if self.status != "ok" else []
        said += [] if self.layers is None else [f"received: {self.layers or 'no layer'}"]
        said += [] if self.estimated_psnr_db is None else [f"about {self.estimated_psnr_db:.1f} dB"]
        note = f" ({'; '.join(said)})" if self.file and said else ""
        return f"{start}ok, {frame.header.width}x{frame.header.height}, {received}{lost}: {end}{note}"


def receive_images(
    source: Iterable[Samples | None],
    receiver: Receiver,
    decoder: PictureDecoder,
    folder: Path,
    *,
    progressive: bool = False,
) -> Iterator[FrameReport]:
    """Receive pictures until the source ends.

    Args:
        source: chunks of samples; None where none have come for a while, so that the current frame has ended.
        receiver: demodulates the samples.
        decoder: decodes the pictures.
        folder: folder of the files ``picture-00001.png`` and so on; files that are there are kept.
        progressive: write a picture repeatedly while its symbols come, where the model allows it.

    Yields:
        A report of every frame, when it is over.

    Raises:
        DeepJSCCError: a picture cannot be written.
    """
    session = FrameSession(decoder, folder, progressive=progressive)
    for samples in source:
        for event in receiver.flush() if samples is None else receiver.push(samples):
            yield from session.add(event)
    for event in receiver.flush():
        yield from session.add(event)


class FrameSession:
    """Turns the receiver's events into pictures and reports, one frame at a time.

    Args:
        decoder: decodes the pictures.
        folder: folder of the pictures.
        progressive: write a picture repeatedly while its symbols come.
    """

    def __init__(self, decoder: PictureDecoder, folder: Path, *, progressive: bool) -> None:
        self._decoder, self._folder, self._progressive = decoder, folder, progressive
        self._assembler = FrameAssembler()
        self._frames, self._next_share = 0, FIRST_SHARE
        self._first = _last_number(folder)

    def add(self, event: Event) -> Iterator[FrameReport]:
        """Process the next event.

        Yields:
            The report of a frame that is over.
        """
        if isinstance(event, HeaderLost | FrameStarted):
            self._frames, self._next_share = self._frames + 1, FIRST_SHARE
        result = self._assembler.add(event)
        if isinstance(result, HeaderLost):
            yield FrameReport(self._frames, result, result.reason)
        elif result is not None:
            yield self._finish(result)
        elif self._progressive and isinstance(event, SymbolsReceived):
            self._write_preview()

    def _finish(self, frame: Reception) -> FrameReport:
        """Decode and write the picture of a frame that is over."""
        model = None
        try:
            model = self._decoder.name(frame.header)
            picture = self._decoder.decode(frame)
        except DeepJSCCError as error:
            return FrameReport(self._frames, frame, str(error), model)
        path = self._path()
        write_image(picture.image, path)
        status = "ok" if frame.complete else "cut short"
        return FrameReport(self._frames, frame, status, model, path, picture.layers, picture.estimated_psnr_db)

    def _write_preview(self) -> None:
        """Write the picture from the symbols received so far, if enough have come since the last time."""
        frame = self._assembler.so_far()
        if frame is None or not self._next_share <= frame.received / frame.header.uses < 1:
            return
        self._next_share = 2 * frame.received / frame.header.uses
        try:
            if self._decoder.in_order_of_importance(frame.header):
                write_image(self._decoder.decode(frame).image, self._path())
        except DeepJSCCError:
            return  # the report at the frame's end says why

    def _path(self) -> Path:
        return self._folder / f"picture-{self._first + self._frames:05}.png"


def _last_number(folder: Path) -> int:
    """The highest number of a picture in a folder; 0 where there is none."""
    numbers = (re.fullmatch(r"picture-(\d+)\.png", file.name) for file in folder.glob("picture-*.png"))
    return max((int(match[1]) for match in numbers if match), default=0)

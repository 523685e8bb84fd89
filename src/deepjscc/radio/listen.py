"""Listening: samples from a source, pictures into a folder, a report of every frame."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepjscc.errors import DeepJSCCError
from deepjscc.images import write_image
from deepjscc.radio.picture_decoder import PictureDecoder
from deepjscc.radio.pulse import Samples
from deepjscc.radio.receiver import Receiver, Reception

FIRST_SHARE = 1 / 16  # of the symbols, after which a picture is first shown; then whenever twice as many have come


@dataclass(frozen=True)
class FrameReport:
    """What is said of a frame.

    Attributes:
        number: of the preambles heard so far.
        reception: what came.
        status: "ok", "cut short", "header lost", or what is wrong.
        model: by name; None where it is unknown.
        file: the picture's; None where there is none.
    """

    number: int
    reception: Reception
    status: str
    model: str | None = None
    file: Path | None = None

    def numbers(self) -> dict[str, Any]:
        """For machines."""
        reception, header = self.reception, self.reception.header
        known = (
            {}
            if header is None
            else {
                "sequence": header.sequence,
                "model": self.model or header.weights_hash,
                "width": header.width,
                "height": header.height,
                "symbols": header.uses,
                "symbols_heard": reception.heard,
                "bandwidth_ratio": header.bandwidth_ratio,
                "side_info_lost": None in reception.side_info,
            }
        )
        return {
            "frame": self.number,
            "sample": reception.sample,
            "snr_db": reception.snr_db,
            "cfo": reception.cfo,
            "header": "ok" if header else "lost",
            **known,
            "status": self.status,
            "file": None if self.file is None else str(self.file),
        }

    def line(self) -> str:
        """For people."""
        reception, header = self.reception, self.reception.header
        start = (
            f"frame {self.number} at sample {reception.sample}: SNR {reception.snr_db:.1f} dB, "
            f"CFO {100 * reception.cfo:+.4f}% of the symbol rate, header "
        )
        if header is None:
            return f"{start}lost"
        lost = ", side information lost" if None in reception.side_info else ""
        heard = f"{reception.heard} of {header.uses} symbols"
        end = f"{self.file}" if self.file else f"no picture: {self.status}"
        note = f" ({self.status})" if self.file and self.status != "ok" else ""
        return f"{start}ok, {header.width}x{header.height}, {heard}{lost}: {end}{note}"


def listen(
    source: Iterable[Samples | None],
    receiver: Receiver,
    decoder: PictureDecoder,
    folder: Path,
    *,
    progressive: bool = False,
) -> Iterator[FrameReport]:
    """Receive until the source ends.

    Args:
        source: chunks of samples; None where nothing has come for a while, so that nothing more will of a frame.
        receiver: takes them.
        decoder: makes pictures.
        folder: where ``picture-00001.png`` and so on go.
        progressive: write a picture again and again as its symbols come, where the model can.

    Yields:
        A report of every frame, when it is over.

    Raises:
        DeepJSCCError: a picture cannot be written.
    """
    desk = _Desk(receiver, decoder, folder, progressive)
    for samples in source:
        for reception in receiver.flush() if samples is None else receiver.push(samples):
            yield from desk.take(reception)
        if samples is None:
            yield from desk.end()
    for reception in receiver.flush():
        yield from desk.take(reception)
    yield from desk.end()


class _Desk:
    """One frame at a time, from its first symbols to its report."""

    def __init__(self, receiver: Receiver, decoder: PictureDecoder, folder: Path, progressive: bool) -> None:
        self._receiver, self._decoder, self._folder, self._progressive = receiver, decoder, folder, progressive
        self._open: Reception | None = None
        self._frames, self._shown = 0, 0.0

    def take(self, reception: Reception) -> Iterator[FrameReport]:
        """News of a frame."""
        if reception is not self._open:
            yield from self.end()
            self._frames += 1
            self._open, self._shown = reception, FIRST_SHARE / 2
        if reception.header is None or reception.complete:
            yield from self.end()
        elif self._progressive and reception.heard >= 2 * self._shown * reception.header.uses:
            self._shown = reception.heard / reception.header.uses
            self._show(reception)

    def end(self) -> Iterator[FrameReport]:
        """The frame is over."""
        reception, self._open = self._open, None
        if reception is None:
            return
        if reception.header is None:
            yield FrameReport(self._frames, reception, "header lost")
            return
        model = None
        try:
            model = self._decoder.name(reception.header)
            image = self._decoder.decode(reception)
        except DeepJSCCError as error:
            yield FrameReport(self._frames, reception, str(error), model)
            return
        path = self._path()
        write_image(image, path)
        yield FrameReport(self._frames, reception, "ok" if reception.complete else "cut short", model, path)

    def _show(self, reception: Reception) -> None:
        """What has come so far, in the place of the picture."""
        try:
            if reception.header is not None and self._decoder.in_order_of_importance(reception.header):
                write_image(self._decoder.decode(reception), self._path())
        except DeepJSCCError:
            return  # the report at its end will say why

    def _path(self) -> Path:
        return self._folder / f"picture-{self._frames:05}.png"

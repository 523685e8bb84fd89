"""The receiver's reports: immutable events, and the frame that a sequence of them makes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Int

from deepjscc.radio.frame_header import FrameHeader
from deepjscc.radio.zadoff_chu import Pulses


@dataclass(frozen=True)
class HeaderLost:
    """A preamble was found, but its header could not be decoded.

    Attributes:
        sample: number of the sample, from the beginning of the stream, at the centre of the preamble's first pulse.
        cfo: estimated carrier offset in cycles per symbol time.
        snr_db: estimated SNR of an equalised symbol.
        reason: why it could not be decoded.
    """

    sample: int
    cfo: float
    snr_db: float
    reason: str


@dataclass(frozen=True)
class FrameStarted:
    """A header was decoded; the events until :class:`FrameEnded` belong to its frame.

    Attributes:
        sample: number of the sample, from the beginning of the stream, at the centre of the preamble's first pulse.
        cfo: estimated carrier offset in cycles per symbol time.
        snr_db: estimated SNR of an equalised symbol.
        header: the decoded header.
        side_info: its side information, with None for a part that has not been received yet.
    """

    sample: int
    cfo: float
    snr_db: float
    header: FrameHeader
    side_info: tuple[bytes | None, ...]


@dataclass(frozen=True)
class SideInfoReceived:
    """The side information behind the header has come.

    Attributes:
        side_info: all parts, with None for a part that could not be decoded.
        cfo: latest estimate of the carrier offset in cycles per symbol time.
        snr_db: latest estimate of the SNR of an equalised symbol.
    """

    side_info: tuple[bytes | None, ...]
    cfo: float
    snr_db: float


@dataclass(frozen=True)
class SymbolsReceived:
    """Further symbols of the image have come.

    Attributes:
        index: numbers of the symbols among all symbols of the image.
        symbols: equalised, with gain 1.
        noise_variance: of each symbol.
        cfo: latest estimate of the carrier offset in cycles per symbol time.
        snr_db: latest estimate of the SNR of an equalised symbol.
    """

    index: Int[np.ndarray, " pulses"]
    symbols: Pulses
    noise_variance: Float[np.ndarray, " pulses"]
    cfo: float
    snr_db: float


@dataclass(frozen=True)
class FrameEnded:
    """The frame is over.

    Attributes:
        complete: whether all symbols have come; False where the signal ended or another frame began before.
    """

    complete: bool


Event = HeaderLost | FrameStarted | SideInfoReceived | SymbolsReceived | FrameEnded


@dataclass(frozen=True)
class Reception:
    """A frame as far as it has been received.

    Attributes:
        sample: number of the sample, from the beginning of the stream, at the centre of the preamble's first pulse.
        cfo: estimated carrier offset in cycles per symbol time.
        snr_db: estimated SNR of an equalised symbol.
        header: the decoded header.
        index: runs of numbers of the symbols received, in the order in which they came.
        symbols: the equalised symbols of each run.
        noise_variance: noise variance of each symbol of each run.
        side_info: as the decoder takes it, with None for a part that was lost.
        complete: whether all symbols have come.
    """

    sample: int
    cfo: float
    snr_db: float
    header: FrameHeader
    index: tuple[np.ndarray, ...] = field(default=(), repr=False)
    symbols: tuple[Pulses, ...] = field(default=(), repr=False)
    noise_variance: tuple[np.ndarray, ...] = field(default=(), repr=False)
    side_info: tuple[bytes | None, ...] = ()
    complete: bool = False

    @property
    def received(self) -> int:
        """Number of symbols received."""
        return sum(map(len, self.symbols))

    def all_symbols(self) -> tuple[Pulses, Float[np.ndarray, " pulses"]]:
        """All symbols in the image's order and their noise variances; missing ones are 0 with infinite noise."""
        symbols = np.zeros(self.header.uses, dtype=np.complex64)
        noise = np.full(self.header.uses, np.inf, dtype=np.float32)
        for index, values, variances in zip(self.index, self.symbols, self.noise_variance, strict=True):
            symbols[index], noise[index] = values, variances
        return symbols, noise


class FrameAssembler:
    """Assembles the frame that is being received from its events."""

    def __init__(self) -> None:
        self._frame: Reception | None = None
        self._index: list[np.ndarray] = []
        self._symbols: list[Pulses] = []
        self._noise: list[np.ndarray] = []

    def add(self, event: Event) -> HeaderLost | Reception | None:
        """Add the next event.

        Returns:
            A frame that is over, or a header that was lost; None where there is neither.
        """
        match event:
            case HeaderLost():
                return event
            case FrameStarted():
                self._frame = Reception(event.sample, event.cfo, event.snr_db, event.header, side_info=event.side_info)
                self._index, self._symbols, self._noise = [], [], []
            case SideInfoReceived() if self._frame is not None:
                self._frame = replace(self._frame, side_info=event.side_info, cfo=event.cfo, snr_db=event.snr_db)
            case SymbolsReceived() if self._frame is not None:
                self._index.append(event.index)
                self._symbols.append(event.symbols)
                self._noise.append(event.noise_variance)
                self._frame = replace(self._frame, cfo=event.cfo, snr_db=event.snr_db)
            case FrameEnded() if self._frame is not None:
                ended, self._frame = replace(self._snapshot(self._frame), complete=event.complete), None
                return ended
        return None

    def so_far(self) -> Reception | None:
        """The frame that is being received, as far as it has come; None between frames."""
        return None if self._frame is None else self._snapshot(self._frame)

    def _snapshot(self, frame: Reception) -> Reception:
        return replace(frame, index=tuple(self._index), symbols=tuple(self._symbols), noise_variance=tuple(self._noise))


def receptions(events: Iterable[Event]) -> Iterator[HeaderLost | Reception]:
    """Every frame of a sequence of events once it is over, and every header that was lost, in order."""
    assembler = FrameAssembler()
    for event in events:
        result = assembler.add(event)
        if result is not None:
            yield result

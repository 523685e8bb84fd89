"""Where samples go: a recording, a ZeroMQ socket, or standard output."""

import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

from deepjscc.radio.sample_files import Datatype, Recorder
from deepjscc.radio.transmitter import GUARD, Burst
from deepjscc.radio.zmq_stream import Publisher


@runtime_checkable
class Sink(Protocol):
    """Takes bursts within a ``with``."""

    def __enter__(self) -> object: ...

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None: ...

    def send(self, burst: Burst, comment: str) -> None:
        """Take the next burst."""
        ...

    def note(self) -> str | None:
        """What is to be said of it at the end."""
        ...


def open_sink(
    to: str,
    *,
    datatype: Datatype = "cf32_le",
    sample_rate_hz: float | None = None,
    public: bool = False,
    wait_s: float = 60.0,
) -> Sink:
    """A place by name: ``-``, ``zmq://HOST:PORT``, ``NAME.sigmf-meta`` or ``NAME.cf32``.

    Raises:
        UsageError: no such kind of place.
        DeepJSCCError: nobody listens, or pyzmq is missing.
    """
    if to == "-":
        return PipeSink()
    if "://" in to:
        return SocketSink(Publisher(to, public=public, wait_s=wait_s))
    return FileSink(Recorder(Path(to), datatype, sample_rate_hz))


class FileSink:
    """A recording, written when all has come; where something fails nothing is written."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __enter__(self) -> "FileSink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._recorder.write()
        finally:
            self._recorder.close()

    def send(self, burst: Burst, comment: str) -> None:
        """Take the next burst; the silence after a frame is not annotated."""
        silence = GUARD * burst.samples_per_symbol
        self._recorder.append(burst.samples, len(burst.samples) - silence, comment)

    def note(self) -> str | None:
        """How many samples were beyond full scale."""
        cut = self._recorder.saturated
        return f"{cut} samples were beyond full scale and cut; take a smaller --amplitude" if cut else None


class SocketSink:
    """Subscribers of a ZeroMQ socket."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def __enter__(self) -> "SocketSink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self._publisher.close()

    def send(self, burst: Burst, comment: str) -> None:
        """Send the next burst."""
        self._publisher.send(burst.samples)

    def note(self) -> str | None:
        """Nothing."""
        return None


class PipeSink:
    """Standard output, raw cf32."""

    def __enter__(self) -> "PipeSink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        sys.stdout.buffer.flush()

    def send(self, burst: Burst, comment: str) -> None:
        """Write the next burst."""
        sys.stdout.buffer.write(burst.samples.astype("<c8").tobytes())

    def note(self) -> str | None:
        """Nothing."""
        return None

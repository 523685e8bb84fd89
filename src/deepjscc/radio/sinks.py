"""Destinations of samples: a recording, a ZeroMQ socket, or standard output."""

import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

from deepjscc.radio.sample_files import Datatype, Recorder
from deepjscc.radio.transmitter import GUARD, Burst
from deepjscc.radio.zmq_stream import Publisher


@runtime_checkable
class Sink(Protocol):
    """Takes bursts within a ``with`` statement."""

    def __enter__(self) -> object: ...

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None: ...

    def send(self, burst: Burst, comment: str) -> None:
        """Take the next burst."""
        ...

    def note(self) -> str | None:
        """A warning at the end; None where there is none."""
        ...


def open_sink(
    to: str,
    *,
    datatype: Datatype = "cf32_le",
    sample_rate_hz: float | None = None,
    public: bool = False,
    wait_s: float = 60.0,
) -> Sink:
    """Open a destination by name: ``-``, ``zmq://HOST:PORT``, ``NAME.sigmf-meta`` or ``NAME.cf32``.

    Raises:
        UsageError: an unknown kind of destination.
        DeepJSCCError: no receiver has connected, or pyzmq is missing.
    """
    if to == "-":
        return PipeSink()
    if "://" in to:
        return SocketSink(Publisher(to, public=public, wait_s=wait_s))
    return FileSink(Recorder(Path(to), datatype, sample_rate_hz))


class FileSink:
    """A recording, which is written at the end; where something fails nothing is written."""

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
        """Take the next burst; the annotation covers the frame without the silence after it."""
        silence = GUARD * burst.samples_per_symbol
        self._recorder.append(burst.samples, len(burst.samples) - silence, comment)

    def note(self) -> str | None:
        """A warning about samples beyond full scale."""
        cut = self._recorder.saturated
        return f"{cut} samples were beyond full scale and have been clipped; use a smaller --amplitude" if cut else None


class SocketSink:
    """The subscribers of a ZeroMQ socket."""

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
        """No warning."""
        return None


class PipeSink:
    """Standard output, as raw cf32."""

    def __enter__(self) -> "PipeSink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        sys.stdout.buffer.flush()

    def send(self, burst: Burst, comment: str) -> None:
        """Write the next burst."""
        sys.stdout.buffer.write(burst.samples.astype("<c8").tobytes())

    def note(self) -> str | None:
        """No warning."""
        return None

"""Where samples come from: a recording, a ZeroMQ socket, or standard input."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from deepjscc.errors import DeepJSCCError
from deepjscc.radio.protection import header_pulses
from deepjscc.radio.pulse import Samples
from deepjscc.radio.sample_files import SampleReader, open_recording
from deepjscc.radio.zmq_stream import Subscriber


@runtime_checkable
class Source(Protocol):
    """Chunks of samples; None where nothing has come for a while."""

    def __iter__(self) -> Iterator[Samples | None]: ...

    def close(self) -> None:
        """Let go of it."""
        ...

    def note(self) -> str | None:
        """What is to be said of it at the end."""
        ...


def open_source(name: str) -> Source:
    """A source by name: ``-``, ``zmq://HOST:PORT``, ``NAME.sigmf-meta`` or ``NAME.cf32``.

    Raises:
        UsageError: no such kind of source.
        DeepJSCCError: missing, or not what its name says.
    """
    if name == "-":
        return SampleReader(open(sys.stdin.fileno(), "rb", closefd=False))
    return Subscriber(name) if "://" in name else open_recording(Path(name))


def make_folder(path: Path) -> None:
    """The folder for pictures, made where it is not there.

    Raises:
        DeepJSCCError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None


def warm_up() -> None:
    """Load the channel code now (seconds): a stream does not wait for a first header.

    Raises:
        DeepJSCCError: Sionna is not installed.
    """
    header_pulses(bytes(32))

"""Sources of samples: a recording, a ZeroMQ socket, or standard input."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from deepjscc.errors import DeepJSCCError
from deepjscc.radio.frame_header import HEADER_LENGTHS, FrameHeader
from deepjscc.radio.protection import header_pulses
from deepjscc.radio.pulse import Samples
from deepjscc.radio.sample_files import SampleReader, open_recording
from deepjscc.radio.zmq_stream import Subscriber


@runtime_checkable
class Source(Protocol):
    """Yields chunks of samples, and None where none have come for a while."""

    def __iter__(self) -> Iterator[Samples | None]: ...

    def close(self) -> None:
        """Close the source."""
        ...

    def note(self) -> str | None:
        """A warning at the end; None where there is none."""
        ...


def open_source(name: str) -> Source:
    """Open a source by name: ``-``, ``zmq://HOST:PORT``, ``NAME.sigmf-meta`` or ``NAME.cf32``.

    Raises:
        UsageError: an unknown kind of source.
        DeepJSCCError: a source that is missing, or not of the format its name says.
    """
    if name == "-":
        return SampleReader(open(sys.stdin.fileno(), "rb", closefd=False))
    return Subscriber(name) if "://" in name else open_recording(Path(name))


def make_folder(path: Path) -> None:
    """Make a folder if it does not exist.

    Raises:
        DeepJSCCError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None


def warm_up() -> None:
    """Load the channel code now, which takes seconds, so that the first header of a stream need not wait.

    Raises:
        DeepJSCCError: Sionna is not installed.
    """
    for blocks in HEADER_LENGTHS:
        header_pulses(bytes(FrameHeader.BYTES), blocks)

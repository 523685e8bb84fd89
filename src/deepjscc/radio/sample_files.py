"""Samples in files: SigMF recordings (`cf32_le`, `ci16_le`) and raw `cf32`; they are read in chunks."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deepjscc import __version__
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import read_text_file, write_atomically
from deepjscc.radio.iq_file import paths
from deepjscc.radio.pulse import Samples

Datatype = Literal["cf32_le", "ci16_le"]
CHUNK = 1 << 16  # samples read at a time
FULL_SCALE = 32767  # ci16 value of an amplitude of 1
NUMPY: dict[str, np.dtype[Any]] = {"cf32_le": np.dtype("<f4"), "ci16_le": np.dtype("<i2")}


@dataclass(frozen=True)
class Annotation:
    """The position of a frame in a recording, in samples, with a comment."""

    start: int
    count: int
    comment: str


def to_bytes(samples: Samples, datatype: Datatype) -> tuple[bytes, int]:
    """Samples in their stored format, and the number of samples beyond full scale that were clipped."""
    if datatype == "cf32_le":
        return samples.astype("<c8").tobytes(), 0
    parts = np.rint(samples.astype(np.complex64).view(np.float32) * FULL_SCALE)
    beyond = (np.abs(parts) > FULL_SCALE).reshape(-1, 2).any(1)
    return np.clip(parts, -FULL_SCALE, FULL_SCALE).astype("<i2").tobytes(), int(beyond.sum())


class Recorder:
    """Collects samples and writes them as a SigMF recording, or as raw cf32, depending on the suffix.

    Args:
        path: ``NAME.sigmf-meta`` or ``NAME.cf32``.
        datatype: format of the samples.
        sample_rate_hz: sample rate for the metadata; None: unknown.

    Attributes:
        saturated: number of samples that were beyond full scale and were clipped.

    Raises:
        UsageError: an unknown suffix, or raw samples of another format than cf32.
    """

    def __init__(self, path: Path, datatype: Datatype = "cf32_le", sample_rate_hz: float | None = None) -> None:
        self._raw = path.suffix == ".cf32"
        if not self._raw and path.suffix not in (".sigmf-meta", ".sigmf-data", ".sigmf"):
            raise UsageError(f"{path}: samples are written to NAME.sigmf-meta or NAME.cf32")
        if self._raw and datatype != "cf32_le":
            raise UsageError(f"{path}: a raw .cf32 file holds cf32_le, not {datatype}; write NAME.sigmf-meta")
        self._path, self._datatype, self._rate = path, datatype, sample_rate_hz
        self._held = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the recorder
        self._hash, self._samples, self.saturated = hashlib.sha512(), 0, 0
        self._annotations: list[Annotation] = []

    def append(self, samples: Samples, frame: int = 0, comment: str = "") -> None:
        """Append samples, the first ``frame`` of which are a frame."""
        raw, beyond = to_bytes(samples, self._datatype)
        if frame:
            self._annotations.append(Annotation(self._samples, frame, comment))
        self._held.write(raw)
        self._hash.update(raw)
        self._samples, self.saturated = self._samples + len(samples), self.saturated + beyond

    def write(self) -> None:
        """Write data and metadata, each to a temporary file that is then renamed.

        Raises:
            DeepJSCCError: a file cannot be written.
        """
        self._held.seek(0)
        meta_path, data_path = (None, self._path) if self._raw else paths(self._path)
        write_atomically(data_path, lambda file: shutil.copyfileobj(self._held, file))
        if meta_path is not None:
            text = self._metadata()
            write_atomically(meta_path, lambda file: file.write(text.encode()))

    def close(self) -> None:
        """Discard the collected samples; without :meth:`write` nothing is kept."""
        self._held.close()

    def _metadata(self) -> str:
        import sigmf  # with its JSON schema takes a fifth of a second

        info: dict[str, Any] = {
            "core:datatype": self._datatype,
            "core:version": sigmf.__specification__,
            "core:author": f"deepjscc {__version__}",
            "core:description": "pictures as a radio signal, in frames as docs/radio-frame.md describes them",
            "core:sha512": self._hash.hexdigest(),
        }
        if self._rate is not None:
            info["core:sample_rate"] = self._rate
        meta = sigmf.SigMFFile(global_info=info)
        meta.add_capture(0)
        for one in self._annotations:
            meta.add_annotation(one.start, one.count, {"core:label": "deepjscc frame", "core:comment": one.comment})
        return meta.dumps()


@dataclass
class SampleReader:
    """Reads a stream of samples from an open file.

    Attributes:
        file: the file, which is read to its end.
        datatype: format of its samples.
        saturated: number of ci16 samples at full scale so far, which the recorder may have clipped.
        left_over: number of bytes at the end that make no whole sample.
    """

    file: BufferedIOBase
    datatype: Datatype = "cf32_le"
    saturated: int = 0
    left_over: int = 0

    def __iter__(self) -> Iterator[Samples]:
        kind, held = NUMPY[self.datatype], b""
        each = 2 * kind.itemsize
        # read1 returns what a pipe holds already, so that a live stream is not delayed.
        read = getattr(self.file, "read1", self.file.read)
        while data := read(CHUNK * each):
            held += data
            whole = len(held) // each * each
            parts = np.frombuffer(held[:whole], kind)
            held = held[whole:]
            if self.datatype == "ci16_le":
                at_rail = (parts.astype(np.int32).reshape(-1, 2) ** 2).max(1, initial=0) >= FULL_SCALE**2
                self.saturated += int(at_rail.sum())
                parts = parts.astype(np.float32) / FULL_SCALE
            yield parts.astype(np.float32).view(np.complex64)
        self.left_over = len(held)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def note(self) -> str | None:
        """Warnings about the file, once it has been read: an incomplete end, samples at full scale."""
        torn = (
            f"the last {self.left_over} bytes are no whole sample; the file may have been cut short"
            if self.left_over
            else ""
        )
        full = f"{self.saturated} samples are at full scale and may have been clipped" if self.saturated else ""
        return "; ".join(filter(None, (torn, full))) or None


def recording_datatype(path: Path) -> Datatype:
    """The format of a SigMF recording's samples; the metadata is validated.

    Raises:
        DeepJSCCError: not SigMF metadata, or samples of an unsupported format.
    """
    import sigmf
    from jsonschema import ValidationError
    from sigmf.error import SigMFError

    try:
        metadata = json.loads(read_text_file(path))
        sigmf.validate.validate(metadata)
        info = metadata["global"]
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        raise DeepJSCCError(f"{path}: not SigMF metadata: {error.message[:200]}") from None
    except RecursionError:
        raise DeepJSCCError(f"{path}: not SigMF metadata: nested too deeply") from None
    except (ValueError, TypeError, KeyError, AttributeError, SigMFError) as error:
        raise DeepJSCCError(f"{path}: not SigMF metadata: {str(error).splitlines()[0]}") from None
    datatype, channels = info["core:datatype"], info.get("core:num_channels", 1)
    if datatype not in NUMPY or channels != 1:
        raise DeepJSCCError(
            f"{path}: {datatype} in {channels} channels; only {' and '.join(NUMPY)} in one channel can be read"
        )
    if "deepjscc:frame" in info:
        raise DeepJSCCError(
            f"{path}: this recording of deepjscc encode holds symbols without a waveform; read it with deepjscc decode"
        )
    return datatype


def open_recording(path: Path) -> SampleReader:
    """Open a recording or a raw file for reading.

    Raises:
        UsageError: an unknown suffix.
        DeepJSCCError: a file that is missing, or not of the format its name says.
    """
    if path.suffix in (".sigmf-meta", ".sigmf-data", ".sigmf"):
        meta_path, path = paths(path)
        datatype = recording_datatype(meta_path)
    elif path.suffix == ".cf32":
        datatype = "cf32_le"
    else:
        raise UsageError(f"{path}: samples are read from NAME.sigmf-meta or NAME.cf32")
    try:
        return SampleReader(path.open("rb"), datatype)
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None

"""I/Q files: symbols as a SigMF recording (`cf32_le`) with what the decoder needs in its metadata.

``NAME.sigmf-data`` holds the symbols. Where the receiver knows a gain that changes from symbol to symbol the recording
has two channels, interleaved: the (equalised) symbols and the gains. The namespace ``deepjscc`` of the metadata holds
the fields of :class:`Frame`.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deepjscc import __version__
from deepjscc.equaliser import zero_forcing_error
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import check_regular, read_text_file, write_atomically
from deepjscc.images import MAX_PIXELS
from deepjscc.types import DigitalLayer, IdealCode, Received, Size
from deepjscc.units import noise_variance

MAX_USES = 3 * MAX_PIXELS
HEADER_BITS = 48 + 2 * 32 + 32 + 24
"""What a radio header would hold beside side information: hash of the weights, size, numbers of uses and map bytes."""


@dataclass(frozen=True)
class Frame:
    """The metadata that travel beside the symbols.

    Attributes:
        model: name in the zoo.
        weights_hash: first digits of the SHA-256 of its weights.
        height, width: of the image.
        uses: complex symbols in the file.
        side_info: parts of the encoder's side information, in hex; None for one that the channel lost.
        side_info_rates: bits per complex use at which each part is counted.
        snr_db: nominal P / N0 of the channel passed; None before any channel (no noise).
        gain: of slow fading, where the receiver knows it, as [re, im].
        stage: of a progressive model's transmission the stage these symbols are, from 1; None: all of it.
        transmission: first digits of the SHA-256 of all symbols sent, which tells stages of several images apart.
    """

    model: str
    weights_hash: str
    height: int
    width: int
    uses: int
    side_info: tuple[str | None, ...]
    side_info_rates: tuple[float, ...]
    snr_db: float | None = None
    gain: tuple[float, float] | None = None
    stage: int | None = None
    transmission: str | None = None

    def __post_init__(self) -> None:
        texts = (self.model, self.weights_hash, self.transmission or "", *(part or "" for part in self.side_info))
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(f"model, weights_hash, transmission and side_info must be text, not {texts}")
        if len(self.side_info_rates) != len(self.side_info) or not all(0 < rate < 64 for rate in self.side_info_rates):
            raise ValueError(f"{self.side_info_rates} are no rates of {len(self.side_info)} parts of side information")
        numbers = (self.height, self.width, self.uses)
        if any(type(number) is not int or number < 1 for number in numbers):
            raise ValueError(f"height, width and uses must be positive whole numbers, not {numbers}")
        if self.stage is not None and (type(self.stage) is not int or self.stage < 1):
            raise ValueError(f"the stage must be a positive whole number, not {self.stage!r}")
        if self.height * self.width > MAX_PIXELS or self.uses > MAX_USES:
            raise ValueError(
                f"{self.width}x{self.height} pixels and {self.uses} symbols are more than any picture here"
            )
        if self.snr_db is not None and (not isinstance(self.snr_db, float) or math.isnan(self.snr_db)):
            raise ValueError(f"the SNR {self.snr_db!r} is not a number")
        if self.gain is not None and not (len(self.gain) == 2 and all(map(math.isfinite, self.gain))):
            raise ValueError(f"the gain {self.gain} is not two finite numbers")
        self.arrived()

    def arrived(self) -> tuple[bytes | None, ...]:
        """The parts of side information as bytes, None for one that was lost."""
        return tuple(None if part is None else bytes.fromhex(part) for part in self.side_info)

    def protected(self) -> tuple[DigitalLayer, ...]:
        """The digital layers as the encoder sent them; only before a channel."""
        parts = zip(self.arrived(), self.side_info_rates, strict=True)
        return tuple(DigitalLayer(data or b"", IdealCode(rate)) for data, rate in parts)

    @property
    def size(self) -> Size:
        """Height, width."""
        return self.height, self.width


def ideal_rate(layer: DigitalLayer) -> float:
    """Bits per complex use of a layer's ideal code.

    Raises:
        UsageError: a layer with another code, which a recording of this version cannot hold.
    """
    if not isinstance(layer.code, IdealCode):
        raise UsageError(f"a recording holds no {layer.name} with a code of its own; leave the channel code out")
    return layer.code.rate


def paths(path: Path) -> tuple[Path, Path]:
    """Metadata and data file of a recording named with or without either suffix."""
    stem = path.with_suffix("") if path.suffix in (".sigmf-meta", ".sigmf-data", ".sigmf") else path
    return stem.with_name(stem.name + ".sigmf-meta"), stem.with_name(stem.name + ".sigmf-data")


def write_frame(path: Path, frame: Frame, received: Received) -> tuple[Path, Path]:
    """Write one image's symbols as a SigMF recording; both files beside and then renamed.

    Args:
        path: the recording, with or without a suffix.
        frame: what the decoder needs.
        received: a batch of one.

    Returns:
        The metadata and the data file.

    Raises:
        DeepJSCCError: the place cannot be written.
    """
    import sigmf  # with its JSON schema takes a fifth of a second

    columns = [received.symbols[0]]
    if received.gain is not None and received.gain.shape[1] != 1:
        columns.append(received.gain[0])
    raw = torch.stack(columns, 1).to(torch.complex64).cpu().numpy().astype("<c8").tobytes()
    meta = sigmf.SigMFFile(
        global_info={
            "core:datatype": "cf32_le",
            "core:num_channels": len(columns),
            "core:version": sigmf.__specification__,
            "core:author": f"deepjscc {__version__}",
            "core:description": "complex symbols of one image, mean power 1 at the transmitter, one sample a symbol",
            "core:sha512": hashlib.sha512(raw).hexdigest(),
            "core:extensions": [{"name": "deepjscc", "version": __version__, "optional": False}],
            "deepjscc:frame": {key: value for key, value in asdict(frame).items() if value is not None},
        }
    )
    meta.add_capture(0)
    meta_path, data_path = paths(path)
    write_atomically(data_path, lambda file: file.write(raw))
    write_atomically(meta_path, lambda file: file.write(meta.dumps().encode()))
    return meta_path, data_path


def read_frame(path: Path) -> tuple[Frame, Received]:
    """Read a recording of :func:`write_frame`, checked.

    Raises:
        DeepJSCCError: a file is missing, not SigMF, not a frame of ours, cut short, altered, or holds NaN.
    """
    meta_path, data_path = paths(path)
    frame, channels, sha512 = _read_metadata(meta_path)
    try:
        regular = check_regular(data_path)
        raw = regular.read_bytes() if regular.stat().st_size <= 16 * MAX_USES else b""
    except DeepJSCCError as error:
        raise DeepJSCCError(f"{error}; the symbols belong beside {meta_path.name}") from None
    except OSError as error:
        raise DeepJSCCError(f"{data_path}: {error.strerror}; the symbols belong beside {meta_path.name}") from None
    if len(raw) != 8 * channels * frame.uses:
        raise DeepJSCCError(
            f"{data_path}: holds {len(raw)} bytes instead of the {8 * channels * frame.uses} of {frame.uses} symbols; "
            "the recording was cut short or belongs to other metadata"
        )
    if sha512 is not None and hashlib.sha512(raw).hexdigest() != sha512:
        raise DeepJSCCError(f"{data_path}: altered since it was written (checksum differs from the metadata's)")
    samples = np.frombuffer(raw, dtype="<c8").reshape(-1, channels)
    broken = int((~np.isfinite(samples)).any(1).sum())
    if broken:
        raise DeepJSCCError(f"{data_path}: {broken} of {frame.uses} symbols are NaN or infinite; record again")
    columns = torch.from_numpy(samples.astype(np.complex64)).T.contiguous()
    gain = columns[1:2] if channels == 2 else None if frame.gain is None else torch.tensor([[complex(*frame.gain)]])
    snr_db = torch.tensor([math.inf if frame.snr_db is None else frame.snr_db])
    n0 = noise_variance(snr_db)[:, None]
    noise = n0 if gain is None else zero_forcing_error(n0, gain)
    return frame, Received(columns[:1], noise.expand(1, frame.uses), gain, snr_db, (frame.arrived(),))


def _read_metadata(path: Path) -> tuple[Frame, int, str | None]:
    """The frame, the number of channels and the checksum of the data."""
    import sigmf
    from jsonschema import ValidationError
    from sigmf.error import SigMFError

    try:
        metadata = json.loads(read_text_file(path))
        sigmf.validate.validate(metadata)
        info: dict[str, Any] = metadata["global"]
        fields = dict(info["deepjscc:frame"])
        fields |= {name: tuple(fields[name]) for name in ("side_info", "side_info_rates")}
        if "gain" in fields:
            fields["gain"] = tuple(map(float, fields["gain"]))
        if isinstance(fields.get("snr_db"), int):
            fields["snr_db"] = float(fields["snr_db"])
        frame = Frame(**fields)
        channels = info.get("core:num_channels", 1)
        if info["core:datatype"] != "cf32_le" or channels not in (1, 2):
            raise ValueError(f"{info['core:datatype']} in {channels} channels instead of cf32_le in 1 or 2")
    except OSError as error:
        raise DeepJSCCError(f"{path}: {error.strerror}") from None
    except KeyError as error:
        raise DeepJSCCError(f"{path}: a recording, but not one of deepjscc encode: no {error}") from None
    except ValidationError as error:
        raise DeepJSCCError(f"{path}: not SigMF metadata: {error.message[:200]}") from None
    except RecursionError:
        raise DeepJSCCError(f"{path}: not metadata of deepjscc encode: nested too deeply") from None
    except (ValueError, TypeError, OverflowError, AttributeError, SigMFError) as error:
        raise DeepJSCCError(f"{path}: not metadata of deepjscc encode: {str(error).splitlines()[0]}") from None
    return frame, channels, info.get("core:sha512")

"""Files of bits: ``NAME.bits`` holds nothing but bits, eight a byte, and ``NAME.bits.json`` what a decoder needs.

The bits may take any way, as a modem's payload or over a link of one's own: the decoder reads them from the file again,
and how many were flipped, ``bit_error_rate``, from the metadata.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from deepjscc.errors import DeepJSCCError
from deepjscc.files import check_regular, read_text_file, write_atomically
from deepjscc.radio.iq_file import MAX_USES, Frame
from deepjscc.systems.bit_link import MOST_ERRORS

SUFFIX = ".bits"


def is_bit_file(path: Path) -> bool:
    """Whether a path has the suffix of a file of bits."""
    return path.suffix == SUFFIX


def bit_paths(path: Path) -> tuple[Path, Path]:
    """The file of bits and its metadata, named with or without the suffix."""
    bits = path if is_bit_file(path) else path.with_name(path.name + SUFFIX)
    return bits, bits.with_name(bits.name + ".json")


def write_bits(path: Path, frame: Frame, bits: np.ndarray, error_rate: float) -> tuple[Path, Path]:
    """Write one picture's bits and their metadata.

    Args:
        path: with or without the suffix.
        frame: what the decoder needs; its model names the constellation.
        bits: zeros and ones.
        error_rate: share of them that was flipped.

    Raises:
        DeepJSCCError: the place cannot be written.
    """
    bits_path, meta_path = bit_paths(path)
    fields = {key: value for key, value in asdict(frame).items() if value is not None}
    text = json.dumps({"deepjscc:frame": fields, "bits": len(bits), "bit_error_rate": error_rate}, indent=2)
    write_atomically(bits_path, lambda file: file.write(np.packbits(bits).tobytes()))
    write_atomically(meta_path, lambda file: file.write(text.encode()))
    return bits_path, meta_path


def read_bits(path: Path) -> tuple[Frame, np.ndarray, float]:
    """Read what :func:`write_bits` wrote, checked.

    Returns:
        The metadata, the bits, and the share of them that was flipped.

    Raises:
        DeepJSCCError: a file is missing, cut short, or not of ours.
    """
    bits_path, meta_path = bit_paths(path)
    try:
        metadata: dict[str, Any] = json.loads(read_text_file(meta_path))
        fields = dict(metadata["deepjscc:frame"])
        fields |= {name: tuple(fields[name]) for name in ("side_info", "side_info_rates")}
        frame, count, error_rate = Frame(**fields), metadata["bits"], float(metadata["bit_error_rate"])
        if type(count) is not int or not 0 < count <= 12 * MAX_USES or not 0 <= error_rate <= MOST_ERRORS:
            raise ValueError(f"{count} bits, of which a share of {error_rate} was flipped")
    except OSError as error:
        raise DeepJSCCError(f"{meta_path}: {error.strerror}; the metadata belong beside the bits") from None
    except KeyError as error:
        raise DeepJSCCError(f"{meta_path}: not metadata of deepjscc encode --bits: no {error}") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DeepJSCCError(f"{meta_path}: not metadata of deepjscc encode --bits: {error}") from None
    try:
        raw = check_regular(bits_path).read_bytes()
    except OSError as error:
        raise DeepJSCCError(f"{bits_path}: {error.strerror}; the bits belong beside {meta_path.name}") from None
    if len(raw) != math.ceil(count / 8):
        raise DeepJSCCError(
            f"{bits_path}: holds {len(raw)} bytes instead of the {math.ceil(count / 8)} of {count} bits"
        )
    return frame, np.unpackbits(np.frombuffer(raw, np.uint8))[:count], error_rate

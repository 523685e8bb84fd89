"""Devices that networks are computed on, by name."""

import torch

from deepjscc.errors import DeepJSCCError, UsageError

KINDS = ("cpu", "cuda", "mps")


def parse_device(text: str) -> torch.device:
    """A device from its name, which this machine has.

    Args:
        text: ``cpu``, ``cuda``, ``cuda:1`` for the second GPU, or ``mps``.

    Raises:
        UsageError: another name.
        DeepJSCCError: a device that is not there.
    """
    kind, colon, index = text.partition(":")
    if kind not in KINDS or (colon and not (kind == "cuda" and index.isascii() and index.isdecimal())):
        raise UsageError(f"no device {text!r}; there are cpu, cuda, cuda:1 (the second GPU) and mps")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise DeepJSCCError(f"--device {text}: torch finds no GPU here; leave --device out to compute on the CPU")
        if colon and int(index) >= count:
            raise DeepJSCCError(f"--device {text}: there are {count} GPUs here, counted from cuda:0")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeepJSCCError(f"--device {text}: torch finds no GPU of Apple here; leave --device out")
    return torch.device(text)

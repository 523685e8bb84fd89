"""Placement of a system's networks on a device."""

from torch import nn

from deepjscc.devices import parse_device
from deepjscc.systems.names import NamedSystem


def on_device(named: NamedSystem, device: str) -> NamedSystem:
    """Move a system's networks to a device; codecs, hybrids and the channel stay on the CPU.

    Args:
        named: the system, which is changed in place.
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        UsageError: an unknown device name.
        DeepJSCCError: this machine does not have the device.
    """
    place = parse_device(device)
    if isinstance(named.system, nn.Module):
        named.system.to(place)
    return named

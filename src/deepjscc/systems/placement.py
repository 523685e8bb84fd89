"""Systems with their networks on a device of the user's choice."""

from torch import nn

from deepjscc.devices import parse_device
from deepjscc.systems.names import NamedSystem


def on_device(named: NamedSystem, device: str) -> NamedSystem:
    """Move a system's networks to a device; codecs, hybrids and the channel stay on the CPU.

    Args:
        named: the system, which is moved itself.
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        UsageError: another name.
        DeepJSCCError: a device that is not there.
    """
    place = parse_device(device)
    if isinstance(named.system, nn.Module):
        named.system.to(place)
    return named

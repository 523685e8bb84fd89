"""From a name with a constellation, as ``linear@256qam``, to a link whose transmitter sends its points."""

from deepjscc.digital.finite_constellation import FiniteConstellation, names_constellation, parse_constellation
from deepjscc.errors import UsageError
from deepjscc.systems.base import System
from deepjscc.systems.constellation import AnalogTransceiver, ConstellationTransceiver
from deepjscc.systems.link import Link
from deepjscc.systems.refined import Refined


def split_constellation(name: str) -> tuple[str, FiniteConstellation | None]:
    """Split a system's name from the constellation that its transmitter sends points of.

    >>> split_constellation("linear@64qam")
    ('linear', FiniteConstellation(order=64, lloyd_max=False))
    >>> split_constellation("cnn@diffusion=10")
    ('cnn@diffusion=10', None)

    Raises:
        UsageError: an order that there is not, or a constellation of a digital link.
    """
    plain, at, last = name.rpartition("@")
    if not at or not names_constellation(last):
        return name, None
    if "+" in plain and not plain.endswith(".safetensors") and plain.split("+")[-1].partition("@")[0] != "hybrid":
        raise UsageError(f"{name}: a digital link has the constellations of its channel code; leave @{last} out")
    return plain, parse_constellation(last)


def on_constellation(system: System, constellation: FiniteConstellation, name: str) -> System:
    """The same system, whose transmitter rounds its symbols to points of a constellation.

    Args:
        system: a learned link, with or without a refiner, or a hybrid whose bits are really sent.
        constellation: the points.
        name: of the system, for messages.

    Raises:
        UsageError: any other system.
    """
    if isinstance(system, Refined):
        return Refined(_link(system.link, constellation, name), system.refiner, system.steps)
    return _link(system, constellation, name)


def _link(system: System, constellation: FiniteConstellation, name: str) -> Link:
    if not isinstance(system, Link) or not system.supports_split or system.own_receiver is not None:
        raise UsageError(f"{name} is not sent as symbols of one piece and takes no constellation; leave it out")
    if not isinstance(system.transmitter, AnalogTransceiver):
        raise UsageError(f"{name} does not receive its own symbols and takes no constellation; leave it out")
    transmitter = ConstellationTransceiver(system.transmitter, constellation)
    return Link(
        transmitter,
        system.channel,
        bandwidth_ratio=system.bandwidth_ratio,
        snr_offsets_db=system.snr_offsets_db,
    )

"""Systems: everything between a picture and the picture at the far end, behind one `transmit`."""

from deepjscc.systems.base import PairSystem, System
from deepjscc.systems.digital import DigitalLink
from deepjscc.systems.distributed import PairLink, pair_system
from deepjscc.systems.link import Link
from deepjscc.systems.progressive import ProgressiveLink, ResidualLink, make_link

__all__ = [
    "DigitalLink",
    "Link",
    "PairLink",
    "PairSystem",
    "ProgressiveLink",
    "ResidualLink",
    "System",
    "make_link",
    "pair_system",
]

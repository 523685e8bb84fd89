"""Systems: everything between an image and the image at the far end, behind one `transmit`."""

from deepjscc.systems.base import Receiver, System, Transmitter
from deepjscc.systems.digital import Digital
from deepjscc.systems.link import Link
from deepjscc.systems.residual_link import ResidualLink, make_link

__all__ = ["Digital", "Link", "Receiver", "ResidualLink", "System", "Transmitter", "make_link"]

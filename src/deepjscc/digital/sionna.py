"""The parts of Sionna that are used. It takes seconds to import, so that waits until a block is really sent."""

from functools import cache
from types import SimpleNamespace

from deepjscc.channels.resource_block import import_sionna
from deepjscc.errors import DeepJSCCError


@cache
def sionna() -> SimpleNamespace:
    """CRC, LDPC and QAM of Sionna.

    Raises:
        DeepJSCCError: Sionna is not installed.
    """
    try:
        import_sionna()
        from sionna.phy.fec.crc import CRCDecoder, CRCEncoder
        from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
        from sionna.phy.mapping import Demapper, Mapper
    except ImportError:
        raise DeepJSCCError("LDPC codes need Sionna: pip install 'deepjscc[digital]'") from None
    return SimpleNamespace(
        CRCEncoder=CRCEncoder,
        CRCDecoder=CRCDecoder,
        LDPC5GEncoder=LDPC5GEncoder,
        LDPC5GDecoder=LDPC5GDecoder,
        Mapper=Mapper,
        Demapper=Demapper,
    )

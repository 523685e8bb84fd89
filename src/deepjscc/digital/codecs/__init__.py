"""Source codecs, by the name the command line knows them."""

from deepjscc.digital.codecs.avif import AVIF, AVIFSlow
from deepjscc.digital.codecs.base import Codec, LevelCodec
from deepjscc.digital.codecs.bpg import BPG
from deepjscc.digital.codecs.hevc import HEVC
from deepjscc.digital.codecs.jpeg import JPEG
from deepjscc.digital.codecs.jpeg2000 import JPEG2000
from deepjscc.digital.codecs.vvc import VVC
from deepjscc.digital.codecs.webp import WebP

CODECS: dict[str, type[LevelCodec]] = {
    "jpeg": JPEG,
    "jpeg2000": JPEG2000,
    "webp": WebP,
    "avif": AVIF,
    "avif-slow": AVIFSlow,
    "hevc": HEVC,
    "vvc": VVC,
    "bpg": BPG,
}

__all__ = ["AVIF", "BPG", "CODECS", "HEVC", "JPEG", "JPEG2000", "VVC", "Codec", "WebP"]

"""The digital wing: source codecs and channel coding."""

from deepjscc.digital.codecs import CODECS, Codec
from deepjscc.digital.coding import Coding, Ideal

__all__ = ["CODECS", "Codec", "Coding", "Ideal"]

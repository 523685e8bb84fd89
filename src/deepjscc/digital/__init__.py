"""The digital wing: source codecs and channel coding."""

from deepjscc.digital.codecs import CODECS, Codec
from deepjscc.digital.coding import Coding, Ideal
from deepjscc.digital.fine_ldpc import FineLDPC
from deepjscc.digital.finite_length import FiniteLength
from deepjscc.digital.ldpc import LDPC

__all__ = ["CODECS", "LDPC", "Codec", "Coding", "FineLDPC", "FiniteLength", "Ideal"]

"""Transmitters and receivers of symbols alone, by name and by hash, as recordings and radio frames know systems."""

import hashlib
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from deepjscc.channels import AWGN
from deepjscc.digital import CODECS
from deepjscc.digital.finite_constellation import ORDERS, FiniteConstellation
from deepjscc.errors import UsageError
from deepjscc.systems.constellation import ConstellationTransceiver
from deepjscc.systems.constellation_link import split_constellation
from deepjscc.systems.hybrid_waveform import HybridWaveform
from deepjscc.systems.link import Link
from deepjscc.systems.names import HYBRID, HYBRID_CODING, RESIDUAL_WEIGHTS, default_codec, is_hybrid, make_system
from deepjscc.types import Decoded, Encoded, Images, LinkPlan, Received, Size
from deepjscc.zoo import cards, load, weights_hash

HYBRID_FORMAT = 3  # of its symbols, which both ends must share; 2: the analog layer is spread; 3: bases tell errors
CONSTELLATION_FORMAT = 1  # of symbols that are points of a constellation
CONSTELLATIONS = [FiniteConstellation(order, lloyd_max) for order in ORDERS for lloyd_max in (False, True)]


@runtime_checkable
class Transceiver(Protocol):
    """The interface of transmitter and receiver for recordings and radio frames: images to symbols and back."""

    @property
    def kind(self) -> str:
        """The kind of transceiver, as messages name it."""
        ...

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode images; see :meth:`deepjscc.models.base.JSCC.encode`."""
        ...

    @property
    def supports_prefix(self) -> bool:
        """Whether any prefix of the symbols decodes to a coarser image."""
        ...

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode symbols and name the layers that arrived; see :meth:`deepjscc.models.base.JSCC.receive`."""
        ...


def load_transceiver(name: str) -> Transceiver:
    """Load a system whose transmission consists of symbols: a model of the zoo, a checkpoint, or a hybrid.

    Args:
        name: its name. A hybrid must have a real channel code. A constellation may follow, as ``linear@256qam``.

    Raises:
        UsageError: an unknown name, or a system that has no symbols.
        DeepJSCCError: weights that are missing, damaged or not of this package.
    """
    plain, constellation = split_constellation(name)
    if constellation is not None:
        return ConstellationTransceiver(load_transceiver(plain), constellation)
    if is_hybrid(name):
        link = make_system(name, AWGN(), bandwidth_ratio=1.0, simulate=True).system
        assert isinstance(link, Link)
        if not isinstance(link.transmitter, HybridWaveform):
            raise UsageError(f"{name} has no symbols: its channel code is only a bound; use CODEC+ldpc-fine+hybrid")
        return link.transmitter
    if "+" in name and ".safetensors" not in name:
        raise UsageError(f"{name} has no symbols to record; use a model, or a hybrid such as hevc+ldpc-fine+hybrid")
    return load(name)


def load_on_points(model: str) -> ConstellationTransceiver:
    """Load what sends points of a constellation, by name.

    Raises:
        UsageError: a name without a constellation.
    """
    if split_constellation(model)[1] is None:
        raise UsageError(f"bits are indices of a constellation, and {model} has none; write {model}@256qam")
    transceiver = load_transceiver(model)
    assert isinstance(transceiver, ConstellationTransceiver)
    return transceiver


def transceiver_hash(name: str) -> str:
    """First digits of the SHA-256 of all that both ends of a link must share: weights, a full name, a constellation."""
    plain, constellation = split_constellation(name)
    if constellation is not None:
        return _constellation_hash(transceiver_hash(plain), constellation)
    if not is_hybrid(name):
        return weights_hash(name)
    shared = f"{canonical_hybrid(name)} {weights_hash(RESIDUAL_WEIGHTS)} {HYBRID_FORMAT}"
    return hashlib.sha256(shared.encode()).hexdigest()[:12]


def known_transceivers(checkpoints: Iterable[str] = ()) -> dict[str, str]:
    """Names of all transceivers that a receiver here can tell by their hash: the zoo's, checkpoints and hybrids.

    Args:
        checkpoints: paths of checkpoints of models that are not in the zoo.

    Raises:
        DeepJSCCError: a checkpoint that cannot be read.
    """
    names = {card.sha256[:12]: name for name, card in cards().items()}
    names |= {weights_hash(path): path for path in checkpoints}
    names |= {transceiver_hash(name): name for name in real_hybrids()}
    on_points = {
        _constellation_hash(known, points): f"{name}@{points.name}"
        for known, name in names.items()
        for points in CONSTELLATIONS
    }
    return names | on_points


def _constellation_hash(inner: str, constellation: FiniteConstellation) -> str:
    """The hash of a transceiver with a constellation around one of a given hash."""
    return hashlib.sha256(f"{inner} {constellation.name} {CONSTELLATION_FORMAT}".encode()).hexdigest()[:12]


def real_hybrids() -> list[str]:
    """The hybrids without options, one for each codec; a receiver recognises their symbols without being told."""
    return [f"{codec}+{HYBRID_CODING}+{HYBRID}" for codec in CODECS]


def canonical_hybrid(name: str) -> str:
    """The full name of a hybrid; ``hybrid`` gets the codec and the channel coding that this installation uses."""
    *front, last = name.split("+")
    return name if front else f"{default_codec()}+{HYBRID_CODING}+{last}"

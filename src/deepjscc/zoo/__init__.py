"""The zoo: weights that come with the package, each with a card that says where they come from and what they do."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models import JSCC
from deepjscc.models.checkpoint import file_hash, load_checkpoint

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Card:
    """What is known of a set of weights.

    Attributes:
        name: what :func:`load` takes.
        model: the kind, in :data:`deepjscc.models.MODELS`.
        sha256: of the weights' file.
        licence: of the weights, as their training data allow.
        summary: one line.
        data: training sets and their licences.
        training: how, with what command, for how long.
        bandwidth_ratio: complex uses per source value, as text.
        snr_db: what it was trained for.
        measured: data set, convention and PSNR per SNR, with the command that printed it.
        cameras: pictures that are decoded together: 2 for pairs.
    """

    name: str
    model: str
    sha256: str
    licence: str
    summary: str
    data: str
    training: str
    bandwidth_ratio: str
    snr_db: str
    measured: dict[str, object]
    cameras: int = 1

    @property
    def weights(self) -> Path:
        """The weights' file."""
        return _HERE / "weights" / f"{self.name}.safetensors"


@cache
def cards() -> dict[str, Card]:
    """Every card, by name."""
    found = {}
    for path in sorted((_HERE / "cards").glob("*.toml")):
        found[path.stem] = Card(name=path.stem, **tomllib.loads(path.read_text()))
    return found


def load(name: str) -> JSCC:
    """A model with its weights, in evaluation mode: from the zoo by name, or from a ``.safetensors`` checkpoint.

    >>> model = load("cnn-c16-awgn-10db")
    >>> model.kind, model.uses((32, 32))
    ('cnn', 512)

    Raises:
        UsageError: no such model.
        DeepJSCCError: weights that are missing, damaged or not ours.
    """
    if name.endswith(".safetensors"):
        return load_checkpoint(name)
    card = _card(name)
    if not card.weights.is_file():
        raise DeepJSCCError(f"{card.weights}: the weights of {name} are missing; install deepjscc again")
    if file_hash(card.weights) != card.sha256:
        raise DeepJSCCError(f"{card.weights}: damaged (checksum differs from the card's); install deepjscc again")
    return load_checkpoint(card.weights)


def weights_hash(name: str) -> str:
    """First 12 hex digits of the SHA-256 of the weights that :func:`load` would take."""
    if not name.endswith(".safetensors"):
        return _card(name).sha256[:12]
    try:
        return file_hash(name)[:12]
    except OSError as error:
        raise DeepJSCCError(f"{name}: {error.strerror}; give the checkpoint's place") from None


def _card(name: str) -> Card:
    if name not in cards():
        raise UsageError(f"unknown model {name!r}; there are {', '.join(cards())}, or give a .safetensors file")
    return cards()[name]

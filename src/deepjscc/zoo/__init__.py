"""The zoo: weights that come with the package, each with a card that says where they come from and what they do."""

import os
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models import JSCC, MODELS, BlockCode
from deepjscc.models.block_code.calibration import ErrorCalibration
from deepjscc.models.checkpoint import content_hash, file_hash, load_checkpoint
from deepjscc.models.checkpoint import load_refiner as load_checkpoint_of_refiner
from deepjscc.models.checkpoint import load_residual_code as load_checkpoint_of_residual_code
from deepjscc.models.diffusion import Diffusion
from deepjscc.models.residual_code import ResidualCode

_HERE = Path(__file__).parent
_PARTS = {Diffusion.kind: "refines what a link delivers", ResidualCode.kind: "is the analog layer of a hybrid"}


@dataclass(frozen=True)
class Card:
    """The facts about a set of weights.

    Attributes:
        name: what :func:`load` takes.
        model: the kind, in :data:`deepjscc.models.MODELS`, or `diffusion` or `residual_code`.
        sha256: of the weights' file.
        licence: of the weights, as their training data allow.
        summary: one line.
        data: training sets and their licences.
        training: how, with what command, for how long.
        bandwidth_ratio: complex uses per source value, as text.
        snr_db: what it was trained for.
        trained_snr_db: of a block code with networks, lowest and highest SNR of training; else None.
        trained_ratio: of a block code with networks, lowest and highest bandwidth ratio of training, beyond which the
            networks fade out and `linear` is left; else None.
        measured: data set, convention and PSNR per SNR, with the command that printed it.
        expected_error: of a block code, the numbers of
            :class:`deepjscc.models.block_code.calibration.ErrorCalibration`, by ``tools/calibrate_error.py``.
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
    trained_snr_db: list[float] | None = None
    trained_ratio: list[float] | None = None
    expected_error: dict[str, list[float]] | None = None

    @property
    def weights(self) -> Path:
        """The weights' file: beside this module, else in the folder ``$DEEPJSCC_WEIGHTS``.

        An installed package carries the weights that its documented commands use; those of the figures of papers are in
        the repository alone.
        """
        file, elsewhere = f"{self.name}.safetensors", os.environ.get("DEEPJSCC_WEIGHTS")
        ours = _HERE / "weights" / file
        return Path(elsewhere) / file if elsewhere and not ours.is_file() else ours


@cache
def cards() -> dict[str, Card]:
    """Return every card by its name."""
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
    model, card = load_checkpoint(_weights(name, MODELS)), cards().get(name)
    if isinstance(model, BlockCode) and card is not None and card.expected_error is not None:
        model.calibration = ErrorCalibration(**card.expected_error)
    return model


def load_refiner(name: str) -> Diffusion:
    """Load a refiner of the pictures that a link delivers: from the zoo by name, or from a ``.safetensors`` checkpoint.

    Raises:
        UsageError: no such refiner.
        DeepJSCCError: weights that are missing, damaged or not ours, or diffusers is not installed.
    """
    return load_checkpoint_of_refiner(_weights(name, (Diffusion.kind,)))


def load_residual_code(name: str) -> ResidualCode:
    """The analog layer of a hybrid: from the zoo by name, or from a ``.safetensors`` checkpoint.

    Raises:
        UsageError: no such code.
        DeepJSCCError: weights that are missing, damaged or not ours.
    """
    return load_checkpoint_of_residual_code(_weights(name, (ResidualCode.kind,)))


def weights_hash(name: str) -> str:
    """First 12 hex digits of :func:`weights_sha256`: what a frame's header has room for."""
    return weights_sha256(name)[:12]


def weights_sha256(name: str) -> str:
    """SHA-256, in hex, that stands for the weights that :func:`load` would take.

    Of a name it is its card's, the hash of the file. Of a checkpoint it is the hash of its content, which two files of
    the same weights share; a copy of a file of the zoo has the hash of its card.

    Raises:
        UsageError: no such model.
        DeepJSCCError: a checkpoint that is missing or damaged.
    """
    if not name.endswith(".safetensors"):
        return _card(name).sha256
    content = content_hash(name)
    whole = file_hash(name)
    return whole if any(card.sha256 == whole for card in cards().values()) else content


def _card(name: str) -> Card:
    if name not in cards():
        near = get_close_matches(name, cards(), 3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(
            f"unknown model {name!r}; {hint}`deepjscc models` lists all, and a .safetensors file is taken too"
        )
    return cards()[name]


def _weights(name: str, kinds: Collection[str]) -> Path:
    """Return the path of the weights of a name, which must be whole and of one of these kinds."""
    if name.endswith(".safetensors"):
        return Path(name)
    card = _card(name)
    if card.model not in kinds:
        of_kind = ", ".join(each.name for each in cards().values() if each.model in kinds)
        what = _PARTS.get(card.model, "is a link of its own")
        raise UsageError(f"{name} {what}; there are {of_kind or 'none of the other kind'}")
    if not card.weights.is_file():
        raise DeepJSCCError(
            f"{card.weights}: the weights of {name} are not in this installation; set DEEPJSCC_WEIGHTS to the folder "
            "src/deepjscc/zoo/weights of the repository"
        )
    if file_hash(card.weights) != card.sha256:
        raise DeepJSCCError(f"{card.weights}: damaged (checksum differs from the card's); install deepjscc again")
    return card.weights

"""Optional methods and attributes that a model may have for its training.

- ``sample_training_variant(generator)``: the model as one training step has it, if it learns to do with parts of
  itself.
- ``penalty(images, snr_db)``: what training adds to the loss of a transmission.
- ``starts_from``: kinds of other models whose weights have the same names and meaning here.
- ``weights_from(other)``: the weights of another model under the names they have here; None if it cannot take them.
"""

import torch
from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.models.base import JSCC
from deepjscc.types import Images, SnrDb


def training_variant(model: JSCC, generator: torch.Generator | None) -> JSCC:
    """Return the model as a training step has it: itself, unless it samples a variant."""
    hook = getattr(model, "sample_training_variant", None)
    return model if hook is None else hook(generator)


def training_penalty(model: JSCC, images: Images, snr_db: SnrDb) -> Tensor:
    """Return what training adds to the loss of a transmission: 0, unless the model has a penalty."""
    hook = getattr(model, "penalty", None)
    return images.new_zeros(()) if hook is None else hook(images, snr_db)


def starting_weights(model: JSCC, other: JSCC) -> dict[str, Tensor]:
    """Return another model's weights under a model's names, for a training that starts from them.

    Raises:
        UsageError: weights of a kind that the model cannot start with.
    """
    hook = getattr(model, "weights_from", None)
    converted = None if hook is None else hook(other)
    if converted is not None:
        return converted
    if isinstance(model, type(other)) or other.kind in getattr(model, "starts_from", ()):
        return other.state_dict()
    raise UsageError(f"a {model.kind} cannot start with the weights of a {other.kind}")

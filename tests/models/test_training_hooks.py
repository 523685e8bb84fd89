"""What models bring for their training, and what one without any of it gets."""

import pytest
import torch

from deepjscc.errors import UsageError
from deepjscc.models import Adaptive, Cnn, Linear, MultipleDecoders, SingleDecoder, Universal
from deepjscc.models.training_hooks import starting_weights, training_penalty, training_variant

IMAGES, SNR_DB = torch.rand(1, 3, 32, 32), torch.tensor([10.0])


def test_a_model_without_hooks_trains_as_it_is() -> None:
    model = Cnn(filters=2)
    assert training_variant(model, torch.Generator()) is model
    assert training_penalty(model, IMAGES, SNR_DB).item() == 0
    assert starting_weights(model, Cnn(filters=2)).keys() == model.state_dict().keys()
    with pytest.raises(UsageError, match="a cnn cannot start with the weights of a linear"):
        starting_weights(model, Linear(block=4))


def test_variational_latents_are_drawn_and_paid_for() -> None:
    model = Adaptive(width=2, latent=4, variational=True)
    assert training_variant(model, torch.Generator()) is not model
    assert training_penalty(model, IMAGES, SNR_DB).item() > 0


def test_weights_are_taken_over_under_the_names_they_have() -> None:
    cnn = Cnn(filters=4)
    for model in (MultipleDecoders(2, 2), SingleDecoder(2, 2)):
        assert torch.equal(starting_weights(model, cnn)["encoder.0.weight"], cnn.encoder[0].weight)
    tables = starting_weights(Universal(width=4, encoder_depth=1, decoder_depth=1, clean_width=2), Linear())
    assert tables.keys() == {"mean", "basis", "deviation", "neighbours"}

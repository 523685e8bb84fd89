"""The conditioned residual block: it begins as the identity, hears the condition, and norms by position."""

import pytest
import torch

from deepjscc.layers.residual import ConditionedResidual, normalised


def test_it_begins_as_the_identity_and_every_weight_can_move() -> None:
    block = ConditionedResidual(8, 4)
    features, condition = torch.randn(2, 8, 5, 6), torch.randn(2, 4)
    assert torch.equal(block(features, condition), features)
    torch.nn.init.normal_(block.second.weight)
    block(features, condition).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in block.parameters())


def test_the_condition_is_of_its_image_alone() -> None:
    block = ConditionedResidual(8, 4)
    for weight in block.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    features, condition = torch.randn(2, 8, 5, 6), torch.randn(2, 4)
    both = block(features, condition)
    other = block(features, torch.stack([condition[0], -condition[1]]))
    assert torch.equal(both[0], other[0])
    assert not torch.allclose(both[1], other[1])


def test_normalising_is_by_position() -> None:
    features = 7 * torch.randn(2, 16, 3, 4)
    normed = normalised(features)
    assert normed.square().mean(1).sqrt().flatten().tolist() == pytest.approx([1.0] * 24, rel=1e-3)
    assert torch.allclose(normalised(features[:, :, 1:2, 2:3]), normed[:, :, 1:2, 2:3])

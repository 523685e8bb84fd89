"""Muon: singular values near 1, the size of Adam's steps, and a quadratic that it solves."""

import pytest
import torch

from deepjscc.training.muon import MATCHED_RMS, Muon, orthogonalised


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_singular_values_are_near_one_and_singular_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, values, right = torch.linalg.svd(orthogonalised(matrix), full_matrices=False)
    assert values.min() > 0.6
    assert values.max() < 1.3
    exact_left, _, exact_right = torch.linalg.svd(matrix, full_matrices=False)
    turned = (left @ right) - exact_left @ exact_right  # the polar factor, which no order or sign of vectors changes
    assert turned.abs().max() < 1e-3


def test_the_iteration_on_gram_matrices_is_that_on_the_matrix() -> None:
    matrix = torch.randn(6, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64).float()
    other = matrix.double() / matrix.double().norm()
    for _ in range(5):
        gram = other @ other.mT
        other = (3.4445 * torch.eye(6).double() - 4.7750 * gram + 2.0315 * gram @ gram) @ other
    torch.testing.assert_close(orthogonalised(matrix).double(), other, atol=1e-3, rtol=0)


def test_a_kernel_moves_by_the_size_of_a_step_of_adam_and_a_bias_by_adam() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(8, 16, 3)
    before = [weight.detach().clone() for weight in layer.parameters()]
    twin = [torch.nn.Parameter(weight.clone()) for weight in before]
    optimiser, adam = Muon(layer.parameters(), lr=0.01), torch.optim.Adam(twin, lr=0.01)
    layer(torch.randn(2, 8, 9, 9)).square().sum().backward()
    for weight, other in zip(layer.parameters(), twin, strict=True):
        other.grad = weight.grad
    optimiser.step()
    adam.step()
    moved = (layer.weight.detach() - before[0]).square().mean().sqrt().item() / 0.01
    assert moved == pytest.approx(MATCHED_RMS, rel=0.3)
    torch.testing.assert_close(layer.bias.detach(), twin[1].detach())


def test_it_solves_a_least_squares_problem() -> None:
    draws = torch.Generator().manual_seed(0)
    inputs, wanted = torch.randn(64, 12, generator=draws), torch.randn(12, 5, generator=draws)
    weight = torch.nn.Parameter(torch.zeros(12, 5))
    optimiser = Muon([weight], lr=0.3)
    for step in range(200):
        optimiser.param_groups[0]["lr"] = 0.3 * (1 - step / 200)
        loss = (inputs @ (weight - wanted)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (weight - wanted).abs().max() < 0.02

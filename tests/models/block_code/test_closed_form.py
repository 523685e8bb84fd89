"""The closed form: the LMMSE receiver against the solution of the normal equations, and halos cut off."""

import torch

from deepjscc.models.block_code.allocation import allocate
from deepjscc.models.block_code.closed_form import lmmse, modulate, without_halo
from deepjscc.models.block_code.side_info import BlockPlan, DecodedSideInfo
from deepjscc.models.block_code.tiling import Strip

ALL = Strip(0, 2, 0, 2)


def _plan(variances: torch.Tensor, draws: torch.Generator) -> BlockPlan:
    """Two rows of three blocks, of which a part of the coefficients is sent."""
    classes = torch.randint(len(variances), (1, 6), generator=draws)
    allocation = allocate(classes, variances, torch.tensor([40]), torch.tensor([0.1]))
    return BlockPlan((2, 3), allocation, torch.tensor([10.0]))


def test_the_estimate_solves_the_normal_equations(draws: torch.Generator) -> None:
    variances, gain = torch.rand(3, 12, generator=draws) + 0.1, torch.tensor([1.7])
    plan = _plan(variances, draws)
    noise = torch.full((1, 6, 12), 0.1).masked_fill(torch.rand(1, 6, 12, generator=draws) < 0.3, torch.inf)
    observed = torch.randn(1, 6, 12, generator=draws).masked_fill(noise.isinf(), 0)
    side_info = DecodedSideInfo(gain, torch.tensor([True]), torch.zeros(1))
    estimate, error = lmmse(observed, noise, side_info, variances, plan, ALL)
    for block in range(6):
        kind = plan.allocation.classes[0, block]
        for value in range(12):
            # Of an image scaled by the gain, c has the variance v / gain^2, and y = gain · scale · c + n.
            prior, scale = (variances[kind, value] / gain**2).item(), (plan.allocation.scale[0, kind, value]).item()
            mixed, n0 = scale * gain.item(), noise[0, block, value].item()
            best = prior * mixed / (mixed**2 * prior + n0)
            assert abs(estimate[0, block, value].item() - best * observed[0, block, value].item()) < 1e-5
            assert abs(error[0, block, value].item() - (prior - best * mixed * prior)) < 1e-5


def test_halos_are_not_sent(draws: torch.Generator) -> None:
    variances = torch.rand(3, 12, generator=draws) + 0.1
    plan, coefficients = _plan(variances, draws), torch.randn(1, 6, 12, generator=draws)
    whole = modulate(coefficients, plan, ALL)
    lower = Strip(1, 2, 0, 2)
    assert torch.equal(modulate(coefficients, plan, lower), whole[:, 3:])
    assert torch.equal(without_halo(coefficients, lower, 3), coefficients[:, 3:])

"""Muon: momentum whose matrices are made orthogonal before a step; biases, gates and other vectors go by Adam.

``torch.optim.Muon`` accepts matrices alone and computes in bfloat16, which processors without AVX512-BF16 emulate at a
thirtieth of the speed of float32. This one takes convolution kernels too, as matrices of one row per output channel,
computes in float32, and iterates on the smaller Gram matrix.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

STEPS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, as Jordan 2024 chose them
MATCHED_RMS = 0.2  # root mean square of a step of Adam with learning rate 1, which that of Muon is scaled to


class Muon(torch.optim.Optimizer):
    """Muon for kernels and matrices (Jordan 2024), Adam for parameters of one dimension.

    Both take the same learning rate: a step of Muon is scaled to the root mean square of a step of Adam (Liu et al.
    2025, "Muon is scalable for LLM training", eq. 4).

    Args:
        parameters: what to optimise; kernels are ``[outputs, inputs, …]``.
        lr: learning rate.
        momentum: of Muon, in Nesterov's form.
        betas: of Adam.
        eps: of Adam.
        weight_decay: decoupled, of kernels and matrices.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters, {"lr": lr, "momentum": momentum, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step; the closure, if there is one, computes the loss first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = _adam_step if parameter.dim() < 2 else _muon_step
                    update(parameter, parameter.grad, self.state[parameter], group)
        return loss


def _muon_step(parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    if not state:
        state["momentum"] = torch.zeros_like(parameter)
    momentum = state["momentum"].lerp_(gradient, 1 - group["momentum"])
    direction = gradient.lerp(momentum, group["momentum"]).flatten(1)
    scale = MATCHED_RMS * math.sqrt(max(direction.shape))
    parameter.mul_(1 - group["lr"] * group["weight_decay"])
    parameter.add_(orthogonalised(direction).view(parameter.shape), alpha=-group["lr"] * scale)


def _adam_step(parameter: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    if not state:
        state["step"] = torch.zeros(())
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
    first, second = group["betas"]
    state["step"] += 1
    steps = state["step"].item()
    mean = state["exp_avg"].lerp_(gradient, 1 - first)
    square = state["exp_avg_sq"].lerp_(gradient.square(), 1 - second)
    deviation = (square / (1 - second**steps)).sqrt_().add_(group["eps"])
    parameter.addcdiv_(mean, deviation, value=-group["lr"] / (1 - first**steps))


def orthogonalised(matrix: Tensor) -> Tensor:
    """Compute an approximately orthogonal matrix of the same row and column spaces, singular values 0.7 to 1.2.

    Five steps of the quintic Newton-Schulz iteration X ← (a + b·XXᵀ + c·(XXᵀ)²) X. All factors are polynomials of the
    first Gram matrix, so the iteration runs on Gram matrices alone and X is multiplied once at the end.

    Args:
        matrix: ``[rows, columns]``.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalised(matrix.mT).mT
    matrix = matrix.float()
    matrix = matrix / (matrix.norm() + 1e-7)
    gram = matrix @ matrix.mT
    factor = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    unit = factor
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        polynomial = torch.addmm(a * unit + b * gram, gram, gram, alpha=c)
        factor = polynomial @ factor
        gram = polynomial @ gram @ polynomial
    return factor @ matrix

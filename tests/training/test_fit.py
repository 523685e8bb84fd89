"""Fitting the closed-form code: it finds what a made-up source has."""

import pytest
import torch

from deepjscc.data import ImageSet
from deepjscc.errors import UsageError
from deepjscc.training.fit import fit_linear


def _pictures(*images: torch.Tensor) -> ImageSet:
    eight_bit = [(image * 255).round().byte() for image in images]
    return ImageSet("made", [str(index) for index in range(len(images))], eight_bit.__getitem__)


def test_fit_learns_the_klt(draws: torch.Generator) -> None:
    """Images whose blocks have one known direction: it must come out first, and the variance with it."""
    pattern = torch.ones(3, 4, 4)
    amount = torch.randn(16, 16, generator=draws) * 0.05
    image = 0.5 + torch.kron(amount, torch.ones(4, 4)).expand(3, 64, 64)
    model = fit_linear(_pictures(image), block=4, classes=1)
    first = model.basis[:, 0].reshape(3, 4, 4)
    assert first.abs().flatten().tolist() == pytest.approx([pattern.norm().item() ** -1] * 48, rel=0.01)
    assert model.deviation[0, 0].item() == pytest.approx(amount.std(correction=0).item() * 48**0.5, rel=0.02)
    assert model.deviation[0, 1] < 0.01


def test_fit_tells_flat_blocks_from_textured_ones(draws: torch.Generator) -> None:
    """Left half of faint noise, right half of strong noise: two classes, each with its own variances."""
    noise = torch.randn(3, 64, 128, generator=draws)
    image = (0.5 + noise * torch.tensor([0.02, 0.1]).repeat_interleave(64)).clamp(0, 1)
    model = fit_linear(_pictures(image), block=4, classes=2)
    assert model.deviation[:2].mean(1).sort().values.tolist() == pytest.approx([0.02, 0.1], rel=0.1)
    classes = model.tables.classify(model.transform.coefficients(image[None]).square()).view(16, 32)
    assert len(classes[:, :16].unique()) == len(classes[:, 16:].unique()) == 1
    # Left and upper neighbour of one kind: the next is of that kind too.
    kind = int(classes[0, 0])
    assert model.neighbours.softmax(1)[kind * 3 + kind, kind] > 0.9


def test_fit_refuses_pictures_without_a_block() -> None:
    with pytest.raises(UsageError, match="holds a block"):
        fit_linear(_pictures(torch.rand(3, 8, 8)), block=16)
    with pytest.raises(UsageError, match="too few"):
        fit_linear(_pictures(torch.rand(3, 8, 8)), block=4, classes=5)

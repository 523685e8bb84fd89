"""The transform of blocks: an orthonormal basis, blocks that come back, and deviations that follow from variances."""

import math

import numpy as np
import pytest
import torch

from deepjscc.models.block_code.transform import BlockTransform


@pytest.fixture
def transform(draws: torch.Generator) -> BlockTransform:
    """Of blocks of 4x4 pixels, with a random orthonormal basis."""
    basis, _ = torch.linalg.qr(torch.randn(48, 48, generator=draws))
    return BlockTransform(torch.rand(48, generator=draws), basis, 4)


def test_images_come_back(transform: BlockTransform, draws: torch.Generator) -> None:
    images = torch.rand(2, 3, 8, 12, generator=draws)
    assert torch.equal(transform.from_blocks(transform.to_blocks(images), 3), images)
    assert torch.allclose(transform.to_pixels(transform.coefficients(images), 3), images, atol=1e-5)


def test_coefficients_are_products_with_the_columns_of_the_basis(
    transform: BlockTransform, draws: torch.Generator
) -> None:
    images = torch.rand(1, 3, 8, 8, generator=draws)
    block = images[0, :, 4:8, 0:4].reshape(-1).numpy()  # the third of four in raster order
    expected = transform.basis.numpy().T @ (block - transform.mean.numpy())
    assert np.allclose(transform.coefficients(images)[0, 2].numpy(), expected, atol=1e-5)
    change = transform.coefficients_of_change(images)[0, 2].numpy()
    assert np.allclose(change, transform.basis.numpy().T @ block, atol=1e-5)


def test_deviation_of_pixels_is_that_of_random_errors(transform: BlockTransform, draws: torch.Generator) -> None:
    error = torch.rand(1, 1, 48, generator=draws)
    errors = torch.randn(20_000, 1, 48, generator=draws) * error.sqrt()
    measured = (transform.to_pixels(errors, 1) - transform.to_pixels(torch.zeros(1, 1, 48), 1)).square().mean(0).sqrt()
    assert torch.allclose(measured, transform.deviation_of_pixels(error, 1)[0], rtol=5 / math.sqrt(20_000))

"""Training losses: functions of the sent and the reconstructed images."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from deepjscc.types import Images


def mse(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """Mean squared error over the batch (Bourtsoulatze et al. 2019, eq. 3)."""
    return (images - decoded).square().mean()


def log_mse(images: Images, decoded: Images) -> Float[Tensor, ""]:
    """Mean over images of log MSE: PSNR up to a factor, so every SNR weighs alike."""
    return ((images - decoded).square().mean((1, 2, 3)) + 1e-6).log().mean()


LOSSES: dict[str, Callable[[Images, Images], Float[Tensor, ""]]] = {"mse": mse, "log_mse": log_mse}

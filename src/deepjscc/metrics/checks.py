"""The check that every metric makes of its input."""

from torch import Tensor

from deepjscc.errors import UsageError
from deepjscc.images import check_images

OVERSHOOT = 1.0  # of decoded images that were not clipped; further out they are on another scale


def check_pair(images: Tensor, decoded: Tensor) -> None:
    """Check that both are batches of images of one shape.

    Args:
        images: what was sent, in [0, 1].
        decoded: what came out, not yet clipped to [0, 1].

    Raises:
        UsageError: another type, shape or range, NaN, or two shapes.
    """
    check_images(images)
    check_images(decoded, OVERSHOOT)
    if images.shape != decoded.shape:
        ours, theirs = ("x".join(map(str, each.shape)) for each in (images, decoded))
        raise UsageError(f"the images sent are {ours} and those decoded {theirs}; a metric needs one shape")

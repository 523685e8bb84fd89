"""Sample photographs that come inside scikit-image's wheel (extra ``[samples]``), so that a demo needs no download."""

from pathlib import Path

from deepjscc.data.base import ImageSet
from deepjscc.errors import DeepJSCCError
from deepjscc.images import read_image

NAMES = {"astronaut": "astronaut.png", "chelsea": "chelsea.png", "coffee": "coffee.png", "rocket": "rocket.jpg"}
PAIR = ("motorcycle_left.png", "motorcycle_right.png")


def sample_path(name: str) -> Path:
    """Return the path of a sample photograph.

    Raises:
        DeepJSCCError: scikit-image is not installed.
    """
    return _folder() / NAMES[name]


def sample_pair() -> tuple[Path, Path]:
    """Return the paths of the two views of a stereo camera: Motorcycle, of the Middlebury 2014 benchmark.

    Raises:
        DeepJSCCError: scikit-image is not installed.
    """
    left, right = (_folder() / file for file in PAIR)
    return left, right


def _folder() -> Path:
    try:
        import skimage.data
    except ImportError:
        raise DeepJSCCError("the sample photographs need scikit-image: pip install 'deepjscc[samples]'") from None
    return Path(skimage.data.__file__).parent


def open_samples() -> ImageSet:
    """Four photographs: astronaut (NASA, public domain), chelsea and coffee (CC0), rocket (SpaceX, CC0)."""
    names = list(NAMES)
    return ImageSet("samples", names, lambda index: read_image(sample_path(names[index])))

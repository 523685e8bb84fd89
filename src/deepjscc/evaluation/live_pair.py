"""The views that the page shows of two cameras: a pair decoded together, each view alone, and the gain between them."""

import math
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from deepjscc.channels import make_channel
from deepjscc.channels.base import Coherence
from deepjscc.evaluation.background import in_background
from deepjscc.evaluation.pair import send_pair
from deepjscc.evaluation.single import Outcome
from deepjscc.layers.cross_attention import HIGHEST_DB, LOWEST_DB
from deepjscc.systems.names import NamedSystem, make_system

TOGETHER, ALONE = "distributed-joint", "distributed-alone"
RANGE_DB = (LOWEST_DB, HIGHEST_DB)  # that the weights were trained for
NOISELESS_DB = math.inf
Views = tuple[Outcome, Outcome]  # left and right


@dataclass(frozen=True)
class PairSetting:
    """The values of the sliders of two links.

    Attributes:
        left_db, right_db: SNR of each link in dB; :data:`NOISELESS_DB` for a link without noise.
        channel, coherence: the kind of both channels; the receiver knows the gains.
        seed: seed of the random generator for gains and noise.
    """

    left_db: float
    right_db: float
    channel: str = "awgn"
    coherence: Coherence | None = None
    seed: int = 0


@lru_cache(maxsize=4)
def _system(model: str, channel: str, coherence: Coherence | None) -> NamedSystem:
    """A link, cached, so that its weights are read once."""
    return make_system(model, make_channel(channel, coherence=coherence))


def _send(model: str, pair: tuple[Image.Image, Image.Image], setting: PairSetting) -> Views:
    system, links = _system(model, setting.channel, setting.coherence), (setting.left_db, setting.right_db)
    return send_pair(*pair, system, links, seed=setting.seed, with_structure=False)


def together(pair: tuple[Image.Image, Image.Image], setting: PairSetting) -> Views:
    """Decode both pictures together.

    Raises:
        UsageError: pictures of different sizes.
    """
    return _send(TOGETHER, pair, setting)


def alone(pair: tuple[Image.Image, Image.Image], setting: PairSetting) -> Views:
    """Decode each picture alone, over the same gains and noise, at low priority.

    Raises:
        UsageError: pictures of different sizes.
    """
    return in_background(lambda: _send(ALONE, pair, setting))


def gain_db(joint: Views, apart: Views) -> tuple[float, float]:
    """PSNR that decoding together adds to the left and to the right picture."""
    left, right = ((ours.psnr_db or 0.0) - (theirs.psnr_db or 0.0) for ours, theirs in zip(joint, apart, strict=True))
    return left, right

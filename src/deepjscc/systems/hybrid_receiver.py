"""The receiver of a hybrid: from the layers that arrived to the best picture they make, and its estimated error."""

import math
from dataclasses import dataclass

import torch

from deepjscc.digital.codecs.base import LevelCodec
from deepjscc.digital.codecs.coarse import decode_coarse
from deepjscc.errors import DeepJSCCError
from deepjscc.images import to_float
from deepjscc.models import BlockCode
from deepjscc.models.block_code.estimated_error import ROUNDING
from deepjscc.models.residual_code import ResidualCode
from deepjscc.systems.analog_spreading import despread
from deepjscc.systems.hybrid_payload import Base, unpack_coarse
from deepjscc.systems.hybrid_plan import ANALOG_ONLY, HybridHeader, share_db
from deepjscc.types import Images, Received, Size


@dataclass(frozen=True)
class HybridReceiver:
    """See the module's docstring.

    Attributes:
        codec: source codec of the base.
        residual_code: analog code of the residual.
        analog: code of the whole image, which is used where the bandwidth is too small for a base.
    """

    codec: LevelCodec
    residual_code: ResidualCode
    analog: BlockCode

    def receive_image(self, received: Received, index: int, size: Size) -> tuple[Images, tuple[str, ...], float]:
        """The best picture of what arrived, the names of the layers that it is made of, and its estimated error.

        The error follows from the posterior variances of the analog layer and from what they miss at the design SNR,
        which the base tells; a base alone tells its own error; that of the coarse layer is not known (NaN).
        """
        data, nothing = received.digital[index], torch.full((1, 3, *size), 0.5)
        if data[0] is None:
            return nothing, (), math.nan
        header = HybridHeader.unpack(data[0])
        here = slice(index, index + 1)
        count = received.counts[index] if received.counts else received.symbols.shape[1]
        symbols, noise = received.symbols[here, :count], received.noise_variance[here, :count]
        if header.share_index == ANALOG_ONLY:
            alone = Received(symbols, noise, None, received.snr_db[here], (data[1:],), (count,))
            decoded = self.analog.receive(alone, size)
            known = decoded.estimated_mse
            return decoded.images, ("analog",), math.nan if known is None else float(known)
        if data[-1] is not None:
            base = Base.unpack(data[-1])
            picture = self.codec.decode(base.stream)
            if picture.shape[1:] != size:
                raise DeepJSCCError("the base of a hybrid transmission is a picture of another size")
            image = to_float(picture)
            if not header.share_index:
                return image, ("base",), base.mse
            snr_db = header.design_snr_db + share_db(header.analog_share)
            analog, analog_noise = despread(symbols[0], noise[0])
            estimate = self.residual_code.estimate(analog, analog_noise, picture, base.side_info, base.gain, snr_db)
            mse = float(estimate.error_variance.mean()) * base.error_ratio + ROUNDING
            return (image + estimate.residual[None]).clamp(0, 1), ("base", "analog"), mse
        if header.coarse and data[1] is not None:
            return to_float(decode_coarse(unpack_coarse(data[1]), size)), ("coarse",), math.nan
        return nothing, (), math.nan

"""`universal`: the block-adaptive linear code with networks around it. One model for every SNR, ratio and channel.

Where its networks (:mod:`deepjscc.models.block_code.trunk`) begin, at zero, the code *is* `linear`.
"""

from typing import ClassVar

from deepjscc.models.block_code.code import BlockCode
from deepjscc.models.block_code.network_inputs import LINK, LINK_AT_RECEIVER, values_at_decoder, values_at_encoder
from deepjscc.models.block_code.networks import BLOCK
from deepjscc.models.block_code.trunk import CleanUp, Trunk, TrunkNetworks, halo_of


class Universal(BlockCode):
    """See the module's docstring; encoding, side information and strips are those of `linear`.

    Args:
        width: features at 1/8 resolution.
        encoder_depth, decoder_depth: residual blocks on either side.
        clean_width: features of the clean-up at half resolution.
        classes: of the linear code it starts from.
    """

    kind: ClassVar[str] = "universal"
    starts_from = ("linear",)

    def __init__(
        self,
        width: int = 96,
        encoder_depth: int = 3,
        decoder_depth: int = 5,
        clean_width: int = 24,
        classes: int = 16,
    ) -> None:
        super().__init__(BLOCK, classes)
        self.config = {
            "classes": classes,
            "width": width,
            "encoder_depth": encoder_depth,
            "decoder_depth": decoder_depth,
            "clean_width": clean_width,
        }
        values = len(self.mean)
        self.encoder = Trunk(values_at_encoder(values, classes), width, encoder_depth, LINK, values)
        self.decoder = Trunk(values_at_decoder(values, classes), width, decoder_depth, LINK_AT_RECEIVER, values)
        self.clean_up = CleanUp(clean_width)
        self.halo = halo_of(encoder_depth, decoder_depth)

    @property
    def networks(self) -> TrunkNetworks:
        """Two trunks and the clean-up."""
        return TrunkNetworks(self.encoder, self.decoder, self.clean_up)

"""A hybrid transmission as symbols: those of the header, of the coarse layer, and of base and analog layer superposed.

With a real channel code no data accompany the symbols. Recordings, radio frames and links therefore treat a hybrid
image like one of a model, and the receiver finds all layers in the received symbols.
"""

from typing import ClassVar

import torch

from deepjscc.digital.fine_ldpc import PlannedFineLDPC
from deepjscc.errors import UsageError
from deepjscc.symbols import channel_uses
from deepjscc.systems.hybrid import Hybrid
from deepjscc.systems.hybrid_plan import ANALOG_ONLY, HEADER_BYTES, HybridHeader
from deepjscc.types import Decoded, DigitalLayer, Encoded, Images, LinkPlan, Received, Size, Symbols


class HybridWaveform:
    """Transmitter and receiver of hybrid images whose digital layers are sent bit by bit.

    Args:
        hybrid: a hybrid whose channel code is `ldpc-fine`, simulated bit by bit.

    Raises:
        UsageError: the hybrid has another channel code.
    """

    kind: ClassVar[str] = "hybrid"
    encoder_uses_snr = True
    supports_prefix = False

    def __init__(self, hybrid: Hybrid) -> None:
        if not all(isinstance(code, PlannedFineLDPC) and code.simulate for code in hybrid.header_codes()):
            raise UsageError("a hybrid has symbols only with a real channel code; use CODEC+ldpc-fine+hybrid")
        self.hybrid = hybrid

    @torch.no_grad()
    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode images, ``[batch, 3, height, width]`` in [0, 1], to the symbols of all layers, ``[batch, uses]``.

        Raises:
            UsageError: the bandwidth ratio is too small for a digital base.
        """
        encoded = self.hybrid.encode(images, plan)
        rows = [self._symbols(encoded.image(index)) for index in range(len(images))]
        ratio = self.hybrid.default_ratio if plan.bandwidth_ratio is None else plan.bandwidth_ratio
        uses = channel_uses((images.shape[-2], images.shape[-1]), ratio)
        symbols = torch.zeros(len(rows), uses, dtype=torch.complex64)
        for row, own in zip(symbols, rows, strict=True):
            row[: own.shape[1]] = own[0]
        return Encoded(symbols, ((),) * len(rows))

    def decode(self, received: Received, size: Size) -> Images:
        """Decode symbols to images, ``[batch, 3, height, width]``; an image of which no layer arrived is mid-grey."""
        return self.receive(received, size).images

    @torch.no_grad()
    def receive(self, received: Received, size: Size) -> Decoded:
        """Find and decode the layers of each image.

        Args:
            received: equalised symbols, ``[batch, uses]``, and the noise variance of each.
            size: height and width of the images.

        Returns:
            The images, and the names of the layers that arrived.
        """
        found = [
            self._layers(received.symbols[index, None], received.noise_variance[index, None], received.snr_db[index])
            for index in range(len(received.symbols))
        ]
        decoded = [self.hybrid.receive(one, size) for one in found]
        delivered = torch.tensor([bool(one.layers[0]) for one in decoded])
        layers = tuple(one.layers[0] for one in decoded)
        return Decoded(torch.cat([one.images for one in decoded]), delivered, layers=layers)

    def _symbols(self, encoded: Encoded) -> Symbols:
        """The symbols of all layers of one image in the order of transmission."""
        layers, share = encoded.digital[0], encoded.analog_share[0]
        if not layers[-1].superposed:
            raise UsageError(
                "the bandwidth ratio is too small for the digital base of a hybrid; raise it, or use universal-s or "
                "linear"
            )
        parts = [modulated(layer) for layer in layers]
        parts[-1] = (1 - share) ** 0.5 * parts[-1] + share**0.5 * encoded.symbols
        return torch.cat(parts, 1)

    def _layers(self, symbols: Symbols, noise_variance: torch.Tensor, snr_db: torch.Tensor) -> Received:
        """The layers of one image as the receiver of a hybrid takes them; a layer that was lost is None."""
        nothing = Received(symbols[:, :0], noise_variance[:, :0], None, snr_db[None], ((None, None),))
        # A symbol that was not received has infinite noise; decoders take a large number.
        noise = noise_variance.clamp_max(1e6)
        header, start = self._header(symbols, noise)
        if header is None:
            return nothing
        uses = symbols.shape[1]
        data: list[bytes | None] = [header.pack()]
        if header.coarse:
            code = self.hybrid.coarse_code(header, uses)
            assert isinstance(code, PlannedFineLDPC)
            here, start = slice(start, start + code.uses), start + code.uses
            data.append(code.demodulate_all(symbols[:, here], noise[:, here]))
        code, share = self.hybrid.base_code(header, uses - start), header.analog_share
        assert isinstance(code, PlannedFineLDPC)
        left, left_noise = symbols[:, start:], noise[:, start:]
        base = code.demodulate_all(left / (1 - share) ** 0.5, (left_noise + share) / (1 - share))
        if base is not None and share:
            again = code.modulate(base)
            assert again is not None
            left, left_noise = (left - (1 - share) ** 0.5 * again) / share**0.5, left_noise / share
        return Received(left, left_noise, None, snr_db[None], ((*data, base),), (left.shape[1],))

    def _header(self, symbols: Symbols, noise: torch.Tensor) -> tuple[HybridHeader | None, int]:
        """Decode the header with either of its codes, and return the number of symbols that it takes.

        On a channel better than planned, the short code can be decoded from the first symbols of the long one, which
        hold the same bits. The design SNR in the header then tells which of the two codes was sent.
        """
        for code in self.hybrid.header_codes():
            assert isinstance(code, PlannedFineLDPC)
            if code.uses >= symbols.shape[1]:
                continue
            data = code.demodulate_all(symbols[:, : code.uses], noise[:, : code.uses])
            if data is not None:
                try:
                    header = HybridHeader.unpack(data[:HEADER_BYTES])
                except UsageError:
                    continue
                end = self.hybrid.header_layer(header).uses
                if header.share_index != ANALOG_ONLY and end < symbols.shape[1]:
                    return header, end
        return None, 0


def modulated(layer: DigitalLayer) -> Symbols:
    """The symbols of a digital layer whose channel code is simulated bit by bit, ``[1, uses]``."""
    symbols = layer.code.modulate(layer.data or b"")
    assert symbols is not None
    return symbols

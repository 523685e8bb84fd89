"""Decoding of received frames to pictures; the model is found by the hash in the header."""

from dataclasses import dataclass
from pathlib import Path

import torch

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_8bit
from deepjscc.radio.events import Reception
from deepjscc.radio.frame_header import FrameHeader
from deepjscc.systems.transceivers import Transceiver, known_transceivers, load_transceiver
from deepjscc.types import Image8, Received

MEGAPIXELS = 40


@dataclass(frozen=True)
class DecodedPicture:
    """A picture as a receiver decodes it.

    Attributes:
        image: the picture.
        layers: names of the layers that arrived, such as base+analog; None of a model without layers.
        estimated_psnr_db: what the receiver itself estimates; None where it cannot tell.
    """

    image: Image8
    layers: str | None
    estimated_psnr_db: float | None


class PictureDecoder:
    """Decodes received frames; a model is loaded when its first frame comes.

    Args:
        checkpoints: checkpoints of models that are not in the zoo.
        max_pixels: most pixels of a picture; a frame whose header claims more is not decoded.

    Raises:
        DeepJSCCError: a checkpoint that cannot be read.
    """

    def __init__(self, checkpoints: tuple[Path, ...] = (), max_pixels: int = MEGAPIXELS * 10**6) -> None:
        self._names = known_transceivers(map(str, checkpoints))
        self._max_pixels = max_pixels
        self._loaded: dict[str, Transceiver] = {}

    def name(self, header: FrameHeader) -> str:
        """The name of a frame's model.

        Raises:
            DeepJSCCError: a model that is not installed here.
        """
        if header.weights_hash not in self._names:
            raise DeepJSCCError(f"unknown model {header.weights_hash}; give its checkpoint with --model")
        return self._names[header.weights_hash]

    def in_order_of_importance(self, header: FrameHeader) -> bool:
        """Whether a frame can be decoded from a part of its symbols."""
        return self._model(header).supports_prefix

    def decode(self, reception: Reception) -> DecodedPicture:
        """Decode the picture from the symbols received so far.

        Raises:
            DeepJSCCError: an unknown model, too large a picture, missing symbols that the model needs, or a frame that
                no encoder made.
        """
        header = reception.header
        if not reception.symbols:
            raise DeepJSCCError("no symbol of the picture has been received")
        if header.height * header.width > self._max_pixels:
            raise DeepJSCCError(f"{header.width}x{header.height} pixels are more than this receiver decodes")
        model = self._model(header)
        missing = header.uses - reception.received
        if missing and not self.in_order_of_importance(header):
            raise DeepJSCCError(f"{missing} symbols are missing, and {model.kind} needs all")
        return _decode(model, reception)

    def _model(self, header: FrameHeader) -> Transceiver:
        name = self.name(header)
        if name not in self._loaded:
            self._loaded[name] = load_transceiver(name)
        return self._loaded[name]


@torch.no_grad()
def _decode(model: Transceiver, reception: Reception) -> DecodedPicture:
    """Run the model's decoder; the only place of the radio that does."""
    symbols, noise_variance = reception.all_symbols()
    received = Received(
        torch.from_numpy(symbols)[None],
        torch.from_numpy(noise_variance)[None],
        None,
        torch.tensor([reception.snr_db]),
        (reception.side_info,),
    )
    try:
        decoded = model.receive(received, reception.header.size)
    except UsageError:
        raise
    except (ValueError, RuntimeError, IndexError) as error:  # forged side information may cause any of these
        raise DeepJSCCError(f"{model.kind} cannot decode this frame: {str(error).splitlines()[0]}") from None
    layers = "+".join(decoded.layers[0]) if decoded.layers else None
    return DecodedPicture(to_8bit(decoded.images)[0], layers, decoded.estimated_psnr_db[0])

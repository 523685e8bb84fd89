"""From a reception to a picture: the model is found by the hash in the header."""

import math
from pathlib import Path

import numpy as np
import torch

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_8bit
from deepjscc.models import JSCC, Linear
from deepjscc.radio.frame_header import FrameHeader
from deepjscc.radio.receiver import Reception
from deepjscc.types import Image8, Received
from deepjscc.zoo import cards, load, weights_hash

MEGAPIXELS = 40


class PictureDecoder:
    """Models by their hash, loaded when first heard.

    Args:
        checkpoints: of models that are not in the zoo.
        most_pixels: of a picture; a header that claims more is not decoded.

    Raises:
        DeepJSCCError: a checkpoint that cannot be read.
    """

    def __init__(self, checkpoints: tuple[Path, ...] = (), most_pixels: int = MEGAPIXELS * 10**6) -> None:
        self._names = {card.sha256[:12]: name for name, card in cards().items()}
        self._names |= {weights_hash(str(path)): str(path) for path in checkpoints}
        self._most_pixels = most_pixels
        self._loaded: dict[str, JSCC] = {}

    def name(self, header: FrameHeader) -> str:
        """The model of a frame.

        Raises:
            DeepJSCCError: one that is not here.
        """
        if header.weights_hash not in self._names:
            raise DeepJSCCError(f"unknown model {header.weights_hash}; give its checkpoint with --model")
        return self._names[header.weights_hash]

    def in_order_of_importance(self, header: FrameHeader) -> bool:
        """Whether a frame's first symbols make a picture of their own."""
        return isinstance(self._model(header), Linear)

    @torch.no_grad()
    def decode(self, reception: Reception) -> Image8:
        """The picture, or what can be told of it so far.

        Raises:
            DeepJSCCError: an unknown model, too large a picture, symbols missing that the model needs, or a frame that
                no encoder made.
        """
        header = reception.header
        if header is None or not reception.symbols:
            raise DeepJSCCError("nothing has come of the picture")
        if header.height * header.width > self._most_pixels:
            raise DeepJSCCError(f"{header.width}x{header.height} pixels are more than this receiver takes")
        model = self._model(header)
        if reception.heard < header.uses and not self.in_order_of_importance(header):
            raise DeepJSCCError(f"{header.uses - reception.heard} symbols are missing, and {model.kind} needs all")
        symbols, noise = np.zeros(header.uses, np.complex64), np.full(header.uses, math.inf, np.float32)
        symbols[: reception.heard] = np.concatenate(reception.symbols)
        noise[: reception.heard] = np.concatenate(reception.noise_variance)
        received = Received(
            torch.from_numpy(symbols)[None],
            torch.from_numpy(noise)[None],
            None,
            torch.tensor([reception.snr_db]),
            (reception.side_info,),
        )
        try:
            return to_8bit(model.decode(received, header.size))[0]
        except UsageError:
            raise
        except (ValueError, RuntimeError, IndexError) as error:  # what forged side information may lead a model into
            raise DeepJSCCError(f"no picture that {model.kind} makes: {str(error).splitlines()[0]}") from None

    def _model(self, header: FrameHeader) -> JSCC:
        name = self.name(header)
        if name not in self._loaded:
            self._loaded[name] = load(name)
        return self._loaded[name]

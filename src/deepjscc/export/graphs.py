"""Encoder and decoder as closed graphs: padding, I/Q pairs and power inside, reals only, any size."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from deepjscc.images import crop
from deepjscc.models import JSCC
from deepjscc.types import Images, Size, SnrDb

TRACED = (37, 50)  # height and width that graphs are traced at
TRACED_IMAGES = 4
LARGEST_SIDE = 65535  # as in a frame's header

RealSymbols = Float[Tensor, "batch uses 2"]  # I and Q
PairSymbols = Float[Tensor, "pairs 2 uses 2"]
Canvas = Bool[Tensor, "height width"]


@dataclass(frozen=True)
class Port:
    """An input or an output of a graph.

    Attributes:
        name: in the graph.
        axes: the shape; a name stands for any length.
        meaning: of the values, with their units.
        example: what to trace with; None of an output.
    """

    name: str
    axes: tuple[str | int, ...]
    meaning: str
    example: Tensor | None = None


@dataclass(frozen=True)
class Graph:
    """A graph that is written to one file.

    Attributes:
        name: of the file, without suffix.
        network: its ``forward`` takes ``inputs`` in their order.
        inputs: all there may be; one that the network does not look at is left out of the file.
        outputs: in the order in which ``forward`` returns them.
        stages: number of stages that the decoder of a progressive model takes.
        largest: height and width that it takes at most; None: any.
    """

    name: str
    network: nn.Module
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    stages: int = 1
    largest: Size | None = None


class EncoderGraph(nn.Module):
    """:meth:`deepjscc.models.JSCC.encode` in reals, without branches on the size."""

    def __init__(self, model: JSCC) -> None:
        super().__init__()
        self.model, self.stages = model, model.stages

    def forward(self, images: Images, snr_db: SnrDb) -> RealSymbols:
        """Images to symbols of mean power 1, in every stage of every image."""
        latent = self.model.analyse(pad_edges(images, self.model.stride), snr_db)
        each = latent.unflatten(1, (self.stages, -1))
        each = F.pad(each, (0, each.shape[2] % 2))
        power = 2 * each.square().mean(2, keepdim=True)  # a symbol has two reals
        scale = torch.where(power > 0, power.clamp_min(1e-30).rsqrt(), torch.zeros_like(power))
        return (each * scale).reshape(images.shape[0], -1, 2)


class DecoderGraph(nn.Module):
    """:meth:`deepjscc.models.JSCC.decode` in reals.

    Args:
        model: the model whose decoder it is.
        stages: number of stages that come in, 1 of a model without stages.
    """

    def __init__(self, model: JSCC, stages: int) -> None:
        super().__init__()
        self.model, self.stages = model, stages

    def forward(self, symbols: RealSymbols, canvas: Canvas, snr_db: SnrDb) -> Images:
        """Received symbols to images of the shape of ``canvas``, of which nothing else is looked at."""
        size = (canvas.shape[0], canvas.shape[1])
        padded = up_to(size[0], self.model.stride), up_to(size[1], self.model.stride)
        reals = self.model.latent_reals(padded) // self.model.stages
        latent = symbols.reshape(symbols.shape[0], self.stages, -1)[:, :, :reals].flatten(1)
        return crop(self.model.synthesise_stages(latent, self.stages, padded, snr_db), size)


class PairDecoderGraph(nn.Module):
    """A decoder of two images, pairs on an axis of their own."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self, symbols: PairSymbols, canvas: Canvas, snr_db: Float[Tensor, "pairs 2"]
    ) -> Float[Tensor, "pairs 2 3 height width"]:
        """Decode both views of every pair."""
        return self.decoder(symbols.flatten(0, 1), canvas, snr_db.flatten()).unflatten(0, (-1, 2))


def direct_graphs(model: JSCC) -> list[Graph]:
    """Make the encoder and the decoders of a model that sends its latent in the latent's own order."""
    return [_encoder(model), *(_decoder(model, stages) for stages in model.decoder_stages)]


def pad_edges(images: Images, multiple: int) -> Float[Tensor, "batch 3 padded_height padded_width"]:
    """:func:`deepjscc.images.pad_to_multiple` without asking whether there is anything to pad: a graph cannot ask."""
    height, width = images.shape[-2], images.shape[-1]
    rows = torch.arange(up_to(height, multiple), device=images.device).clamp_max(height - 1)
    columns = torch.arange(up_to(width, multiple), device=images.device).clamp_max(width - 1)
    return images.index_select(2, rows).index_select(3, columns)


def up_to(side: int, multiple: int) -> int:
    """The next multiple, in the one form of it that symbolic sizes are known to get through."""
    return (side + multiple - 1) // multiple * multiple


def _encoder(model: JSCC) -> Graph:
    height, width = model.fixed_size or TRACED
    sides = (height, width) if model.fixed_size else ("height", "width")
    images = Port("images", ("batch", 3, *sides), "RGB in [0, 1]", torch.rand(TRACED_IMAGES, 3, height, width))
    believed = Port("snr_db", ("batch",), "P/N0 in dB that the transmitter believes", torch.full((TRACED_IMAGES,), 5.0))
    power = "mean power I^2 + Q^2 = 1 per image" + (", in each stage" if model.stages > 1 else "")
    uses = model.uses((height, width)) if model.fixed_size else "uses"
    symbols = Port("symbols", ("batch", uses, 2), f"I and Q of complex channel uses, {power}")
    return Graph("encoder", EncoderGraph(model), (images, believed), (symbols,))


def _decoder(model: JSCC, stages: int) -> Graph:
    """The decoder that takes so many stages; one decoder for all stages is called `decoder`."""
    of_all = model.decoder_stages == (model.stages,)
    name = "decoder" if of_all else f"decoder-stage{stages}"
    size = model.fixed_size or TRACED
    network: nn.Module = DecoderGraph(model, stages)
    batch: tuple[str | int, ...] = ("batch",)
    shape: tuple[int, ...] = (TRACED_IMAGES,)
    largest = None
    if model.decodes_pairs:
        network, batch, shape = PairDecoderGraph(network), ("pairs", 2), (TRACED_IMAGES // 2, 2)
        largest = model.window_size  # larger images are cut into windows, whose number a graph cannot change
    uses = model.uses(size) // model.stages * stages
    part = " of the first stages" if stages < model.stages else ""
    missing = "; of those that have not arrived, zeros" if of_all and model.stages > 1 else ""
    symbols = Port(
        "symbols",
        (*batch, uses if model.fixed_size else "uses", 2),
        f"received I and Q{part}, divided by the gain where it is known{missing}",
        torch.randn(*shape, uses, 2),
    )
    sides = size if model.fixed_size else ("height", "width")
    wanted = Port("size", sides, "height and width of the images", torch.zeros(*size, dtype=torch.bool))
    snr = Port(
        "snr_db",
        batch,
        "P/N0 in dB at the receiver, plus 20 log10 |gain| where a slow fade's gain is known",
        torch.full(shape, 5.0),
    )
    images = Port("images", (*batch, 3, *sides), "RGB in [0, 1], not rounded")
    return Graph(name, network, (symbols, wanted, snr), (images,), stages, largest)

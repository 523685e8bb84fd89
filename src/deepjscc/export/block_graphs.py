"""`linear` and what grew around it as closed graphs: without the class map, whose entropy code is no network.

Both ends then take every block for the average class, which is what these codes do where a map does not pay. The order
of the symbols and their powers follow from the size, the SNR and the number of symbols, inside the graph; so does the
header, the three bytes of side information that remain.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from deepjscc.export.graphs import TRACED, TRACED_IMAGES, Canvas, Graph, Port, RealSymbols, pad_edges, up_to
from deepjscc.models import BlockCode
from deepjscc.models.block_code.allocation import Allocation, allocate
from deepjscc.models.block_code.header import Header, needs_exact_gain
from deepjscc.models.block_code.side_info import NOISE_RANGE, BlockPlan, DecodedSideInfo, clamp_noise_variance
from deepjscc.models.block_code.tiling import Strip
from deepjscc.types import Images, SnrDb
from deepjscc.units import noise_variance

Counts = Int[Tensor, " batch"]
USES = 500  # symbols that are traced with


class BlockEncoderGraph(nn.Module):
    """:meth:`deepjscc.models.BlockCode.encode` where no map goes."""

    always: Int[Tensor, " check"]
    flips: Int[Tensor, "bits check"]

    def __init__(self, model: BlockCode) -> None:
        super().__init__()
        self.model = model
        # The header's check is affine over bits: what each bit of its word flips, and what no bit leaves.
        zero = _check_bits(Header(0, 0, 0))
        flips = [_check_bits(Header(1 << k - 13, 0) if k > 12 else Header(0, 1 << k - 3)) for k in range(3, 19)]
        self.register_buffer("always", torch.tensor(zero))
        self.register_buffer("flips", torch.tensor(flips) ^ torch.tensor(zero))

    def forward(
        self, images: Images, snr_db: SnrDb, uses: Counts
    ) -> tuple[Float[Tensor, "batch most 2"], Int[Tensor, "batch 3"]]:
        """Symbols, of each image the first ``uses``, zeros behind; and the header's bytes."""
        model = self.model
        coefficients = model.transform.coefficients(pad_edges(images, model.stride))
        rows, columns = up_to(images.shape[2], model.stride), up_to(images.shape[3], model.stride)
        grid = (rows // model.stride, columns // model.stride)
        plan = _plan(model, grid, snr_db.round().clamp(-20, 43), 2 * uses)
        modulated = model.modulate(coefficients, plan, Strip(0, grid[0], 0, grid[0]))
        everything = modulated.shape[1] * modulated.shape[2]
        places = _places(plan.allocation, grid, everything)
        latent = modulated.new_zeros(images.shape[0], everything + 1)  # the last place takes what is not sent
        latent = latent.scatter(1, places.flatten(1), modulated.flatten(1))[:, :-1]
        power = latent.square().sum(1) / (2 * uses)
        gain = torch.where(power > 0, power.clamp_min(1e-30).rsqrt(), torch.ones_like(power))
        gain = torch.where(needs_exact_gain(snr_db, uses, everything), Header.gain_below(gain), gain)
        symbols = (latent * (gain / math.sqrt(2))[:, None]).reshape(images.shape[0], -1, 2)
        return symbols, self.header(plan.snr_db, gain)

    def header(self, snr_db: SnrDb, gain: Float[Tensor, " batch"]) -> Int[Tensor, "batch 3"]:
        """:meth:`deepjscc.models.block_code.header.Header.pack` for no map."""
        snr_index = (snr_db + 20).long()
        gain_index = (64 * (gain.log2() + 6)).round().clamp(0, 1023).long()
        bits = torch.cat([_bits(gain_index, 10), _bits(snr_index, 6)], 1)
        check = ((bits @ self.flips) + self.always) % 2
        value = torch.cat([check, torch.zeros_like(check[:, :3]), bits], 1)  # lowest bit first
        weights = 2 ** torch.arange(8)
        return (value.unflatten(1, (3, 8)) * weights).sum(2).flip(1)


class BlockDecoderGraph(nn.Module):
    """:meth:`deepjscc.models.BlockCode.decode` of images that came with a header and without a map."""

    def __init__(self, model: BlockCode) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        symbols: RealSymbols,
        noise_variance: Float[Tensor, "batch uses"],
        canvas: Canvas,
        header: Int[Tensor, "batch 3"],
    ) -> Images:
        """Received symbols to images of the shape of ``canvas``."""
        model = self.model
        size, reals = (canvas.shape[0], canvas.shape[1]), 2 * symbols.shape[1]
        grid = tuple(up_to(side, model.stride) // model.stride for side in size)
        word = header[:, 0] * 2**11 + header[:, 1] * 2**3 + header[:, 2] // 2**5
        planned, gain = (word // 2**13 - 20).float(), torch.exp2((word // 2**3 % 2**10) / 64 - 6)
        plan = _plan(model, grid, planned, torch.full_like(word, reals))
        side_info = DecodedSideInfo(
            gain, torch.ones_like(gain, dtype=torch.bool), _noise_level(model, plan, noise_variance)
        )
        places = _places(plan.allocation, grid, reals)
        index, sent = places.flatten(1).clamp_max(reals - 1), places < reals
        latent = symbols.flatten(1) * math.sqrt(2)
        # What was not sent is what came with infinite noise.
        observed = torch.where(sent, latent.gather(1, index).view(places.shape), 0.0)
        noise = torch.where(sent, noise_variance.gather(1, index // 2).view(places.shape), torch.inf)
        images = model.synthesise_strip(observed, noise, side_info, plan, Strip(0, grid[0], 0, grid[0]))
        return images[:, :, : size[0], : size[1]].clamp(0, 1)


def block_graphs(model: BlockCode) -> list[Graph]:
    """Make the encoder and the decoder of a code that sends no map."""
    height, width = TRACED
    blocks = up_to(height, model.stride) * up_to(width, model.stride)
    uses = min(USES, 3 * blocks // 2)
    batch = (TRACED_IMAGES,)
    drawn = torch.rand(TRACED_IMAGES, 3, height, width)
    images = Port("images", ("batch", 3, "height", "width"), "RGB in [0, 1]", drawn)
    believed = Port("snr_db", ("batch",), "P/N0 in dB that the transmitter believes", torch.full(batch, 5.0))
    counts = Port(
        "uses",
        ("batch",),
        f"symbols to send of each image, 1 to 3/2 of its padded pixels; the header counts {Header.USES} uses more",
        torch.full(batch, uses),
    )
    sent = Port(
        "symbols", ("batch", "most", 2), "I and Q of complex channel uses: the first `uses`, mean power 1; then zeros"
    )
    header = Port("header", ("batch", 3), "three bytes of side information, at rate 1/8", torch.zeros(*batch, 3).long())
    encoder = Graph("encoder", BlockEncoderGraph(model), (images, believed, counts), (sent, header))
    received = Port(
        "symbols", ("batch", "uses", 2), "received I and Q, divided by the gain", torch.randn(*batch, uses, 2)
    )
    meaning = "of each symbol as it stands, N0 / |gain|^2"
    noise = Port("noise_variance", ("batch", "uses"), meaning, torch.full((*batch, uses), 0.1))
    size = Port(
        "size", ("height", "width"), "height and width of the images", torch.zeros(height, width, dtype=torch.bool)
    )
    made = Port("images", ("batch", 3, "height", "width"), "RGB in [0, 1], not rounded")
    return [encoder, Graph("decoder", BlockDecoderGraph(model), (received, noise, size, header), (made,))]


def _plan(model: BlockCode, grid: tuple[int, ...], snr_db: SnrDb, reals: Counts) -> BlockPlan:
    """Plan a transmission in which all blocks are of the average class."""
    classes = torch.full_like(reals[:, None].expand(-1, grid[0] * grid[1]), model.classes)
    return BlockPlan((grid[0], grid[1]), allocate(classes, model.variances, reals, noise_variance(snr_db)), snr_db)


def _places(allocation: Allocation, grid: tuple[int, ...], nowhere: int) -> Int[Tensor, "batch blocks values"]:
    """Return the place of each coefficient in the stream; ``nowhere`` for those that are not sent."""
    places = allocation.places(0, grid[0] * grid[1])
    return torch.where(places < allocation.reals[:, None, None], places, nowhere)


def _noise_level(model: BlockCode, plan: BlockPlan, noise: Float[Tensor, "batch uses"]) -> Float[Tensor, " batch"]:
    """Return the mean of log10 of the noise variance over all coefficients, sent or not."""
    least = math.log10(NOISE_RANGE[1])
    noise_level = clamp_noise_variance(noise, plan.least_noise()[:, None]).log10()
    return (noise_level - least).sum(1) * 2 / (plan.grid[0] * plan.grid[1] * len(model.mean)) + least


def _check_bits(header: Header) -> list[int]:
    """The five check bits of a header, the lowest first."""
    return [header.pack()[-1] >> bit & 1 for bit in range(5)]


def _bits(numbers: Counts, count: int) -> Int[Tensor, "batch bits"]:
    """The lowest first."""
    return numbers[:, None] // 2 ** torch.arange(count) % 2

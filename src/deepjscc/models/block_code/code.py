"""A block code: closed-form transmitter and receiver of images of any size, with or without networks around them.

    images ─► KLT of blocks ─► classes ─► order and powers ─► + encoder's network ─► symbols, header, class map
    symbols ─► LMMSE estimate ─► decoder's network ─► inverse KLT ─► images

Every block is put into the class under which its coefficients are likeliest; a class is a variance for every
coefficient. From the classes of all blocks (the map, sent as side information) both ends know which coefficients go
and how strong: :mod:`deepjscc.models.block_code.allocation`. Where the map costs more than it brings, all blocks count
as of the average class and none is sent.
"""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepjscc.channels.base import complex_normal
from deepjscc.errors import UsageError
from deepjscc.images import padded_size
from deepjscc.models.base import JSCC
from deepjscc.models.block_code import closed_form
from deepjscc.models.block_code.allocation import BASE, Variances
from deepjscc.models.block_code.calibration import ErrorCalibration
from deepjscc.models.block_code.classes import Tables
from deepjscc.models.block_code.closed_form import LmmseObservation, inner_run, outer_run, without_halo
from deepjscc.models.block_code.estimated_error import ROUNDING, ErrorEstimate
from deepjscc.models.block_code.expectation import DescribedImage
from deepjscc.models.block_code.header import SMALL_BUDGET, Header, MeanColour, needs_exact_gain
from deepjscc.models.block_code.network_inputs import NetworkInputs
from deepjscc.models.block_code.networks import Networks, TrainedRange
from deepjscc.models.block_code.side_info import (
    BlockPlan,
    Budget,
    DecodedSideInfo,
    pack,
    plan_received,
    plan_to_send,
    with_mean_colours,
)
from deepjscc.models.block_code.tiling import BatchRows, Rows, Strip, strips
from deepjscc.models.block_code.transform import Blocks, BlockTransform
from deepjscc.symbols import channel_uses, to_latent, to_symbols
from deepjscc.types import Decoded, Encoded, ErrorOverRatio, Images, LinkPlan, Received, Size, SnrDb
from deepjscc.units import noise_variance

MAP_LASTS_DB = 0.0  # SNR at which it arrives in any case: one transmission is for many receivers, and this is cheap
OWN_DRAWS = 4  # of the noise under which a transmitter decodes a small picture to see how good it will be


class BlockCode(JSCC):
    """A block code of any image size, SNR and bandwidth ratio up to 1/2; see the module's docstring.

    An image without any deviation from the mean sends zeros: there is no power to normalise.

    Args:
        block: side of the blocks in pixels.
        classes: number of classes of blocks that the map tells apart.

    Attributes:
        default_ratio: bandwidth ratio where none is asked for.
        trained: the links that networks around the code were trained for.
        halo: rows of blocks around a strip that its result depends on.
        calibration: of the errors that both ends expect with these weights; None: there is none.
    """

    supports_tiles: ClassVar[bool] = True
    supports_prefix: ClassVar[bool] = True
    sends_side_info: ClassVar[bool] = True
    default_ratio: float = 1 / 12
    mean: Float[Tensor, " values"]
    basis: Float[Tensor, "values values"]
    deviation: Float[Tensor, "kinds values"]
    neighbours: Float[Tensor, "contexts classes"]
    trained: ClassVar[TrainedRange] = TrainedRange()
    halo: int = 0

    def __init__(self, block: int = 16, classes: int = 16) -> None:
        super().__init__(block=block, classes=classes)
        self.stride, self.classes = block, classes
        self.calibration: ErrorCalibration | None = None
        values = 3 * block * block
        self.register_buffer("mean", torch.full((values,), 0.5))
        self.register_buffer("basis", torch.eye(values))  # column i is coefficient i, strongest first
        self.register_buffer("deviation", torch.ones(classes + 1, values))  # by class; the last is the average one
        # Logarithm of how often each class follows its left and upper neighbours, for coding the map.
        self.register_buffer("neighbours", torch.zeros((classes + 1) ** 2, classes))

    @property
    def networks(self) -> Networks | None:
        """The networks around the closed form; None: there are none."""
        return None

    @property
    def knows_error(self) -> bool:
        """Whether both ends can tell the error of an image: of networks there must be a calibration."""
        return self.networks is None or self.calibration is not None

    @property
    def transform(self) -> BlockTransform:
        """The KLT of its blocks."""
        return BlockTransform(self.mean, self.basis, self.stride)

    @property
    def tables(self) -> Tables:
        """The statistics of classes."""
        return Tables(self.variances, self.neighbours)

    @property
    def variances(self) -> Variances:
        """Variance of each coefficient in each class, over photographs."""
        return self.deviation.square()

    def uses(self, size: Size, bandwidth_ratio: float | None = None) -> int:
        """Complex uses granted to an image, side information included: at most all coefficients (1/2) and a header."""
        ratio = self.default_ratio if bandwidth_ratio is None else bandwidth_ratio
        return min(channel_uses(size, ratio), Header.USES + self._everything(size))

    def _everything(self, size: Size) -> int:
        """Complex symbols that hold all coefficients of an image."""
        height, width = padded_size(size, self.stride)
        return (3 * height * width + 1) // 2

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        """Encode each image to symbols, a header and a class map; see :meth:`JSCC.encode`."""
        return self.encode_rows(BatchRows(images, self.stride), plan)

    def encode_rows(self, rows: Rows, plan: LinkPlan) -> Encoded:
        """:meth:`encode` with the pixels taken strip by strip: memory grows with the symbols, not the pixels."""
        grid = self._grid(rows.size)
        design_snr_db, lowest_snr_db = plan.design_snr_db, plan.side_info_snr_db.clamp_max(MAP_LASTS_DB)

        @lru_cache(maxsize=1)  # a picture of one strip is transformed once
        def read(first: int, last: int) -> Blocks:
            return self.transform.coefficients(rows.strip(first * self.stride, last * self.stride))

        classes, energy = self.classify_blocks(read, grid, len(design_snr_db))
        wanted = self.uses(rows.size, plan.bandwidth_ratio)
        budget = Budget.of(wanted, self._everything(rows.size), lowest_snr_db)
        stream, maps = plan_to_send(self.tables, classes, energy, grid, design_snr_db, budget)
        reals = stream.allocation.reals
        longest = int(reals.max())
        latent = self.mean.new_zeros(len(reals), longest + 1)  # the last place takes what is not sent
        for strip in self.strips(grid, len(reals)):
            modulated = self.modulate(read(strip.outer_first, strip.outer_last), stream, strip)
            latent.scatter_(1, self._places(stream, strip, longest).flatten(1), modulated.flatten(1))
        latent = latent[:, :-1]
        power = latent.square().sum(1) / reals
        gain = torch.where(power > 0, power.clamp_min(1e-30).rsqrt(), torch.ones_like(power))
        exact = needs_exact_gain(design_snr_db, reals // 2, grid[0] * grid[1] * len(self.mean))
        gain = torch.where(exact, Header.gain_below(gain), gain)
        symbols = to_symbols(latent * (gain / math.sqrt(2))[:, None])  # power 1 of a complex symbol is 1/2 per real
        sent = Encoded(symbols, pack(stream, gain, maps, budget), tuple((reals // 2).tolist()))
        # A camera of a pair cannot decode its own picture alone.
        if self.training or wanted >= SMALL_BUDGET or self.decodes_pairs:
            return sent
        return self._or_mean_colour(sent, rows, design_snr_db, budget)

    @torch.no_grad()
    def expect_error(self, image: Images, plan: LinkPlan) -> ErrorOverRatio:
        """What the transmitter expects of one image ``[1, 3, height, width]``; no transmission is tried.

        Raises:
            UsageError: networks without a calibration.
        """
        if not self.knows_error:
            raise UsageError(f"there is no calibration of what these weights of {self.kind} make of an image")
        rows = BatchRows(image, self.stride)
        grid = self._grid(rows.size)

        def read(first: int, last: int) -> Blocks:
            return self.transform.coefficients(rows.strip(first * self.stride, last * self.stride))

        described = DescribedImage(self.tables, *self.classify_blocks(read, grid, 1), grid)
        lowest_snr_db = plan.side_info_snr_db.clamp_max(MAP_LASTS_DB)

        def error(bandwidth_ratio: float) -> float:
            budget = Budget.of(self.uses(rows.size, bandwidth_ratio), self._everything(rows.size), lowest_snr_db)
            expected = described.expect(plan.design_snr_db, budget)
            weight = 0.0 if self.networks is None else float(self.network_weight(expected.plan))
            return expected.left_by_networks(weight, self.calibration) + ROUNDING

        return error

    def decode(self, received: Received, size: Size) -> Images:
        """Estimate every coefficient by LMMSE and transform the estimates to pixels; see :meth:`JSCC.decode`.

        Where the header was lost, the power of an average image and the nominal SNR are assumed; where the map was,
        only the base of the stream is of use, and the picture is coarse.
        """
        return torch.cat(list(self.decode_rows(received, size)), 2)[:, :, : size[0]]

    def receive(self, received: Received, size: Size) -> Decoded:
        """Decode a batch, with the receiver's own estimate of the error of each image."""
        if self.training or not self.knows_error:
            return super().receive(received, size)
        plan, side_info = plan_received(self.tables, received, self._grid(size))
        estimate = ErrorEstimate(len(received.symbols), len(self.variances))
        images = torch.cat(list(self._decode_strips(received, size, plan, side_info, estimate)), 2)[:, :, : size[0]]
        weights, values = None if self.networks is None else self.network_weight(plan), len(self.mean)
        return Decoded(images, estimated_mse=estimate.mse(plan, side_info, values, weights, self.calibration))

    def decode_rows(self, received: Received, size: Size) -> Iterator[Images]:
        """:meth:`decode` strip by strip, from the top; the last may reach past the picture's end."""
        plan, side_info = plan_received(self.tables, received, self._grid(size))
        return self._decode_strips(received, size, plan, side_info, None)

    def _grid(self, size: Size) -> tuple[int, int]:
        """Rows and columns of blocks."""
        height, width = padded_size(size, self.stride)
        return height // self.stride, width // self.stride

    def _decode_strips(
        self,
        received: Received,
        size: Size,
        plan: BlockPlan,
        side_info: DecodedSideInfo,
        estimate: ErrorEstimate | None,
    ) -> Iterator[Images]:
        """Strips of the pictures; what was received of each is taken into the estimate of the error."""
        grid = plan.grid
        longest = 2 * received.symbols.shape[1]
        latent = to_latent(received.symbols, longest) * math.sqrt(2)
        base = torch.arange(len(self.mean), device=latent.device) < BASE
        for strip in self.strips(grid, len(latent)):
            outer = Strip(strip.outer_first, strip.outer_last, strip.outer_first, strip.outer_last)
            places = self._places(plan, outer, longest)
            index = places.flatten(1).clamp_max(longest - 1)
            sent = (places < longest) & (side_info.known[:, None, None] | base)
            # What was not sent is what came with infinite noise.
            observed = torch.where(sent, latent.gather(1, index).view(places.shape), 0.0)
            noise = torch.where(sent, received.noise_variance.gather(1, index // 2).view(places.shape), torch.inf)
            if estimate is not None:
                inner = [without_halo(outer, strip, grid[1]) for outer in (observed, noise)]
                estimate.add_strip(inner[0], inner[1], plan.allocation, self.variances, inner_run(strip, grid[1]))
            images = self.synthesise_strip(observed, noise, side_info, plan, strip)[..., : size[1]].clamp(0, 1)
            for image, colour in side_info.mean_colour.items():
                images[image] = images.new_tensor(colour)[:, None, None]
            yield images

    @torch.no_grad()
    def _or_mean_colour(self, sent: Encoded, rows: Rows, snr_db: SnrDb, budget: Budget) -> Encoded:
        """Replace small pictures by their mean colour where that is nearer to them than what the receiver would decode.

        The transmitter decodes its own symbols under a few draws of the noise it expects, the same for every image:
        what becomes of one does not depend on the others in its batch.
        """
        images = rows.strip(0, padded_size(rows.size, self.stride)[0])[..., : rows.size[0], : rows.size[1]]
        noise = noise_variance(snr_db)[:, None]
        arrived = tuple(tuple(layer.data for layer in layers) for layers in sent.digital)
        generator, error = torch.Generator().manual_seed(0), torch.zeros_like(snr_db)
        for _ in range(OWN_DRAWS):
            drawn = complex_normal((1, SMALL_BUDGET), sent.symbols, generator)[:, : sent.symbols.shape[1]]
            symbols = sent.symbols + drawn * noise.sqrt()
            variance = noise.expand(symbols.shape)
            decoded = self.decode(Received(symbols, variance, None, snr_db, arrived, sent.counts), rows.size)
            error += (decoded - images).square().mean((1, 2, 3)) / OWN_DRAWS
        colours = [MeanColour.of(colour) for colour in images.mean((2, 3)).tolist()]
        flat = images.new_tensor([colour.colour for colour in colours])[:, :, None, None]
        return with_mean_colours(sent, colours, (images - flat).square().mean((1, 2, 3)) < error, budget)

    def classify_blocks(
        self, read: Callable[[int, int], Blocks], grid: tuple[int, int], batch: int
    ) -> tuple[Int[Tensor, "batch blocks"], Float[Tensor, "batch classes values"]]:
        """:meth:`deepjscc.models.block_code.classes.Tables.classify_all` of images of a grid of blocks."""
        return self.tables.classify_all(read, self.strips(grid, batch))

    def network_weight(self, plan: BlockPlan) -> Float[Tensor, " batch"]:
        """Weight of what networks add to each image; see :class:`TrainedRange`."""
        return self.trained.weight(plan, len(self.mean))

    def modulate(self, outer: Blocks, plan: BlockPlan, strip: Strip) -> Float[Tensor, "batch run values"]:
        """Scale the coefficients of a strip, given with its halo, and add the encoder network's residual."""
        latent, networks = closed_form.modulate(outer, plan, strip), self.networks
        if networks is None:
            return latent
        residual = networks.encoder_residual(self._inputs(plan, strip), outer)
        return latent + self.network_weight(plan)[:, None, None] * without_halo(residual, strip, plan.grid[1])

    def synthesise_strip(
        self, observed: Blocks, noise: Blocks, side_info: DecodedSideInfo, plan: BlockPlan, strip: Strip
    ) -> Images:
        """Estimate a strip's pixels from what was received of it and its halo, by LMMSE and the decoder's networks."""
        columns, networks = plan.grid[1], self.networks
        if networks is None:
            estimate, _ = closed_form.lmmse(observed, noise, side_info, self.variances, plan, strip)
            return self.transform.to_pixels(without_halo(estimate, strip, columns), columns)
        # Beside noise there is what the encoder's network added: trusted more than planned for, it would stay.
        weight = self.network_weight(plan)
        noise = noise.maximum((weight * plan.least_noise())[:, None, None])
        estimate, error = closed_form.lmmse(observed, noise, side_info, self.variances, plan, strip)
        scale = plan.allocation.of_blocks(plan.allocation.scale, *outer_run(strip, columns))
        observation = LmmseObservation(
            observed,
            noise,
            scale * side_info.gain[:, None, None],
            estimate,
            error,
            (weight * side_info.known)[:, None, None],
        )
        images = networks.decoder_refine(self._inputs(plan, strip, side_info), observation)
        top = (strip.first - strip.outer_first) * self.stride
        return images[:, :, top : top + (strip.last - strip.first) * self.stride]

    def strips(self, grid: tuple[int, int], batch: int) -> Iterator[Strip]:
        """Cut the grid into strips of rows to work on together, with the halo that their result depends on."""
        return strips(grid, batch * self.stride**2, self.halo)

    def _inputs(self, plan: BlockPlan, strip: Strip, side_info: DecodedSideInfo | None = None) -> NetworkInputs:
        return NetworkInputs(self.transform, self.variances, plan, strip, self.trained.ratio, side_info)

    def _places(self, plan: BlockPlan, strip: Strip, longest: int) -> Int[Tensor, "batch run values"]:
        """Return the places of a strip's coefficients in the stream; ``longest`` for those that are not sent."""
        places = plan.allocation.places(*inner_run(strip, plan.grid[1]))
        return torch.where(places < plan.allocation.reals[:, None, None], places, longest)

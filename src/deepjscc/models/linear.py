"""`linear`: the closed-form analog code. Block KLT, blocks in classes, powers water-filled, LMMSE receiver.

Every block is put into the class under which its coefficients are likeliest; a class is a variance for every
coefficient. From the classes of all blocks (the map, sent as side information) both ends know which coefficients go
and how strong: :mod:`deepjscc.models.allocation`. Where the map costs more than it brings, all blocks count as of the
average class and none is sent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from zlib import crc32

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.images import padded_size
from deepjscc.models.allocation import BASE, Allocation, allocate, expected_error
from deepjscc.models.base import JSCC
from deepjscc.models.class_map import decode_map, encode_map
from deepjscc.models.header import MAP_RATES, Header, map_index
from deepjscc.models.rows import BatchRows, Rows, Strip, strips
from deepjscc.symbols import channel_uses, to_latent, to_symbols
from deepjscc.types import Encoded, Images, Received, SideInfo, Size, SnrDb
from deepjscc.units import noise_variance

Blocks = Float[Tensor, "batch blocks values"]
FADE_DB = 6.0  # by which the channel may be worse than believed before the class map is lost
MAP_LASTS_DB = 0.0  # SNR at which it arrives in any case: one transmission is for many receivers, and this is cheap
LIKELIHOOD_FLOOR = 2e-4  # variance below which it does not matter how weak a coefficient is


@dataclass(frozen=True)
class Plan:
    """What both ends know of a batch before any symbol.

    Attributes:
        grid: rows and columns of blocks.
        allocation: of the stream to the coefficients.
        snr_db: that the powers are for.
        known: False for an image whose map was lost: of its stream only the base can be told apart.
    """

    grid: tuple[int, int]
    allocation: Allocation
    snr_db: SnrDb
    known: Bool[Tensor, " batch"]


class Linear(JSCC):
    """Any image size, SNR and bandwidth ratio up to 1/2 from one basis; see the module's docstring.

    An image without any deviation from the mean sends zeros: there is no power to normalise.

    Args:
        block: side of the blocks in pixels.
        classes: of blocks that the map tells apart.
    """

    kind: ClassVar[str] = "linear"
    DEFAULT_RATIO: ClassVar[float] = 1 / 12
    mean: Float[Tensor, " values"]
    basis: Float[Tensor, "values values"]
    deviation: Float[Tensor, "kinds values"]
    neighbours: Float[Tensor, "contexts classes"]
    halo: int = 0  # rows of blocks around a strip that its result depends on

    def __init__(self, block: int = 16, classes: int = 16) -> None:
        super().__init__(block=block, classes=classes)
        self.stride, self.classes = block, classes
        values = 3 * block * block
        self.register_buffer("mean", torch.full((values,), 0.5))
        self.register_buffer("basis", torch.eye(values))  # column i is coefficient i, strongest first
        self.register_buffer("deviation", torch.ones(classes + 1, values))  # by class; the last is the average one
        # Logarithm of how often each class follows its left and upper neighbours, for coding the map.
        self.register_buffer("neighbours", torch.zeros((classes + 1) ** 2, classes))

    @property
    def variances(self) -> Float[Tensor, "kinds values"]:
        """Of each coefficient in each class, over photographs."""
        return self.deviation.square()

    def uses(self, size: Size, bandwidth_ratio: float | None = None) -> int:
        """Complex uses of an image, side information included: at least one symbol, at most all coefficients (1/2)."""
        ratio = self.DEFAULT_RATIO if bandwidth_ratio is None else bandwidth_ratio
        height, width = padded_size(size, self.stride)
        everything = (3 * height * width + 1) // 2
        return Header.USES + min(max(channel_uses(size, ratio) - Header.USES, 1), everything)

    def encode(
        self,
        images: Images,
        snr_db: SnrDb,
        *,
        bandwidth_ratio: float | None = None,
        side_info_snr_db: SnrDb | None = None,
    ) -> Encoded:
        """Images to symbols, a header and a class map each; see :meth:`JSCC.encode`."""
        return self.encode_rows(
            BatchRows(images, self.stride), snr_db, bandwidth_ratio=bandwidth_ratio, side_info_snr_db=side_info_snr_db
        )

    def encode_rows(
        self,
        rows: Rows,
        snr_db: SnrDb,
        *,
        bandwidth_ratio: float | None = None,
        side_info_snr_db: SnrDb | None = None,
    ) -> Encoded:
        """:meth:`encode` with the pixels taken strip by strip: memory grows with the symbols, not the pixels."""
        padded = padded_size(rows.size, self.stride)
        grid = (padded[0] // self.stride, padded[1] // self.stride)
        lasting = (snr_db - FADE_DB if side_info_snr_db is None else side_info_snr_db).clamp_max(MAP_LASTS_DB)
        classes, energy = self.survey(rows, grid, len(snr_db))
        plan, maps = self.plan(classes, energy, grid, snr_db, lasting, self.uses(rows.size, bandwidth_ratio))
        reals = plan.allocation.reals
        longest = int(reals.max())
        latent = self.mean.new_zeros(len(reals), longest + 1)  # the last place takes what is not sent
        for strip in self.strips(grid, len(reals)):
            outer = self.coefficients(rows.strip(strip.outer_first * self.stride, strip.outer_last * self.stride))
            modulated = self.modulate(outer, plan, strip)
            latent.scatter_(1, self._places(plan, strip, longest).flatten(1), modulated.flatten(1))
        latent = latent[:, :-1]
        power = latent.square().sum(1) / reals
        gain = torch.where(power > 0, power.clamp_min(1e-30).rsqrt(), torch.ones_like(power))
        headers = [
            Header.of(snr, g, maps[i][0]) for i, (snr, g) in enumerate(zip(snr_db.tolist(), gain.tolist(), strict=True))
        ]
        side_info = tuple(
            (SideInfo(header.pack()), *([SideInfo(data, MAP_RATES[index])] if index else []))
            for header, (index, data) in zip(headers, maps, strict=True)
        )
        symbols = to_symbols(latent * (gain / math.sqrt(2))[:, None])  # power 1 of a complex symbol is 1/2 per real
        return Encoded(symbols, side_info, tuple((reals // 2).tolist()))

    def decode(self, received: Received, size: Size) -> Images:
        """LMMSE estimate of every coefficient, then back to pixels; see :meth:`JSCC.decode`.

        Where the header was lost, the power of an average image and the nominal SNR are assumed; where the map was,
        only the base of the stream is of use, and the picture is coarse.
        """
        return torch.cat(list(self.decode_rows(received, size)), 2)[:, :, : size[0]]

    def decode_rows(self, received: Received, size: Size) -> Iterator[Images]:
        """:meth:`decode` strip by strip, from the top; the last may reach past the picture's end."""
        padded = padded_size(size, self.stride)
        grid = (padded[0] // self.stride, padded[1] // self.stride)
        plan, gain = self._plan_received(received, grid)
        longest = 2 * received.symbols.shape[1]
        base = torch.arange(len(self.mean), device=gain.device) < BASE
        latent = to_latent(received.symbols, longest) * math.sqrt(2)
        for strip in self.strips(grid, len(gain)):
            outer = Strip(strip.outer_first, strip.outer_last, strip.outer_first, strip.outer_last)
            places = self._places(plan, outer, longest)
            index = places.flatten(1).clamp_max(longest - 1)
            sent = (places < longest) & (plan.known[:, None, None] | base)
            # What was not sent is what came with infinite noise.
            observed = torch.where(sent, latent.gather(1, index).view(places.shape), 0.0)
            noise = torch.where(sent, received.noise_variance.gather(1, index // 2).view(places.shape), torch.inf)
            yield self.synthesise_strip(observed, noise, gain, plan, strip)[..., : size[1]].clamp(0, 1)

    def survey(
        self, rows: Rows, grid: tuple[int, int], batch: int
    ) -> tuple[Int[Tensor, "batch blocks"], Float[Tensor, "batch classes values"]]:
        """The likeliest class of every block, and the energy of the coefficients by class."""
        classes, energy = [], self.mean.new_zeros(batch, self.classes, len(self.mean))
        with torch.no_grad():
            for strip in self.strips(grid, batch):
                squared = self.coefficients(rows.strip(strip.first * self.stride, strip.last * self.stride)).square()
                likeliest = self.classify(squared)
                members = F.one_hot(likeliest, self.classes).to(squared)
                energy += members.transpose(1, 2) @ squared
                classes.append(likeliest)
        return torch.cat(classes, 1), energy

    def classify(self, squared: Blocks) -> Int[Tensor, "batch blocks"]:
        """The class under which a block's squared coefficients are likeliest (of Gaussians of the classes' variances).

        A class counts as likely as it is frequent among photographs.
        """
        variances = self.variances[: self.classes] + LIKELIHOOD_FLOOR
        frequency = self.neighbours.logsumexp(0)
        offset = 0.5 * variances.log().sum(1) - frequency
        return (0.5 * squared @ variances.reciprocal().T + offset).argmin(2)

    def plan(
        self,
        classes: Int[Tensor, "batch blocks"],
        energy: Float[Tensor, "batch classes values"],
        grid: tuple[int, int],
        snr_db: SnrDb,
        lasting_snr_db: SnrDb,
        uses: int,
    ) -> tuple[Plan, list[tuple[int, bytes]]]:
        """Decide for each image whether its map pays; the plan, and the index of the map's rate with its bytes."""
        rounded = torch.tensor([Header.of(snr).snr_db for snr in snr_db.tolist()], device=snr_db.device)
        noise = noise_variance(rounded)
        average = torch.full_like(classes, self.classes)
        plain = torch.full_like(snr_db, 2 * (uses - Header.USES), dtype=torch.long)
        maps = [self._code_map(one.view(grid), lasting) for one, lasting in zip(classes, lasting_snr_db, strict=True)]
        costs = [SideInfo(data, MAP_RATES[index]).uses if index else uses for index, data in maps]
        mapped = plain - 2 * torch.tensor(costs, device=plain.device)
        variances = self.variances
        error_plain = expected_error(
            allocate(average, variances, plain, noise), _of_average_class(energy), variances, noise
        )
        with_map = allocate(classes, variances, mapped.clamp_min(1), noise)
        error_mapped = expected_error(with_map, F.pad(energy, (0, 0, 0, 1)), variances, noise)
        pays = (mapped > 0) & (error_mapped < error_plain)
        chosen = torch.where(pays[:, None], classes, average)
        allocation = allocate(chosen, variances, torch.where(pays, mapped, plain), noise)
        sent = [code if paid else (0, b"") for code, paid in zip(maps, pays.tolist(), strict=True)]
        return Plan(grid, allocation, rounded, torch.ones_like(pays)), sent

    def modulate(self, outer: Blocks, plan: Plan, strip: Strip) -> Float[Tensor, "batch run values"]:
        """Coefficients of a strip and its halo to the strip's latent, of any power."""
        run = _run(strip, plan.grid)
        skipped = (strip.first - strip.outer_first) * plan.grid[1]
        inner = outer[:, skipped : skipped + run[1] - run[0]]
        return inner * plan.allocation.of_blocks(plan.allocation.scale, *run)

    def synthesise_strip(
        self, observed: Blocks, noise: Blocks, gain: Float[Tensor, " batch"], plan: Plan, strip: Strip
    ) -> Images:
        """What came of a strip and its halo to the strip's pixels.

        An image whose latent was scaled by ``gain`` has coefficients of variance v / gain^2.
        """
        estimate, _ = self.lmmse(observed, noise, gain, plan, strip)
        skipped = (strip.first - strip.outer_first) * plan.grid[1]
        inner = estimate[:, skipped : skipped + (strip.last - strip.first) * plan.grid[1]]
        return self.to_pixels(inner, plan.grid[1])

    def lmmse(
        self, observed: Blocks, noise: Blocks, gain: Float[Tensor, " batch"], plan: Plan, strip: Strip
    ) -> tuple[Blocks, Blocks]:
        """Of y = gain · scale · c + n the estimate of c and its error variance, over a strip with its halo."""
        run = (strip.outer_first * plan.grid[1], strip.outer_last * plan.grid[1])
        scale = plan.allocation.of_blocks(plan.allocation.scale, *run)
        variance = self.variances[plan.allocation.classes[:, run[0] : run[1]]]
        certain = scale / noise.clamp_min(1e-20)
        error = variance / (1 + variance * scale * certain)
        return observed * error * certain / gain[:, None, None], error / gain[:, None, None].square()

    def coefficients(self, images: Images) -> Blocks:
        """Padded images to the KLT of their blocks in raster order."""
        return (self.to_blocks(images) - self.mean) @ self.basis

    def to_pixels(self, coefficients: Blocks, columns: int) -> Images:
        """Undo :meth:`coefficients`."""
        return self.from_blocks(coefficients @ self.basis.T + self.mean, columns)

    def to_blocks(self, images: Images) -> Blocks:
        """Padded images to their blocks in raster order, values in (colour, row, column) order."""
        return F.pixel_unshuffle(images, self.stride).flatten(2).transpose(1, 2)

    def from_blocks(self, blocks: Blocks, columns: int) -> Images:
        """Undo :meth:`to_blocks`."""
        return F.pixel_shuffle(blocks.transpose(1, 2).unflatten(2, (-1, columns)), self.stride)

    def strips(self, grid: tuple[int, int], batch: int) -> Iterator[Strip]:
        """Rows of blocks to work on together, with the halo that their result depends on."""
        return strips(grid, batch * self.stride**2, self.halo)

    def _places(self, plan: Plan, strip: Strip, longest: int) -> Int[Tensor, "batch run values"]:
        """Where in the stream a strip's coefficients are; ``longest`` for those that are not sent."""
        places = plan.allocation.places(*_run(strip, plan.grid))
        return torch.where(places < plan.allocation.reals[:, None, None], places, longest)

    def _code_map(self, classes: Int[Tensor, "rows columns"], lasting_snr_db: Tensor) -> tuple[int, bytes]:
        index = map_index(lasting_snr_db.item())
        if index == 0:
            return 0, b""
        data = encode_map(classes.cpu(), self.neighbours.cpu())
        return index, data + bytes([crc32(data) & 255])

    def _plan_received(self, received: Received, grid: tuple[int, int]) -> tuple[Plan, Float[Tensor, " batch"]]:
        """The plan as side information tells it, and the gains."""
        batch, blocks = len(received.symbols), grid[0] * grid[1]
        classes = torch.full((batch, blocks), self.classes)
        snr_db, gains, known = [], [], []
        for index, parts in enumerate(received.side_info or ((None,),) * batch):
            packed = parts[0] if parts else None
            header = Header.of(received.snr_db[index].item()) if packed is None else Header.unpack(packed)
            coded = parts[1] if header.map_index and len(parts) > 1 else None
            if coded is not None:
                if not coded or crc32(coded[:-1]) & 255 != coded[-1]:
                    raise UsageError("the class map is damaged: its checksum differs")
                classes[index] = decode_map(coded[:-1], *grid, self.neighbours.cpu()).flatten()
            snr_db.append(header.snr_db)
            gains.append(header.gain)
            known.append(header.map_index == 0 or coded is not None)
        device = received.symbols.device
        counts = received.counts or (received.symbols.shape[1],) * batch
        if not 0 < max(counts) <= (blocks * len(self.mean) + 1) // 2:
            raise UsageError(f"{max(counts)} symbols are not an image of {grid[1]}x{grid[0]} blocks by {self.kind}")
        reals = 2 * torch.tensor(counts, device=device)
        snr = torch.tensor(snr_db, device=device)
        allocation = allocate(classes.to(device), self.variances, reals, noise_variance(snr))
        return Plan(grid, allocation, snr, torch.tensor(known, device=device)), torch.tensor(gains, device=device)


def _run(strip: Strip, grid: tuple[int, int]) -> tuple[int, int]:
    return strip.first * grid[1], strip.last * grid[1]


def _of_average_class(energy: Float[Tensor, "batch classes values"]) -> Float[Tensor, "batch kinds values"]:
    return torch.cat([torch.zeros_like(energy), energy.sum(1, keepdim=True)], 1)

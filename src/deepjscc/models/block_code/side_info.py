"""The side information of a block code: from the class map to bytes, and from received bytes to the plan."""

from dataclasses import dataclass, field
from zlib import crc32

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.models.block_code.allocation import Allocation, allocate, expected_error
from deepjscc.models.block_code.class_map import decode_map, encode_map
from deepjscc.models.block_code.classes import Tables
from deepjscc.models.block_code.header import MAP_RATES, Header, MeanColour, header_rate, map_index
from deepjscc.types import MARGIN_DB, DigitalLayer, Encoded, IdealCode, Received, SnrDb
from deepjscc.units import noise_variance

NOISE_RANGE = (4e-3, 1e2)  # of the noise variances that networks are told of; what was not received counts as the end
BETTER_DB = 4.0  # by which a channel may be better than planned for before networks are not told of it


@dataclass(frozen=True)
class BlockPlan:
    """The plan by which a batch is sent.

    Attributes:
        grid: rows and columns of blocks.
        allocation: of the stream to the coefficients.
        snr_db: that the powers are for.
    """

    grid: tuple[int, int]
    allocation: Allocation
    snr_db: SnrDb

    def least_noise(self) -> Float[Tensor, " batch"]:
        """Noise variance of a channel :data:`BETTER_DB` better than planned for: networks hear of none below."""
        return noise_variance(self.snr_db + BETTER_DB)


@dataclass(frozen=True)
class DecodedSideInfo:
    """The receiver's knowledge of a batch beside the plan.

    Attributes:
        gain: by which each image's latent was scaled to reach mean power 1.
        known: False where the map was lost: of the stream only the base can be told apart.
        noise_level: mean log10 of the noise variance over all coefficients, sent or not.
        mean_colour: of the images that were sent as nothing else, by their index in the batch.
    """

    gain: Float[Tensor, " batch"]
    known: Bool[Tensor, " batch"]
    noise_level: Float[Tensor, " batch"]
    mean_colour: dict[int, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """Channel uses of a batch of images of one size, side information included.

    Attributes:
        uses: of each image.
        lasting_snr_db: down to which each image's side information must arrive.
        header_rates: of each image's header, bits per complex use.
    """

    uses: Int[Tensor, " batch"]
    lasting_snr_db: SnrDb
    header_rates: list[float]

    @staticmethod
    def of(wanted: int, most: int, lasting_snr_db: SnrDb) -> "Budget":
        """The budget of images for which ``wanted`` uses are granted: at least one symbol and at most ``most``."""
        rates = [header_rate(wanted, snr_db) for snr_db in lasting_snr_db.tolist()]
        headers = torch.tensor([_header_uses(rate) for rate in rates], dtype=torch.long)
        uses = headers + (wanted - headers).clamp(1, most)
        return Budget(uses.to(lasting_snr_db.device), lasting_snr_db, rates)

    def for_symbols(self) -> Int[Tensor, " batch"]:
        """Return the channel uses that the header leaves for each image's symbols."""
        headers = [_header_uses(rate) for rate in self.header_rates]
        return self.uses - torch.tensor(headers, device=self.uses.device)


def _header_uses(rate: float) -> int:
    return IdealCode(rate).uses_of(bytes(Header.BYTES))


@dataclass(frozen=True)
class CodedMap:
    """A coded class map: the index of its rate among :data:`MAP_RATES` (0: no map is sent) and its bytes."""

    index: int = 0
    data: bytes = b""


def plan_to_send(
    tables: Tables,
    classes: Int[Tensor, "batch blocks"],
    energy: Float[Tensor, "batch kinds values"],
    grid: tuple[int, int],
    snr_db: SnrDb,
    budget: Budget,
) -> tuple[BlockPlan, list[CodedMap]]:
    """Decide for each image whether its map gains more than it costs, and plan its symbols.

    Args:
        tables: of the code.
        classes: of every block.
        energy: sum of the squared coefficients over the blocks of each class.
        grid: rows and columns of blocks.
        snr_db: believed of the channel.
        budget: channel uses to spend.
    """
    rounded = torch.tensor([Header.of(snr).snr_db for snr in snr_db.tolist()], device=snr_db.device)
    noise, variances = noise_variance(rounded), tables.variances
    average = torch.full_like(classes, len(variances) - 1)
    plain = 2 * budget.for_symbols()
    lasting, nothing_left = budget.lasting_snr_db.tolist(), int(plain.max())
    maps = [_code(tables, one.view(grid), snr) for one, snr in zip(classes, lasting, strict=True)]
    costs = [_map_layer(coded).uses if coded.index else nothing_left for coded in maps]
    mapped = plain - 2 * torch.tensor(costs, device=plain.device)
    all_average = torch.cat([torch.zeros_like(energy), energy.sum(1, keepdim=True)], 1)
    without = expected_error(allocate(average, variances, plain, noise), all_average, variances, noise)
    with_map = allocate(classes, variances, mapped.clamp_min(1), noise)
    pays = (mapped > 0) & (expected_error(with_map, F.pad(energy, (0, 0, 0, 1)), variances, noise) < without)
    chosen = torch.where(pays[:, None], classes, average)
    allocation = allocate(chosen, variances, torch.where(pays, mapped, plain), noise)
    sent = [coded if paid else CodedMap() for coded, paid in zip(maps, pays.tolist(), strict=True)]
    return BlockPlan(grid, allocation, rounded), sent


def pack(
    plan: BlockPlan, gain: Float[Tensor, " batch"], maps: list[CodedMap], budget: Budget
) -> tuple[tuple[DigitalLayer, ...], ...]:
    """Make each image's digital layers: the header and, where one is sent, the class map."""
    packed = []
    each = zip(plan.snr_db.tolist(), gain.tolist(), maps, budget.header_rates, strict=True)
    for snr_db, own_gain, coded, rate in each:
        header = DigitalLayer(Header.of(snr_db, own_gain, coded.index).pack(), IdealCode(rate), name="header")
        packed.append((header, _map_layer(coded)) if coded.index else (header,))
    return tuple(packed)


def _map_layer(coded: CodedMap) -> DigitalLayer:
    return DigitalLayer(coded.data, IdealCode(MAP_RATES[coded.index]), name="class map")


def with_mean_colours(
    sent: Encoded, colours: list[MeanColour], chosen: Bool[Tensor, " batch"], budget: Budget
) -> Encoded:
    """Replace the chosen images by their mean colours, in the place of their headers, and one symbol of no use."""
    if not chosen.any():
        return sent
    nothing = torch.zeros_like(sent.symbols[0])
    nothing[0] = 1
    symbols = torch.where(chosen[:, None], nothing, sent.symbols)
    digital, counts = list(sent.digital), list(sent.counts)
    for index in chosen.nonzero()[:, 0].tolist():
        code = IdealCode(budget.header_rates[index])
        digital[index] = (DigitalLayer(colours[index].pack(), code, name="mean colour"),)
        counts[index] = 1
    return Encoded(symbols[:, : max(counts)], tuple(digital), tuple(counts))


def plan_received(tables: Tables, received: Received, grid: tuple[int, int]) -> tuple[BlockPlan, DecodedSideInfo]:
    """Decode the side information and derive the transmitter's plan from it.

    Raises:
        UsageError: damaged side information, or more symbols than the image has coefficients.
    """
    batch, coefficients = len(received.symbols), grid[0] * grid[1] * tables.variances.shape[1]
    counts = received.counts or (received.symbols.shape[1],) * batch
    if not 0 < min(counts) <= max(counts) <= (coefficients + 1) // 2:
        raise UsageError(f"{max(counts)} symbols are not an image of {grid[1]}x{grid[0]} blocks")
    parts = received.digital or ((),) * batch
    colours = {index: colour for index, own in enumerate(parts) if (colour := _mean_colour(own)) is not None}
    parts = tuple((None,) if index in colours else own for index, own in enumerate(parts))
    unpacked = [_unpack(tables, own, snr, grid) for own, snr in zip(parts, received.snr_db.tolist(), strict=True)]
    device = received.symbols.device
    classes = torch.stack([classes for _, classes, _ in unpacked]).to(device)
    snr_db = torch.tensor([header.snr_db for header, _, _ in unpacked], device=device)
    gain = torch.tensor([header.gain for header, _, _ in unpacked], device=device)
    known = torch.tensor([known for _, _, known in unpacked], device=device)
    reals = 2 * torch.tensor(counts, device=device)
    plan = BlockPlan(grid, allocate(classes, tables.variances, reals, noise_variance(snr_db)), snr_db)
    # Of each image all coefficients, two to a symbol; those that were not sent came with all the noise there is.
    noise = clamp_noise_variance(received.noise_variance, plan.least_noise()[:, None]).log10()
    sent = torch.arange(noise.shape[1], device=device) < reals[:, None] // 2
    least = torch.tensor(NOISE_RANGE[1]).log10().item()
    level = ((noise - least) * sent * known[:, None]).sum(1) * 2 / coefficients + least
    return plan, DecodedSideInfo(gain, known, level, colours)


def _mean_colour(parts: tuple[bytes | None, ...]) -> list[float] | None:
    """The colour of an image that was sent as nothing else."""
    colour = MeanColour.unpack(parts[0]) if parts and parts[0] is not None else None
    return None if colour is None else colour.colour


def clamp_noise_variance(noise: Tensor, least: Tensor) -> Tensor:
    """Clamp noise variances for networks: to at least ``least``, and to the range of their training."""
    return noise.maximum(least).clamp(*NOISE_RANGE)


def _code(tables: Tables, classes: Int[Tensor, "rows columns"], lasting_snr_db: float) -> CodedMap:
    index = map_index(lasting_snr_db)
    if index == 0:
        return CodedMap()
    data = encode_map(classes.cpu(), tables.neighbours.cpu())
    return CodedMap(index, data + bytes([crc32(data) & 255]))


def _unpack(
    tables: Tables, parts: tuple[bytes | None, ...], snr_db: float, grid: tuple[int, int]
) -> tuple[Header, Int[Tensor, " blocks"], bool]:
    """Header and classes of one image, and whether there can be no other."""
    average = torch.full((grid[0] * grid[1],), len(tables.variances) - 1)
    packed = parts[0] if parts else None
    if packed is None:
        # Where the header is lost, so is any map; at the SNRs where none ever goes nothing else was lost.
        return Header.of(snr_db), average, map_index(snr_db - MARGIN_DB) == 0
    header = Header.unpack(packed)
    coded = parts[1] if header.map_index and len(parts) > 1 else None
    if coded is None:
        return header, average, header.map_index == 0
    if not coded or crc32(coded[:-1]) & 255 != coded[-1]:
        raise UsageError("the class map is damaged: its checksum differs")
    return header, decode_map(coded[:-1], *grid, tables.neighbours.cpu()).flatten(), True

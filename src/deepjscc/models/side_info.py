"""What both ends of a block code agree on before any symbol: from the class map to bytes, and from bytes to a plan."""

from dataclasses import dataclass
from zlib import crc32

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from deepjscc.errors import UsageError
from deepjscc.models.allocation import Allocation, Variances, allocate, expected_error
from deepjscc.models.class_map import decode_map, encode_map
from deepjscc.models.header import MAP_RATES, Header, map_index
from deepjscc.types import MARGIN_DB, DigitalLayer, IdealCode, Received, SnrDb
from deepjscc.units import noise_variance

NOISE_RANGE = (4e-3, 1e2)  # of the noise variances that networks are told of; what was not received counts as the end
BETTER_DB = 4.0  # by which a channel may be better than planned for before networks are not told of it


@dataclass(frozen=True)
class Tables:
    """What a block code has learned of classes.

    Attributes:
        variances: of every coefficient in each class; the last is the average class, of blocks without a map.
        neighbours: logarithm of how often each class follows its left and upper neighbours.
    """

    variances: Variances
    neighbours: Float[Tensor, "contexts kinds"]


@dataclass(frozen=True)
class Plan:
    """How a batch is sent.

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
class Heard:
    """What the receiver knows of a batch beside the plan.

    Attributes:
        gain: by which each image's latent was scaled to reach mean power 1.
        known: False where the map was lost: of the stream only the base can be told apart.
        noise_level: mean log10 of the noise variance over all coefficients, sent or not.
    """

    gain: Float[Tensor, " batch"]
    known: Bool[Tensor, " batch"]
    noise_level: Float[Tensor, " batch"]


@dataclass(frozen=True)
class CodedMap:
    """A class map as it goes: the index of its rate among :data:`MAP_RATES` (0: none goes) and its bytes."""

    index: int = 0
    data: bytes = b""


def plan_to_send(
    tables: Tables,
    classes: Int[Tensor, "batch blocks"],
    energy: Float[Tensor, "batch kinds values"],
    grid: tuple[int, int],
    snr_db: SnrDb,
    lasting_snr_db: SnrDb,
    uses: int,
) -> tuple[Plan, list[CodedMap]]:
    """Decide for each image whether its map pays, and plan.

    Args:
        tables: of the code.
        classes: of every block.
        energy: sum of the squared coefficients over the blocks of each class.
        grid: rows and columns of blocks.
        snr_db: believed of the channel.
        lasting_snr_db: down to which the map must arrive.
        uses: channel uses to spend, side information included.
    """
    rounded = torch.tensor([Header.of(snr).snr_db for snr in snr_db.tolist()], device=snr_db.device)
    noise, variances = noise_variance(rounded), tables.variances
    average = torch.full_like(classes, len(variances) - 1)
    plain = torch.full_like(snr_db, 2 * (uses - Header.USES), dtype=torch.long)
    maps = [_code(tables, one.view(grid), snr) for one, snr in zip(classes, lasting_snr_db.tolist(), strict=True)]
    costs = [_map_layer(coded).uses if coded.index else uses for coded in maps]
    mapped = plain - 2 * torch.tensor(costs, device=plain.device)
    all_average = torch.cat([torch.zeros_like(energy), energy.sum(1, keepdim=True)], 1)
    without = expected_error(allocate(average, variances, plain, noise), all_average, variances, noise)
    with_map = allocate(classes, variances, mapped.clamp_min(1), noise)
    pays = (mapped > 0) & (expected_error(with_map, F.pad(energy, (0, 0, 0, 1)), variances, noise) < without)
    chosen = torch.where(pays[:, None], classes, average)
    allocation = allocate(chosen, variances, torch.where(pays, mapped, plain), noise)
    sent = [coded if paid else CodedMap() for coded, paid in zip(maps, pays.tolist(), strict=True)]
    return Plan(grid, allocation, rounded), sent


def pack(plan: Plan, gain: Float[Tensor, " batch"], maps: list[CodedMap]) -> tuple[tuple[DigitalLayer, ...], ...]:
    """Header and, where one goes, map of each image."""
    packed = []
    for snr_db, own_gain, coded in zip(plan.snr_db.tolist(), gain.tolist(), maps, strict=True):
        header = DigitalLayer(Header.of(snr_db, own_gain, coded.index).pack(), name="header")
        packed.append((header, _map_layer(coded)) if coded.index else (header,))
    return tuple(packed)


def _map_layer(coded: CodedMap) -> DigitalLayer:
    return DigitalLayer(coded.data, IdealCode(MAP_RATES[coded.index]), name="class map")


def plan_received(tables: Tables, received: Received, grid: tuple[int, int]) -> tuple[Plan, Heard]:
    """The plan as side information tells it.

    Raises:
        UsageError: damaged side information, or more symbols than the image has coefficients.
    """
    batch, coefficients = len(received.symbols), grid[0] * grid[1] * tables.variances.shape[1]
    counts = received.counts or (received.symbols.shape[1],) * batch
    if not 0 < min(counts) <= max(counts) <= (coefficients + 1) // 2:
        raise UsageError(f"{max(counts)} symbols are not an image of {grid[1]}x{grid[0]} blocks")
    parts = received.digital or ((),) * batch
    heard = [_unpack(tables, own, snr, grid) for own, snr in zip(parts, received.snr_db.tolist(), strict=True)]
    device = received.symbols.device
    classes = torch.stack([classes for _, classes, _ in heard]).to(device)
    snr_db = torch.tensor([header.snr_db for header, _, _ in heard], device=device)
    gain = torch.tensor([header.gain for header, _, _ in heard], device=device)
    known = torch.tensor([known for _, _, known in heard], device=device)
    reals = 2 * torch.tensor(counts, device=device)
    plan = Plan(grid, allocate(classes, tables.variances, reals, noise_variance(snr_db)), snr_db)
    # Of each image all coefficients, two to a symbol; those that were not sent came with all the noise there is.
    noise = told_noise(received.noise_variance, plan.least_noise()[:, None]).log10()
    sent = torch.arange(noise.shape[1], device=device) < reals[:, None] // 2
    least = torch.tensor(NOISE_RANGE[1]).log10().item()
    level = ((noise - least) * sent * known[:, None]).sum(1) * 2 / coefficients + least
    return plan, Heard(gain, known, level)


def told_noise(noise: Tensor, least: Tensor) -> Tensor:
    """Noise variances as networks are told of them: at least ``least``, and within what they met in training."""
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

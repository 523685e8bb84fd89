"""Building of a link from a recipe, ready to be trained, and the draws of its channel."""

import math
from collections.abc import Mapping
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepjscc.channels import Channel, make_channel
from deepjscc.digital.finite_constellation import parse_constellation
from deepjscc.errors import UsageError
from deepjscc.extensions import find_installed, installed_names, is_file_reference, load_object
from deepjscc.models import JSCC, MODELS
from deepjscc.models.diffusion import Diffusion
from deepjscc.models.training_hooks import starting_weights
from deepjscc.seeds import generator
from deepjscc.systems import Link, make_link
from deepjscc.systems.refined import Refined
from deepjscc.training.recipe import ChannelRecipe, Recipe
from deepjscc.types import SnrDb
from deepjscc.zoo import load, weights_hash


def build_link(recipe: Recipe) -> Link | Refined:
    """The link that a recipe describes, with its initial weights; or a refiner, behind the first link it is to refine.

    Raises:
        UsageError: an unknown model, channel or constellation, a config the model does not take, weights of another
            kind.
        DeepJSCCError: an error in the code of an extension.
    """
    points = None if recipe.constellation is None else parse_constellation(recipe.constellation)
    channel, ratio = build_channel(recipe.channel), middle_ratio(recipe.channel)
    if recipe.model.name == Diffusion.kind:
        refines = {name: weights_hash(name) for name in recipe.model.refines}
        refiner = _build(Diffusion, recipe, {"refines": refines})
        if points is not None:
            raise UsageError("a refiner is trained behind links without a constellation; leave constellation out")
        return Refined(make_link(load(recipe.model.refines[0]), channel, bandwidth_ratio=ratio), refiner)
    model = _build(find_model(recipe.model.name), recipe)
    if next(model.parameters(), None) is None:
        raise UsageError(f"{recipe.model.name} has nothing to train; deepjscc fit makes it from photographs")
    start = recipe.model.warm_start
    whole = set[str]().union(*(take_over(model, name) for name in ([start] if isinstance(start, str) else start or [])))
    frozen = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    if not frozen <= whole:
        raise UsageError(
            f"{recipe.model.name} trains its last stage alone: model.warm_start must name earlier ones of this form"
        )
    return make_link(model, channel, bandwidth_ratio=ratio, constellation=points)


def find_model(name: str) -> type[JSCC]:
    """The class of a model: of :data:`MODELS`, of an installed package, or of a file, as ``mine.py:Net``.

    Raises:
        UsageError: there is none of this name, or it is no :class:`JSCC`.
        DeepJSCCError: an error in the code of an extension.
    """
    if name in MODELS:
        return MODELS[name]
    found = load_object(name, "model") if is_file_reference(name) else find_installed(name, "model")
    if found is None:
        names = (*MODELS, Diffusion.kind, *installed_names("model"))
        raise UsageError(f"unknown model {name!r}; there are {', '.join(names)}, or write mine.py:Net")
    if not (isinstance(found, type) and issubclass(found, JSCC)):
        raise UsageError(f"{name} is not a model: it must be a subclass of deepjscc.models.JSCC")
    return found


Network = TypeVar("Network", bound=nn.Module)


def _build(kind: type[Network], recipe: Recipe, more: Mapping[str, object] | None = None) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)  # initial weights are the one draw that torch takes no generator for
        try:
            return kind(**recipe.model.config, **(more or {}))
        except TypeError as error:
            raise UsageError(f"the model {recipe.model.name} does not take this config: {error}") from None


def build_channel(wanted: ChannelRecipe) -> Channel:
    """The channel of a recipe.

    Raises:
        UsageError: unknown, or given what it does not have.
    """
    return make_channel(wanted.name, coherence=wanted.coherence, csi=wanted.csi, k_factor_db=wanted.k_factor_db)


@torch.no_grad()
def take_over(model: JSCC, name: str) -> set[str]:
    """Begin with the weights of another model of the kind, as far as the two have them in common.

    Returns:
        Names of the weights that were taken whole.

    Raises:
        UsageError: weights of another kind.
        DeepJSCCError: weights that cannot be read.
    """
    try:
        theirs = starting_weights(model, load(name))
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None
    tables, whole = dict(model.named_buffers()), set[str]()
    for key, ours in model.state_dict().items():
        if key in tables and key in theirs and theirs[key].shape != ours.shape:
            raise UsageError(f"{name} has another {key} ({tuple(theirs[key].shape)}); a table cannot be taken in part")
        if key in theirs and theirs[key].dim() == ours.dim():
            common = tuple(slice(0, min(sides)) for sides in zip(ours.shape, theirs[key].shape, strict=True))
            ours[common] = theirs[key][common]
            if theirs[key].shape == ours.shape:
                whole.add(key)
    return whole


def draw_channel(recipe: Recipe, step: int) -> ChannelRecipe:
    """The channel of a step: one of the others, each with its share, else the main one."""
    left = torch.rand((), generator=generator(recipe.seed, "channel", step)).item()
    for other in recipe.other_channels:
        left -= other.share
        if left < 0:
            return other
    return recipe.channel


def draw_snr_db(recipe: Recipe, channel: ChannelRecipe, count: int, *parts: object) -> SnrDb:
    """The channel's SNR, or one drawn uniformly in its range for each image, from a generator seeded by ``parts``."""
    snr_db = channel.snr_db
    if isinstance(snr_db, float):
        return torch.full((count,), snr_db)
    low, high = snr_db
    return low + (high - low) * torch.rand(count, generator=generator(recipe.seed, "snr", *parts))


def draw_pair_snr_db(recipe: Recipe, channel: ChannelRecipe, count: int, *parts: object) -> Float[Tensor, "count 2"]:
    """SNRs of the two links of each pair, drawn independently; in a share of the pairs one of them has no noise."""
    snr_db = draw_snr_db(recipe, channel, 2 * count, *parts).unflatten(0, (count, 2))
    draws = torch.rand(count, 2, generator=generator(recipe.seed, "noiseless", *parts))
    links = torch.stack([draws[:, 1] < 0.5, draws[:, 1] >= 0.5], 1)
    return torch.where((draws[:, :1] < channel.noiseless) & links, torch.inf, snr_db)


def middle_ratio(channel: ChannelRecipe) -> float | None:
    """The channel's bandwidth ratio, of a range the geometric mean: what validation measures at."""
    ratio = channel.bandwidth_ratio
    return math.sqrt(ratio[0] * ratio[1]) if isinstance(ratio, tuple) else ratio


def draw_ratio(recipe: Recipe, channel: ChannelRecipe, step: int) -> float | None:
    """The channel's bandwidth ratio, or one drawn with a uniform logarithm in its range."""
    ratio = channel.bandwidth_ratio
    if not isinstance(ratio, tuple):
        return ratio
    share = torch.rand((), generator=generator(recipe.seed, "ratio", step)).item()
    return ratio[0] ** (1 - share) * ratio[1] ** share

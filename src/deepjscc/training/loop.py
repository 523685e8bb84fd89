"""The training loop: draw images and SNRs, transmit, step; weights written after every epoch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim.swa_utils import AveragedModel

from deepjscc.channels import make_channel
from deepjscc.data import ImageSet, open_data
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.models import JSCC, MODELS
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.systems import Link
from deepjscc.training.batches import Batches
from deepjscc.training.losses import LOSSES
from deepjscc.training.recipe import Recipe
from deepjscc.types import Images, SnrDb
from deepjscc.zoo import load


@dataclass(frozen=True)
class Progress:
    """What the loop says after each epoch."""

    epoch: int
    share: float
    loss: float
    validation_psnr_db: float | None
    images_per_s: float


def train(
    recipe: Recipe, output: Path, *, minutes: float | None = None, say: Callable[[Progress], object] = lambda _: None
) -> Link:
    """Train a model and write its EMA weights to ``output`` after every epoch.

    Args:
        recipe: what to train.
        output: a ``.safetensors`` file, written beside and then renamed.
        minutes: end, annealed, after this time: the cosine runs over it instead of over the epochs.
        say: called after each epoch.

    Returns:
        The trained link, EMA weights in it.

    Raises:
        UsageError: an unknown model or channel, a config the model does not take.
        DeepJSCCError: data that is missing, or a loss that became NaN (the last good weights stay in ``output``).
    """
    torch.manual_seed(recipe.seed)  # of the initial weights, the one draw that torch gives no generator for
    draws = torch.Generator().manual_seed(recipe.seed)
    link = build_link(recipe)
    options = recipe.optimiser
    batches = Batches(open_data(recipe.data.train), options.batch, recipe.data.crop, draws)
    validation = open_data(recipe.data.validation) if recipe.data.validation else None

    link.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = AveragedModel(link, multi_avg_fn=_ema(options.ema_decay))
    averaged = cast(Link, ema.module)
    optimiser = torch.optim.Adam(link.parameters(), options.learning_rate)
    loss_of = LOSSES[options.loss]
    steps, start, step = options.epochs * len(batches), time.monotonic(), 0

    for epoch in range(1, 10**9):
        epoch_start, losses = time.monotonic(), []
        for images in batches:
            share = step / steps if minutes is None else (time.monotonic() - start) / (60 * minutes)
            for group in optimiser.param_groups:
                group["lr"] = options.learning_rate * _schedule(step, share, options.warmup_steps, options.final_share)
            with torch.autocast(images.device.type, torch.bfloat16, enabled=options.precision == "bf16"):
                decoded = link.transmit(images, draw_snr_db(recipe, len(images), draws), generator=draws).images
            loss = loss_of(images, decoded)
            if not torch.isfinite(loss):
                raise DeepJSCCError(f"the loss became {loss.item()} at step {step}; the last good weights are {output}")
            optimiser.zero_grad()
            loss.backward()
            clip_grad_norm_(link.parameters(), options.clip_norm)
            optimiser.step()
            ema.update_parameters(link)
            losses.append(loss.item())
            step += 1
            if share >= 1:
                break
        speed = len(losses) * options.batch / (time.monotonic() - epoch_start)
        save_checkpoint(averaged.model, output)
        quality = _validate(averaged, validation, recipe) if validation else None
        share = min(1.0, step / steps if minutes is None else (time.monotonic() - start) / (60 * minutes))
        say(Progress(epoch, share, sum(losses) / len(losses), quality, speed))
        if share >= 1:
            break
    return averaged


def build_link(recipe: Recipe) -> Link:
    """The untrained link that a recipe describes."""
    if recipe.model.name not in MODELS:
        raise UsageError(f"unknown model {recipe.model.name!r}; there are {', '.join(MODELS)}")
    try:
        model = MODELS[recipe.model.name](**recipe.model.config)
    except TypeError as error:
        raise UsageError(f"the model {recipe.model.name} does not take this config: {error}") from None
    if recipe.model.warm_start is not None:
        take_over(model, recipe.model.warm_start)
    channel = recipe.channel
    return Link(
        model,
        make_channel(channel.name, coherence=channel.coherence, csi=channel.csi, k_factor_db=channel.k_factor_db),
    )


@torch.no_grad()
def take_over(model: JSCC, name: str) -> None:
    """Begin with the weights of another model of the kind, as far as the two have them in common.

    Raises:
        UsageError: weights of another kind.
        DeepJSCCError: weights that cannot be read.
    """
    other = load(name)
    if other.kind != model.kind:
        raise UsageError(f"{name} holds weights of a {other.kind}; a {model.kind} cannot start with them")
    theirs = other.state_dict()
    for key, ours in model.state_dict().items():
        if key in theirs and theirs[key].dim() == ours.dim():
            common = tuple(slice(0, min(sides)) for sides in zip(ours.shape, theirs[key].shape, strict=True))
            ours[common] = theirs[key][common]


def draw_snr_db(recipe: Recipe, batch: int, draws: torch.Generator) -> SnrDb:
    """The recipe's SNR, or one drawn uniformly in its range for each image."""
    snr_db = recipe.channel.snr_db
    if isinstance(snr_db, float):
        return torch.full((batch,), snr_db)
    low, high = snr_db
    return low + (high - low) * torch.rand(batch, generator=draws)


def _schedule(step: int, share: float, warmup_steps: int, final_share: float) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return min(1.0, (step + 1) / (warmup_steps + 1)) * (final_share + (1 - final_share) * cosine)


def _ema(decay: float) -> Callable[[Any, Any, Any], None]:
    """Exponential moving average whose decay grows from 0.1, so that a short run is not averaged with its start."""

    @torch.no_grad()
    def update(averaged: Any, current: Any, updates: Any) -> None:
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + int(updates)) / (10 + int(updates))))

    return update


@torch.no_grad()
def _validate(link: Link, data: ImageSet, recipe: Recipe) -> float:
    """Mean per-image PSNR over an even sample of the validation images, the same noise every time."""
    draws = torch.Generator().manual_seed(recipe.seed)
    stride = max(1, len(data) // recipe.data.validation_images)
    values = []
    for index in range(0, len(data), stride):
        images: Images = to_float(data[index])
        decoded = link.transmit(images, draw_snr_db(recipe, 1, draws), generator=draws).images
        values.append(psnr(images, decoded))
    return torch.cat(values).mean().item()

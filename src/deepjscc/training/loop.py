"""The training loop: at every step some images, an SNR each, one transmission, one step of Adam."""

import math
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric import Fabric
from torch import nn
from torch.optim.swa_utils import AveragedModel

from deepjscc.data import ImageSet, PairSet, open_data
from deepjscc.errors import DeepJSCCError, DeepJSCCWarning
from deepjscc.files import locked
from deepjscc.metrics import psnr
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.seeds import generator
from deepjscc.systems import Link
from deepjscc.systems.refined import Refined
from deepjscc.training.batches import Batches
from deepjscc.training.build import build_channel, build_link, draw_channel, draw_pair_snr_db, draw_ratio, draw_snr_db
from deepjscc.training.logs import Logs, Progress
from deepjscc.training.muon import Muon
from deepjscc.training.objectives import make_objective
from deepjscc.training.processes import loss_of_a_process, make_fabric
from deepjscc.training.recipe import OptimiserRecipe, Recipe
from deepjscc.training.state import Progressed, begin_from, load_state, open_folder, save_state
from deepjscc.zoo import load

SECONDS_BETWEEN_WORDS = 1.0
SECONDS_BETWEEN_STATES = 120.0
LOCK_PATIENCE_S = 2.0  # a training that was just killed may take a moment to end
OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "muon": Muon,
}


def train(
    recipe: Recipe,
    output: Path,
    *,
    minutes: float | None = None,
    resume: bool = False,
    begin: Path | None = None,
    on_progress: Callable[[Progress], object] = lambda _: None,
    device: str = "auto",
) -> Link | Refined:
    """Train a model; its averaged weights go to ``output``, the run's state and logs to ``OUTPUT.run/``.

    Under ``torchrun`` or SLURM every process runs this; gradients are averaged, the first process writes.

    Args:
        recipe: what to train.
        output: a ``.safetensors`` file, written after every epoch, beside and then renamed.
        minutes: end, annealed, after this time in all: the cosine runs over it instead of over the epochs. None with
            ``resume`` keeps what the run was started with.
        resume: go on from the newest state; the same weights come out as from an unbroken run.
        begin: a state that an earlier run left: its weights, moments and average, with a schedule of one's own.
        on_progress: called about once a second and after every epoch, in the first process.
        device: "auto" takes GPUs where there are any; "cpu" or "cuda" insists.

    Returns:
        The link, or the refiner behind one, with its averaged weights.

    Raises:
        UsageError: a recipe that cannot be: unknown names, a config the model does not take, too large a batch.
        DeepJSCCError: data missing, no state to resume or one of another recipe, a full disk, or a loss that became
            NaN; the last good state stays. Another training that writes the same file. Another process that was lost;
            all go on with ``resume``.
        KeyboardInterrupt: after the state was saved.

    Warns:
        DeepJSCCWarning: the run that is to be resumed had finished.
    """
    fabric = make_fabric(recipe.optimiser.precision, device)
    # Two trainings into one file would write each other's states.
    alone = locked(output.with_name(output.name + ".run"), LOCK_PATIENCE_S) if fabric.is_global_zero else nullcontext()
    with alone, loss_of_a_process():
        run = Run(fabric, recipe, output, minutes, resume, begin, on_progress)
        if resume and run.fraction_done() >= 1:
            if run.fabric.is_global_zero:
                warnings.warn(run.finished_note(), DeepJSCCWarning, stacklevel=2)
            return run.averaged
        try:
            while (fraction := run.fraction_done()) < 1:
                run.take_step(fraction)
                if run.step % len(run.batches) == 0:
                    run.end_epoch()
                else:
                    run.speak_now_and_then()
            run.finish()
        except KeyboardInterrupt:
            run.keep()
            raise
        return run.averaged


class Run:
    """A training under way; see :func:`train` for the arguments."""

    def __init__(
        self,
        fabric: Fabric,
        recipe: Recipe,
        output: Path,
        minutes: float | None,
        resume: bool,
        begin: Path | None,
        on_progress: Callable[[Progress], object],
    ) -> None:
        self.fabric, self.recipe, self.output, self.minutes = fabric, recipe, output, minutes
        self.on_progress = on_progress
        options = recipe.optimiser
        self.link = build_link(recipe).to(self.fabric.device)
        self.link.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = AveragedModel(self.link, multi_avg_fn=_moving_average(options.ema_decay))
        self.averaged = cast(Link | Refined, self.ema.module).eval()
        self.optimiser: Any = OPTIMISERS[options.name](
            self.link.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        layered = recipe.data.layered
        self.batches = Batches(
            open_data(recipe.data.train),
            options.batch,
            recipe.data.window,
            recipe.seed,
            cuts=recipe.data.cuts,
            rank=self.fabric.global_rank,
            world=self.fabric.world_size,
            device=self.fabric.device,
            larger_crops=recipe.data.larger_crops,
            unrelated=recipe.data.unrelated,
            layered=(open_data(layered), recipe.data.layered_share) if layered else None,
        )
        self.validation = open_data(recipe.data.validation) if recipe.data.validation else None
        self.folder = output.with_name(output.name + ".run")
        self.step, seconds = 0, 0.0
        if self.fabric.is_global_zero:
            open_folder(self.folder, resume)
        if resume:
            earlier = load_state(self.folder, self.link, self.ema, self.optimiser, recipe)
            self.step, seconds = earlier.step, earlier.seconds
            self.minutes = earlier.minutes if minutes is None else minutes
        elif begin is not None:
            begin_from(begin, self.link, self.ema, self.optimiser)
        self.logs = Logs(self.folder) if self.fabric.is_global_zero else None
        refined = [load(name) for name in recipe.model.refines]
        objective = make_objective(self.link, options.loss, refined, pairs=self.batches.pairs)
        self.channels = {each: build_channel(each) for each in (recipe.channel, *recipe.other_channels)}
        module = torch.compile(objective) if options.compile else objective
        self.module, self.optimiser = self.fabric.setup(cast(nn.Module, module), self.optimiser)
        self.start = time.monotonic() - seconds
        self.kept = self.logged_at = time.monotonic()
        self.logged_step = self.step
        self.losses: list[torch.Tensor] = []

    def fraction_done(self) -> float:
        """Return the fraction of the schedule that is done, the same in all processes."""
        share = self._own_fraction_done()
        return self.fabric.broadcast(share) if self.minutes is not None and self.fabric.world_size > 1 else share

    def _own_fraction_done(self) -> float:
        if self.minutes is None:
            return self.step / (self.recipe.optimiser.epochs * len(self.batches))
        return min(1.0, (time.monotonic() - self.start) / (60 * self.minutes))

    def take_step(self, fraction: float) -> None:
        """Send one batch through the link; step the optimiser and the average at this fraction of the schedule."""
        recipe, step = self.recipe, self.step
        rate = recipe.optimiser.learning_rate * schedule(step, fraction, recipe.optimiser)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        images = self.batches[step]
        over = draw_channel(recipe, step)
        draw = draw_pair_snr_db if self.batches.pairs else draw_snr_db
        snr_db = draw(recipe, over, recipe.optimiser.batch, step)[self.batches.own][: len(images)].to(images.device)
        draws = generator(recipe.seed, "noise", step, self.fabric.global_rank)
        loss = self.module(images, snr_db, draws, self.channels[over], draw_ratio(recipe, over, step))
        if not torch.isfinite(loss):
            epoch, batch = divmod(step, len(self.batches))
            where = f"step {step} (batch {batch} of epoch {epoch + 1})"
            raise DeepJSCCError(f"the loss became {loss.item()} at {where}; what was kept before is in {self.folder}")
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.module, self.optimiser, max_norm=recipe.optimiser.clip_norm)
        self.optimiser.step()
        self.ema.update_parameters(self.link)
        self.losses.append(loss.detach())
        self.step += 1

    def end_epoch(self) -> None:
        """Keep everything and measure the averaged weights."""
        self.keep()
        loss = cast(torch.Tensor, self.fabric.all_reduce(torch.stack(self.losses).mean()))
        self.losses.clear()
        if self.logs is not None:
            save_checkpoint(self.averaged.model, self.output)
            quality = validate(self.averaged, self.validation, self.recipe) if self.validation else None
            self.logs.write(self._speak(loss.item(), quality))
        self.fabric.barrier()  # the others would run into the timeout of a collective while the first measures

    def finish(self) -> None:
        """Do what an epoch's end does, if the time ran out within one; note in the state that the time is over."""
        if self.losses:
            self.end_epoch()
        elif self.minutes is not None:
            self.keep()
        if self.logs is not None:
            self.logs.close()

    def finished_note(self) -> str:
        """Return the note on a run that is to be resumed and had already finished."""
        if self.minutes is None:
            return f"{self.folder}: this run has finished all {self.step} steps; nothing was trained"
        return (
            f"{self.folder}: this run has finished its {self.minutes:g} minutes, at step {self.step}; "
            "nothing was trained; --minutes takes the time in all, so give more to go on"
        )

    def keep(self) -> None:
        """Write the state to go on from."""
        if self.fabric.is_global_zero:
            spent = Progressed(self.step, time.monotonic() - self.start, self.minutes)
            save_state(self.folder, self.link, self.ema, self.optimiser.optimizer, spent, self.recipe)
        self.kept = time.monotonic()

    def speak_now_and_then(self) -> None:
        """A word a second, a state every two minutes."""
        if time.monotonic() - self.kept > SECONDS_BETWEEN_STATES:
            self.keep()
        if self.fabric.is_global_zero and time.monotonic() - self.logged_at > SECONDS_BETWEEN_WORDS:
            self._speak(torch.stack(self.losses).mean().item(), None)

    def _speak(self, loss: float, quality: float | None) -> Progress:
        now = time.monotonic()
        share = self._own_fraction_done()
        progress = Progress(
            step=self.step,
            epoch=-(-self.step // len(self.batches)),
            share=share,
            loss=loss,
            validation_psnr_db=quality,
            images_per_s=(self.step - self.logged_step) * self.recipe.optimiser.batch / max(now - self.logged_at, 1e-9),
            seconds_left=(now - self.start) * (1 - share) / max(share, 1e-9),
        )
        self.on_progress(progress)
        self.logged_at, self.logged_step = time.monotonic(), self.step
        return progress


def schedule(step: int, fraction: float, options: OptimiserRecipe) -> float:
    """Share of the learning rate: linear warm-up, then a cosine down to ``final_share``."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, fraction)))
    warm = min(1.0, (step + 1) / (options.warmup_steps + 1))
    return warm * (options.final_share + (1 - options.final_share) * cosine)


def _moving_average(decay: float) -> Callable[[Any, Any, Any], None]:
    """Exponential moving average whose decay grows from 0.1, so that a short run is not averaged with its start."""

    @torch.no_grad()
    def update(averaged: Any, current: Any, updates: Any) -> None:
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + int(updates)) / (10 + int(updates))))

    return update


@torch.no_grad()
def validate(link: Link | Refined, data: ImageSet, recipe: Recipe) -> float:
    """Mean per-image PSNR over an even sample of the validation images, the same noise every time.

    Over the recipe's main channel, at its bandwidth ratio or the middle of its range.
    """
    device = next(link.parameters()).device
    pairs = isinstance(data, PairSet)
    draw = draw_pair_snr_db if pairs else draw_snr_db
    values = []
    for start, images in data.spread(recipe.data.validation_images).batches():
        images = images.to(device)
        snr_db = draw(recipe, recipe.channel, len(images), "validation", start).to(device)
        decoded = link.transmit(images, snr_db, generator=generator(recipe.seed, "validation noise", start)).images
        values.append(psnr(images.reshape(-1, *images.shape[-3:]), decoded.reshape(-1, *images.shape[-3:])))
    return torch.cat(values).mean().item()

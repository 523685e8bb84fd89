"""Table I of Kurka and Gündüz 2019, and two things beyond it: any prefix, and what refinement costs after how long."""

from itertools import pairwise

import numpy as np
import polars as pl
import torch
from matplotlib.figure import Figure

from deepjscc.channels import AWGN
from deepjscc.channels.prefix import Prefix
from deepjscc.data import open_data
from deepjscc.evaluation.report import COLOURS
from deepjscc.metrics import psnr
from deepjscc.papers.base import Claim, Settings, finish, measure, save, weights
from deepjscc.papers.kurka2019_models import FILTERS, START, one_stage, recipe, staged
from deepjscc.seeds import generator
from deepjscc.systems import Link
from deepjscc.zoo import load

AT_DB = 13.0
ESTIMATES = ("m=1", "m=10", "m=100", "m=1000", "feedback")
PAPER_TABLE_1 = (29.04, 29.68, 29.73, 29.75, 30.64)
PREFIXES = tuple(part / 16 for part in range(1, 17))
BUDGETS = (1, 3, 10)  # epochs


def table_1(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Residual transmission by how the transmitter estimates what arrived, 13 dB."""
    model = staged("residual", 2, "awgn", AT_DB, settings)
    whole = one_stage(2, "awgn", AT_DB, settings)
    columns = {estimate: _errors(settings, f"{model}@{estimate}") for estimate in ESTIMATES if model is not None}
    steps = [_difference(before, after) for before, after in pairwise(columns.values())]
    ours, holds = "no trained model at hand", None
    if steps:
        pooled = " / ".join(f"{_pooled(errors):.2f}" for errors in columns.values())
        by_image = " / ".join(f"{_by_image(errors):.2f}" for errors in columns.values())
        rises = ", ".join(f"{step:.3f} +- {error:.3f}" for step, error in steps)
        ours = f"{pooled} dB pooled, {by_image} dB by image; from column to column {rises} dB, pooled"
        clear = [step > 2 * error for step, error in steps]
        holds = clear[0] and clear[-1] and all(step > -2 * error for step, error in steps)
    order = Claim(
        "Table I: residual transmission, " + " / ".join(ESTIMATES),
        " / ".join(f"{psnr_db:.2f}" for psnr_db in PAPER_TABLE_1) + " dB: the better the estimate the better the image",
        ours,
        holds,
    )
    loss = None
    if columns and whole is not None:
        loss = _difference(columns["feedback"], _errors(settings, whole))
    close = Claim(
        "Table I: feedback against one stage of the same bandwidth",
        "close to what joint training reaches (here: at most 0.3 dB below one stage)",
        "no trained models at hand" if loss is None else f"one stage minus feedback: {loss[0]:.2f} +- {loss[1]:.2f} dB",
        None if loss is None else loss[0] <= 0.3,
    )
    return [order, close], []


def _errors(settings: Settings, system: str) -> np.ndarray:
    """MSE of every image after the last stage."""
    rows = measure(settings, "table-1", [system], (AT_DB,))
    last = rows.filter(pl.col("stage").eq_missing(pl.col("stage").max())).sort("image")
    return 10 ** (-last["psnr_db"].to_numpy() / 10)


def _pooled(errors: np.ndarray) -> float:
    return float(-10 * np.log10(errors.mean()))


def _by_image(errors: np.ndarray) -> float:
    return float(-10 * np.log10(errors).mean())


def _difference(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Return by how much pooled PSNR rises, and its standard error, for paired images (first order in the MSE)."""
    relative = after / after.mean() - before / before.mean()
    error = 10 / np.log(10) * relative.std(ddof=1) / len(relative) ** 0.5
    return _pooled(after) - _pooled(before), float(error)


def any_prefix(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The single decoder after any part of its symbols, trained at the stages' borders and trained anywhere."""
    plan = recipe("single_decoder", {"stages": 2, "filters": FILTERS, "any_prefix": True}, "awgn", AT_DB, START["awgn"])
    models = {
        "trained with any prefix": weights("single-decoder-any-awgn-13db", settings, plan, minutes=settings.minutes),
        "trained at the borders": staged("single_decoder", 2, "awgn", AT_DB, settings),
    }
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    found: dict[str, list[float]] = {}
    ratios = [share * 2 * FILTERS / 96 for share in PREFIXES]
    for (label, model), colour in zip(models.items(), COLOURS, strict=False):
        if model is not None:
            found[label] = [_after(model, share, settings) for share in PREFIXES]
            axes.plot(ratios, found[label], color=colour, marker="o", markersize=4, label=f"single decoder, {label}")
    for stages, marker in ((1, "s"), (2, "D")):
        whole = one_stage(stages, "awgn", AT_DB, settings)
        if whole is not None:
            label = f"one stage of {stages}/12"
            axes.plot([stages * FILTERS / 96], [_after(whole, 1.0, settings)], marker, color=COLOURS[2], label=label)
    finish(axes, "bandwidth ratio received", f"CIFAR-10, AWGN at {AT_DB:g} dB")
    ours, holds = "no trained model at hand", None
    if len(found) == len(models):
        anywhere, borders = found.values()
        steps = [after - before for before, after in pairwise(anywhere)]
        half = len(PREFIXES) // 2 - 1
        ours = f"every further 1/96 adds {min(steps):.2f} to {max(steps):.2f} dB; at the borders it is "
        ours += (
            f"{borders[half] - anywhere[half]:.2f} and {borders[-1] - anywhere[-1]:.2f} dB below the other, by image"
        )
        holds = min(steps) > 0
    claim = Claim("beyond the paper: a picture from any prefix", "(only whole stages)", ours, holds)
    return [claim], save(figure, settings.output, "any-prefix")


@torch.no_grad()
def _after(model: str, share: float, settings: Settings) -> float:
    """Mean per-image PSNR when only this fraction of the symbols arrived."""
    link, values = Link(load(model), Prefix(AWGN(), share)), []
    for start, images in open_data("cifar10").spread(settings.images).batches():
        snr_db = torch.full((len(images),), AT_DB)
        values.append(psnr(images, link.transmit(images, snr_db, generator=generator(0, start)).images))
    return torch.cat(values).mean().item()


def budgets(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Measure what two stages cost against one of the same bandwidth, both trained for as many epochs."""
    parts = []
    for epochs in BUDGETS:
        errors = []
        for model, config in (("cnn", {"filters": 2 * FILTERS}), ("multiple_decoders", {"filters": FILTERS})):
            plan = recipe(model, dict(config), "awgn", AT_DB, START["awgn"], epochs)
            name = weights(f"budget-{model.replace('_', '-')}-{epochs}", settings, plan, minutes=None)
            errors += [] if name is None else [_errors(settings, name)]
        if len(errors) == 2:
            loss, error = _difference(errors[1], errors[0])
            parts.append(f"{loss:.2f} +- {error:.2f} dB after {epochs} epoch{'s' * (epochs > 1)}")
    claim = Claim(
        "beyond the paper: one stage minus multiple decoders, by training",
        "(one training each)",
        ", ".join(parts) or "no trained models at hand",
        None,
    )
    return [claim], []

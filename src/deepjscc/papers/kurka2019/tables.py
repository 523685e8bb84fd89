"""Table I of Kurka and Gündüz 2019, and two things beyond it: any prefix, and what refinement costs after how long."""

from itertools import pairwise

import numpy as np
import polars as pl
import torch

from deepjscc.channels import AWGN
from deepjscc.channels.prefix import Prefix
from deepjscc.data import open_data
from deepjscc.evaluation.report import COLOURS
from deepjscc.metrics import psnr
from deepjscc.papers.claims import Claim, Verdict, below, judge, mean_margin, pooled_db, pooled_margin
from deepjscc.papers.kurka2019.models import FILTERS, START, one_stage, recipe, staged
from deepjscc.papers.measurements import Settings, measure, weights
from deepjscc.papers.plotting import describe, one_axes, save
from deepjscc.papers.reported import reported_curves
from deepjscc.seeds import generator
from deepjscc.systems import Link
from deepjscc.zoo import load

AT_DB = 13.0
ESTIMATES = ("m=1", "m=10", "m=100", "m=1000", "feedback")
PREFIXES = tuple(part / 16 for part in range(1, 17))
BUDGETS = (1, 3, 10)  # epochs


def table_1(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Residual transmission by how the transmitter estimates what arrived, 13 dB."""
    model = staged("residual", 2, "awgn", AT_DB, settings)
    whole = one_stage(2, "awgn", AT_DB, settings)
    columns = {estimate: _errors(settings, f"{model}@{estimate}") for estimate in ESTIMATES if model is not None}
    steps = [pooled_margin(two) for two in pairwise(columns.values())]
    ours, verdict = "no trained model at hand", Verdict.NONE
    if steps:
        pooled = " / ".join(f"{pooled_db(errors):.2f}" for errors in columns.values())
        by_image = " / ".join(f"{_by_image(errors):.2f}" for errors in columns.values())
        rises = ", ".join(f"{step:.3f} +- {error:.3f}" for step, error in steps)
        ours = f"{pooled} dB pooled, {by_image} dB by image; from column to column {rises} dB, pooled"
        worse = any(judge([step]) is Verdict.FAILS for step in steps)  # between, the rises may be too small to see
        verdict = Verdict.FAILS if worse else judge([steps[0], steps[-1]])
    paper = reported_curves("kurka2019", "table-1")[0]
    order = Claim(
        "Table I: residual transmission, " + " / ".join(ESTIMATES),
        " / ".join(f"{psnr_db:.2f}" for psnr_db in paper.y) + " dB: the better the estimate the better the image",
        ours,
        verdict,
    )
    loss = None
    if columns and whole is not None:
        loss = pooled_margin([columns["feedback"], _errors(settings, whole)])
    close = Claim(
        "Table I: feedback against one stage of the same bandwidth",
        "close to what joint training reaches (here: at most 0.3 dB below one stage)",
        "no trained models at hand" if loss is None else f"one stage minus feedback: {loss[0]:.2f} +- {loss[1]:.2f} dB",
        judge([] if loss is None else below(0.3, [loss])),
    )
    return [order, close], []


def _errors(settings: Settings, system: str) -> np.ndarray:
    """MSE of every image after the last stage."""
    rows = measure(settings, "table-1", [system], (AT_DB,))
    last = rows.filter(pl.col("stage").eq_missing(pl.col("stage").max())).sort("image")
    return 10 ** (-last["psnr_db"].to_numpy() / 10)


def _by_image(errors: np.ndarray) -> float:
    return float(-10 * np.log10(errors).mean())


def any_prefix(settings: Settings) -> tuple[list[Claim], list[str]]:
    """The single decoder after any part of its symbols, trained at the stages' borders and trained anywhere."""
    plan = recipe("single_decoder", {"stages": 2, "filters": FILTERS, "any_prefix": True}, "awgn", AT_DB, START["awgn"])
    models = {
        "trained with any prefix": weights("single-decoder-any-awgn-13db", settings, plan, minutes=settings.minutes),
        "trained at the borders": staged("single_decoder", 2, "awgn", AT_DB, settings),
    }
    figure, axes = one_axes()
    found: dict[str, list[np.ndarray]] = {}
    ratios = [share * 2 * FILTERS / 96 for share in PREFIXES]
    for (label, model), colour in zip(models.items(), COLOURS, strict=False):
        if model is not None:
            found[label] = [_after(model, share, settings) for share in PREFIXES]
            means = [values.mean() for values in found[label]]
            axes.plot(ratios, means, color=colour, marker="o", markersize=4, label=f"single decoder, {label}")
    for stages, marker in ((1, "s"), (2, "D")):
        whole = one_stage(stages, "awgn", AT_DB, settings)
        if whole is not None:
            label = f"one stage of {stages}/12"
            axes.plot(
                [stages * FILTERS / 96], [_after(whole, 1.0, settings).mean()], marker, color=COLOURS[2], label=label
            )
    describe(axes, "bandwidth ratio received", f"CIFAR-10, AWGN at {AT_DB:g} dB")
    ours, steps = "no trained model at hand", []
    if len(found) == len(models):
        anywhere, borders = found.values()
        steps = [mean_margin(after - before) for before, after in pairwise(anywhere)]
        rises, half = [step for step, _ in steps], len(PREFIXES) // 2 - 1
        below_the_other = [borders[place].mean() - anywhere[place].mean() for place in (half, -1)]
        ours = f"every further 1/96 adds {min(rises):.2f} to {max(rises):.2f} dB; at the borders it is "
        ours += f"{below_the_other[0]:.2f} and {below_the_other[1]:.2f} dB below the other, by image"
    claim = Claim("beyond the paper: a picture from any prefix", "(only whole stages)", ours, judge(steps))
    return [claim], save(figure, settings.output, "any-prefix")


@torch.no_grad()
def _after(model: str, share: float, settings: Settings) -> np.ndarray:
    """PSNR of every image when only this fraction of the symbols arrived."""
    link, values = Link(load(model), Prefix(AWGN(), share)), []
    for start, images in open_data("cifar10").spread(settings.images).batches():
        snr_db = torch.full((len(images),), AT_DB)
        values.append(psnr(images, link.transmit(images, snr_db, generator=generator(0, start)).images))
    return torch.cat(values).numpy()


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
            loss, error = pooled_margin([errors[1], errors[0]])
            parts.append(f"{loss:.2f} +- {error:.2f} dB after {epochs} epoch{'s' * (epochs > 1)}")
    claim = Claim(
        "beyond the paper: one stage minus multiple decoders, by training",
        "(one training each)",
        ", ".join(parts) or "no trained models at hand",
    )
    return [claim], []

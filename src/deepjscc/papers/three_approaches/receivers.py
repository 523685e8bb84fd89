"""Costs and gains of the report's receivers: steps of the unrolled one, steps of diffusion, time, and pictures."""

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from deepjscc import metrics
from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.evaluation.report import COLOURS, sheet
from deepjscc.evaluation.single import Outcome, send_image
from deepjscc.images import from_picture, to_float, to_picture
from deepjscc.models import IteratedJSCC
from deepjscc.papers.claims import Claim, judge, mean_margin
from deepjscc.papers.measurements import Settings
from deepjscc.papers.plotting import describe, draw_reported, one_axes, save
from deepjscc.papers.reported import reported_curves
from deepjscc.papers.three_approaches.report import (
    ADAPTIVE,
    ADAPTIVE_LINEAR,
    IMAGES,
    RATIO,
    REFINER,
    UNROLLED,
    UNROLLED_LINEAR,
    available_models,
    kodak,
)
from deepjscc.systems.names import make_system
from deepjscc.systems.transport import send_over
from deepjscc.types import Image8, LinkPlan
from deepjscc.zoo import load

AT_DB = 10.0
PICTURES_AT_DB = 5.0
REFINED_AT_DB = 0.0
SAMPLING_STEPS = (1, 5, 10, 50)
REFINED_IMAGES, REFINED_SIDE = 8, 256  # of Kodak, their middle: fifty steps take a while
TIMES = 5


def figure_4(settings: Settings) -> tuple[list[Claim], list[str]]:
    """PSNR over the number of steps: every step trained to be usable, and a last one cut short."""
    figure, axes = one_axes()
    curves, steps = {}, []
    for name, colour in zip(available_models((UNROLLED_LINEAR, UNROLLED)), COLOURS, strict=False):
        model = load(name)
        assert isinstance(model, IteratedJSCC)
        counts = range(1, len(model.steps.denoisers) + 1)
        ratio = RATIO if name == UNROLLED_LINEAR else None
        means = kodak(settings, "steps", [f"{name}@k={count}" for count in counts], (AT_DB,), ratio)
        curves[name] = [means.value_at(f"{name}@k={count}", AT_DB) for count in counts]
        if name == UNROLLED_LINEAR:
            steps = [
                means.minus((f"{name}@k={after}", AT_DB), (f"{name}@k={before}", AT_DB))
                for before, after in pairwise(counts)
            ]
        trained = f"{model.steps.usable} step trained, ratio {means.means['bandwidth_ratio'][0]:.4f}"
        axes.plot(counts, curves[name], color=colour, marker="o", markersize=4, label=f"{name}: {trained}")
    draw_reported(axes, reported_curves("three_approaches", "figure-4"))
    describe(axes, "steps of the receiver", f"Kodak, {min(settings.images, IMAGES)} images, AWGN at {AT_DB:g} dB")
    ours = curves.get(UNROLLED_LINEAR)
    claims = [
        Claim(
            "every step refines",
            "10.1, 12.3, 14.0, 15.2, 18.9, 23.8 dB after 1 to 6 steps",
            ", ".join(f"{psnr:.3f}" for psnr in ours) + " dB" if ours else "nothing",
            judge(steps),
        )
    ]
    if UNROLLED in curves:
        cut = curves[UNROLLED]
        claims.append(
            Claim(
                "stopped early, a receiver that was trained for its last step alone is a network cut short",
                "the report takes its curve for convergence",
                "as the report trains it: " + ", ".join(f"{psnr:.2f}" for psnr in cut) + " dB",
            )
        )
    return claims, save(figure, settings.output, "figure-4")


@torch.no_grad()
def figure_5(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Time to encode and to decode one picture of 768x512, the best of several, on the machine at hand."""
    images = to_float(open_data("kodak")[0])
    snr_db, size = torch.tensor([AT_DB]), (images.shape[2], images.shape[3])
    seconds: dict[str, tuple[float, float]] = {}
    for name in available_models((ADAPTIVE, ADAPTIVE_LINEAR, UNROLLED_LINEAR, "universal-s", "linear")):
        model = load(name)
        taken = []
        for _ in range(TIMES + 1):  # the first time warms up
            clock = time.perf_counter()
            sent = model.encode(images, LinkPlan(snr_db, RATIO))
            between = time.perf_counter()
            received = send_over(AWGN(), sent, snr_db)
            after = time.perf_counter()
            model.decode(received, size)
            taken.append((between - clock, time.perf_counter() - after))
        seconds[name] = (min(encode for encode, _ in taken), min(decode for _, decode in taken))
    figure, axes = one_axes(height=4.6)
    places = range(len(seconds))
    encode, decode = ([1e3 * each[side] for each in seconds.values()] for side in (0, 1))
    axes.barh(places, encode, color=COLOURS[0], label="encode")
    axes.barh(places, decode, left=encode, color=COLOURS[1], label="decode")
    axes.set_yticks(places, list(seconds))
    threads = torch.get_num_threads()
    axes.set_xlabel(f"milliseconds for 768x512, best of {TIMES}, CPU, {threads} threads, fp32")
    listed = "; ".join(f"{name} {1e3 * a:.0f} + {1e3 * b:.0f} ms" for name, (a, b) in seconds.items())
    claim = Claim(
        "encoding and decoding take milliseconds",
        "5.4 + 5.6 ms and 2.8 + 5.9 ms, on a GPU that is not named",
        f"on a CPU, {threads} threads: {listed}",
    )
    return [claim], save(figure, settings.output, "figure-5")


def figure_6(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Show one picture by every method at 5 dB."""
    picture = to_picture(open_data("kodak")[IMAGES - 1])
    systems = [*available_models((ADAPTIVE, ADAPTIVE_LINEAR, UNROLLED_LINEAR)), "jpeg+ideal", "jpeg+ideal@10dB"]
    rows = [[send_image(picture, make_system(name, AWGN(), bandwidth_ratio=RATIO), PICTURES_AT_DB)] for name in systems]
    return [], save(sheet(rows), settings.output, "figure-6")


@dataclass(frozen=True)
class PictureQuality:
    """What became of pictures, a value each.

    Attributes:
        psnr_db: the error.
        distance: LPIPS, smaller where a picture looks more like the original.
        structure: 1 - MS-SSIM.
        detail: energy of fine detail over the original's.
    """

    psnr_db: NDArray[np.float64]
    distance: NDArray[np.float64]
    structure: NDArray[np.float64]
    detail: NDArray[np.float64]


def refinement(settings: Settings) -> tuple[list[Claim], list[str]]:
    """Measure what diffusion does to the unrolled receiver's pictures at 0 dB, by the number of its steps."""
    if len(available_models((REFINER, UNROLLED_LINEAR))) < 2:
        return [], []
    set_ = open_data("kodak").spread(min(settings.images, REFINED_IMAGES))
    images = [_middle(set_[index]) for index in range(len(set_))]
    systems = {"none": UNROLLED_LINEAR}
    systems |= {f"{steps} steps": f"{UNROLLED_LINEAR}@{REFINER}={steps}" for steps in SAMPLING_STEPS}
    outcomes = {label: _outcomes(system, images) for label, system in systems.items()}
    qualities = {label: _quality(images, each) for label, each in outcomes.items()}
    measured = "; ".join(
        f"{label} {each.psnr_db.mean():.2f} dB, {each.distance.mean():.4f}, {each.structure.mean():.4f}, "
        f"{each.detail.mean():.2f}"
        for label, each in qualities.items()
    )
    first, refined = qualities["none"], [qualities[label] for label in systems if label != "none"]
    claims = [
        Claim(
            f"diffusion at {REFINED_AT_DB:g} dB: perceptually nearer to the original",
            "(not measured in the report; here: LPIPS falls at every number of steps)",
            f"{len(images)} images, behind {UNROLLED_LINEAR}; PSNR, LPIPS, 1 - MS-SSIM, fine detail over the "
            f"original's: {measured}",
            judge(mean_margin(first.distance - each.distance) for each in refined),
        ),
        Claim(
            f"diffusion at {REFINED_AT_DB:g} dB: structure nearer to the original",
            "(not measured in the report; here: 1 - MS-SSIM falls at some number of steps)",
            f"{first.structure.mean():.4f} before, "
            + ", ".join(f"{each.structure.mean():.4f}" for each in refined)
            + " after",
            judge([max(mean_margin(first.structure - each.structure) for each in refined)]),
        ),
        Claim(
            f"diffusion at {REFINED_AT_DB:g} dB: as much fine detail as the original",
            "(not measured in the report; here: nearer to 1 at every number of steps above 1)",
            f"{first.detail.mean():.2f} before, {', '.join(f'{each.detail.mean():.2f}' for each in refined[1:])} after",
            judge(mean_margin(abs(1 - first.detail) - abs(1 - each.detail)) for each in refined[1:]),
        ),
    ]
    shown = [[each[0]] for each in outcomes.values()]
    return claims, save(sheet(shown), settings.output, "diffusion")


def _middle(image: Image8) -> Image8:
    """The square in the middle of a picture, or less where it is smaller."""
    top, left = (max(side - REFINED_SIDE, 0) // 2 for side in image.shape[1:])
    return image[:, top : top + REFINED_SIDE, left : left + REFINED_SIDE]


def _outcomes(system: str, images: list[Image8]) -> list[Outcome]:
    """Send every image through a system, each with noise of its own, the same for every system."""
    link = make_system(system, AWGN(), bandwidth_ratio=RATIO)
    return [send_image(to_picture(image), link, REFINED_AT_DB, seed=seed) for seed, image in enumerate(images)]


def _quality(images: list[Image8], outcomes: list[Outcome]) -> PictureQuality:
    pairs = [
        (to_float(image), to_float(from_picture(outcome.picture)))
        for image, outcome in zip(images, outcomes, strict=True)
    ]
    return PictureQuality(
        psnr_db=np.array([outcome.psnr_db or 0.0 for outcome in outcomes]),
        distance=np.array([metrics.lpips(*pair).item() for pair in pairs]),
        structure=1 - np.array([outcome.ms_ssim or 0.0 for outcome in outcomes]),
        detail=np.array([metrics.detail_energy_ratio(*pair).item() for pair in pairs]),
    )

"""Put trained weights into the zoo: measure them, store them small, write their card.

    python tools/zoo.py photos WEIGHTS NAME --summary "what it is" --training "how it was trained"
    python tools/zoo.py cifar10 WEIGHTS NAME --snr-db 10 --training "how it was trained"
    python tools/zoo.py pairs WEIGHTS NAME --training "how it was trained"
    python tools/zoo.py refiner WEIGHTS NAME --link LINK --training "how it was trained"
    python tools/zoo.py state runs/X.safetensors.run OUTPUT

The data sets that a card is measured on lie in $DEEPJSCC_DATA; `--data` names another one. Weights that the zoo holds
under the same name are replaced only if the new ones are better where the card is compared, or with `--replace`.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
import polars as pl
import torch

from cards import (
    CIFAR10,
    KITTI,
    PHOTOGRAPHS,
    Zoo,
    command,
    form,
    keep_the_better,
    mean_by_snr,
    mean_psnr_db,
    rows,
    summary_of_pairs,
    table,
)
from deepjscc import zoo
from deepjscc.data import open_data
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.evaluation.sweep import Plan
from deepjscc.models import Adaptive, BlockCode, PairJSCC
from deepjscc.models.adaptive import HIGHEST_SNR_DB
from deepjscc.models.checkpoint import load_checkpoint, load_refiner, save_checkpoint
from deepjscc.training.state import keep_for_later
from deepjscc.units import parse_ratio

PHOTO_SNRS_DB = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)
PHOTO_RATIOS = {"1/32": 1 / 32, "1/16": 1 / 16, "1/4": 1 / 4}
CIFAR_SNRS_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
PAIR_SNRS_DB = (-2.0, 0.0, 5.0, 10.0, 12.0)
REFINER_STEPS = (1, 5, 10)
FADING = {"channel": "rayleigh", "coherence": "image", "csi": "none"}
HALF_COSTS_AT_MOST_DB = 0.01

Replace = Annotated[bool, cyclopts.Parameter(negative="", help="Replace what the zoo holds, even if it is better.")]
Data = Annotated[str, cyclopts.Parameter(help="The data set, folder or LEFT,RIGHT to measure on.")]
Training = Annotated[str, cyclopts.Parameter(help="Recipe, steps, time, optimiser and loss, as the card states them.")]

ZOO = Zoo()
app = cyclopts.App(name="zoo.py", help=__doc__)


@app.command
def photos(
    weights: Path,
    name: str,
    *,
    summary: Annotated[str, cyclopts.Parameter(help="What it is; the number of parameters is put before it.")],
    training: Training,
    data: Data = "kodak",
    replace: Replace = False,
    into: Annotated[Zoo, cyclopts.Parameter(parse=False)] = ZOO,
) -> None:
    """Add a code for photographs, in 8 bits, with curves over SNR and bandwidth ratio."""
    model = load_checkpoint(weights)
    any_ratio = isinstance(model, BlockCode)
    own = model.uses((512, 768)) / (3 * 512 * 768)
    reference = "1/8" if any_ratio else f"1/{round(1 / own)}"
    ratio = parse_ratio(reference)
    lower = any_ratio or isinstance(model, Adaptive)  # models that also make ratios below their own
    ratios = {text: value for text, value in PHOTO_RATIOS.items() if lower and (any_ratio or value <= own)}
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "stored.safetensors"
        save_checkpoint(model, stored, torch.int8)
        psnr = mean_psnr_db(Plan((str(stored),), data, PHOTO_SNRS_DB, bandwidth_ratio=ratio))
        if name in zoo.cards() and not replace:
            keep_the_better(name, mean_psnr_db(Plan((name,), data, PHOTO_SNRS_DB, bandwidth_ratio=ratio)), psnr)
        by_ratio = [mean_psnr_db(Plan((str(stored),), data, (10.0,), bandwidth_ratio=r))[0] for r in ratios.values()]
        parameters = sum(weight.numel() for weight in model.parameters()) / 1e6
        lowest = model.lowest_snr_db if isinstance(model, Adaptive) else -2.0
        count = len(open_data(data))
        card = {
            "model": model.kind,
            "licence": "CC-BY-SA-4.0",
            "summary": f"{parameters:.1f} M parameters: {summary}",
            "data": PHOTOGRAPHS,
            "training": training,
            "bandwidth_ratio": "up to 1/2" if any_ratio else f"up to {reference}" if ratios else reference,
            "snr_db": "any" if any_ratio else f"{lowest:g} to {HIGHEST_SNR_DB:g}",
            "measured": {
                "command": command(name, data, f"--bandwidth-ratio {reference} ", PHOTO_SNRS_DB),
                "data_set": f"{data.capitalize()}, {count} images, AWGN, complex ratio, mean per-image PSNR, 8 bits; "
                f"psnr at {reference}, by_ratio at 10 dB",
                "snr": [int(snr) for snr in PHOTO_SNRS_DB],
                "psnr": psnr,
                "ratio": list(ratios),
                "by_ratio": by_ratio,
            },
        }
        into.store(name, stored, card)
    print(name, psnr, by_ratio)


@app.command
def cifar10(
    weights: Path,
    name: str,
    *,
    snr_db: Annotated[float, cyclopts.Parameter(help="The SNR of training, where cards are compared.")],
    training: Training,
    channel: Literal["awgn", "rayleigh"] = "awgn",
    data: Data = "cifar10",
    replace: Replace = False,
    into: Annotated[Zoo, cyclopts.Parameter(parse=False)] = ZOO,
) -> None:
    """Add a model for 32x32 images, in half precision where that costs under 0.01 dB."""
    model = load_checkpoint(weights)
    options: dict[str, Any] = FADING if channel == "rayleigh" else {}

    def after_all_stages(system: str) -> float:
        return table(Plan((system,), data, (snr_db,), **options)).sort("stage")["psnr_db"][-1]

    with tempfile.TemporaryDirectory() as folder:
        half, full = Path(folder) / "half.safetensors", Path(folder) / "full.safetensors"
        save_checkpoint(model, half, torch.float16)
        save_checkpoint(model, full)
        ours = {path: after_all_stages(str(path)) for path in (half, full)}
        chosen = half if ours[half] > ours[full] - HALF_COSTS_AT_MOST_DB else full
        if name in zoo.cards() and not replace:
            keep_the_better(name, [after_all_stages(name)], [ours[chosen]])
        means = table(Plan((str(chosen),), data, CIFAR_SNRS_DB, **options)).sort("stage", "snr_db")
        flags = "--channel rayleigh --coherence image --csi none " if options else ""
        measured: dict[str, Any] = {
            "command": command(name, data, flags, CIFAR_SNRS_DB),
            "data_set": "CIFAR-10, 10,000 test images, mean per-image PSNR on 8 bits (pooled: psnr_pooled)",
            "snr": [int(snr) for snr in CIFAR_SNRS_DB],
        }
        for (stage,), part in means.group_by("stage", maintain_order=True):
            ending = "" if stage is None or stage == means["stage"].max() else f"_after_{stage}"
            for entry, column in (("psnr", "psnr_db"), ("psnr_pooled", "psnr_pooled_db")):
                measured[entry + ending] = [round(value, 2) for value in part[column]]
        air = "slow Rayleigh fading without CSI" if options else "AWGN"
        card = {
            "model": model.kind,
            "licence": "research use (CIFAR-10 has no formal licence; cite Krizhevsky 2009)",
            "summary": f"{form(model)}, for 32x32 images over {air} at {snr_db:g} dB",
            "data": CIFAR10,
            "training": training,
            "bandwidth_ratio": f"{model.uses((32, 32))}/3072",
            "snr_db": f"{snr_db:g}",
            "measured": measured,
        }
        into.store(name, chosen, card)
    print(name, measured["psnr"])


@app.command
def pairs(
    weights: Path,
    name: str,
    *,
    training: Training,
    data: Data = "stereo-test",
    into: Annotated[Zoo, cyclopts.Parameter(parse=False)] = ZOO,
) -> None:
    """Add a code for two cameras, in 8 bits, with curves on stereo pairs; what the zoo holds is replaced."""
    model = load_checkpoint(weights)
    if not isinstance(model, PairJSCC):
        raise UsageError(f"{weights}: {model.kind} is no code for two cameras; add it by another command")
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "stored.safetensors"
        save_checkpoint(model, stored, torch.int8)
        equal = rows(Plan((str(stored),), data, PAIR_SNRS_DB))
        measured: dict[str, Any] = {
            "command": command(name, data, "", PAIR_SNRS_DB),
            "data_set": f"{len(open_data(data))} pairs of KITTI Stereo 2015, 128x256, AWGN at this SNR on both links: "
            "means of the per-image values of both views on 8 bits; MS-SSIM with window 7. The literature trains on "
            "1,576 pairs and tests on 790 others: absolute numbers are not comparable with it, differences between "
            "systems measured here are",
            "snr": [int(snr) for snr in PAIR_SNRS_DB],
            "psnr": mean_by_snr(equal, "psnr_db", 2),
        }
        if model.joint:
            beside = rows(Plan((str(stored),), data, PAIR_SNRS_DB, right_offset_db=float("inf")))
            left = beside.filter(pl.col("view") == "left")
            measured["psnr_left_beside_noiseless"] = mean_by_snr(left, "psnr_db", 2)
        measured["ms_ssim"] = mean_by_snr(equal, "ms_ssim_window_7", 4)
        single = name.endswith("photos")
        card = {
            "model": model.kind,
            "licence": "CC-BY-SA-4.0"
            if single
            else "CC-BY-NC-SA-3.0 (KITTI: non-commercial); photographs CC-BY-SA-4.0",
            "summary": summary_of_pairs(model, name),
            "data": PHOTOGRAPHS if single else KITTI,
            "training": training,
            "bandwidth_ratio": "20/384",
            "snr_db": "-3 to 14, or no noise",
            "cameras": 2 if model.joint else 1,
            "measured": measured,
        }
        into.store(name, stored, card)
    print(name, measured["psnr"])


@app.command
def refiner(
    weights: Path,
    name: str,
    *,
    link: Annotated[str, cyclopts.Parameter(help="The model of the link that it is measured behind.")],
    training: Training,
    data: Data = "kodak",
    images: Annotated[int, cyclopts.Parameter(help="Number of images to measure on.")] = 4,
    into: Annotated[Zoo, cyclopts.Parameter(parse=False)] = ZOO,
) -> None:
    """Add a diffusion refiner, in 8 bits, with PSNR and LPIPS by sampling steps; what the zoo holds is replaced."""
    model = load_refiner(weights)
    stored = into.weights(name)
    save_checkpoint(model, stored, torch.int8)
    systems = [link, *(f"{link}@{name}={steps}" for steps in REFINER_STEPS)]
    listed = " ".join(f"--system {system}" for system in systems)
    measured: dict[str, Any] = {
        "command": f"deepjscc evaluate {listed} --data {data} --images {images} --bandwidth-ratio 1/8 --snr-db 0 "
        "--lpips -o t.parquet",
        "data_set": f"{data.capitalize()}, {images} images, AWGN at 0 dB, behind {link} (0 steps: {link} alone), means "
        "over images, 8 bits",
        "steps": [0, *REFINER_STEPS],
        "psnr": [],
        "lpips": [],
    }
    card = {
        "model": model.kind,
        "licence": "CC-BY-SA-4.0",
        "summary": f"{sum(weight.numel() for weight in model.parameters()) / 1e6:.1f} M parameters: a model that "
        f"refines pictures of {' and '.join(model.refines)} at ratio 1/8",
        "data": PHOTOGRAPHS,
        "training": training,
        "bandwidth_ratio": "1/8",
        "snr_db": "-6 to 22",
        "measured": measured,
    }
    into.store(name, stored, card)  # systems are named by cards: this one must stand before it is measured
    means = table(Plan(tuple(systems), data, (0.0,), bandwidth_ratio=1 / 8, images=images, lpips=True))
    found = {system: values for system, *values in means.select("system", "psnr_db", "lpips").iter_rows()}
    measured["psnr"] = [round(found[system][0], 2) for system in systems]
    measured["lpips"] = [round(found[system][1], 4) for system in systems]
    into.store(name, stored, card)
    print(name, measured["psnr"], measured["lpips"])


@app.command
def state(run: Path, output: Path) -> None:
    """Keep a run's newest training state at two thirds of its size, for `deepjscc train RECIPE --begin OUTPUT`.

    Args:
        run: The folder of the run, such as runs/X.safetensors.run.
        output: The file to write.
    """
    keep_for_later(run, output)


def main() -> None:
    """Run the command; bad input gives one line."""
    try:
        app()
    except DeepJSCCError as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()

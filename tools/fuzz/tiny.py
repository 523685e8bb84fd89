"""Tiny pictures at every ratio and SNR, by every kind of transmitter: finite pictures, no worse than the mean colour.

    python tools/fuzz/tiny.py --count 1000 --seed 0

Sides are 1 to 40 pixels, ratios 1/96 to 1/2, SNRs -10 to 60 dB. A transmission is refused in one line, or gives a
picture within the budget of channel uses. It prints, by system, what came of them, and the mean difference of PSNR to
the picture that has the mean colour everywhere.
"""

import json
import sys
from collections import defaultdict

import numpy as np
import torch
from targets import arguments

from deepjscc.channels import AWGN
from deepjscc.data.samples import sample_path
from deepjscc.errors import DeepJSCCError
from deepjscc.images import from_picture, to_float
from deepjscc.open_image import open_rgb
from deepjscc.systems.names import make_system

ROUNDED_DB = 0.05  # what the mean colour loses by being sent in so many bits
SYSTEMS = ("linear", "universal-s", "adaptive-linear", "unrolled-linear", "hybrid", "jpeg2000+ldpc-fine+hybrid")
SMALLEST_MSE = 1e-4  # the mean colour is sent to 1 in 64 levels


def main(count: int, seed: int) -> int:
    """Run it; the exit code."""
    torch.set_num_threads(1)
    photograph = to_float(from_picture(open_rgb(sample_path("coffee"))))[0]
    gains, refused, failures = defaultdict[str, list[float]](list), defaultdict[str, int](int), 0
    for trial in range(count):
        draws = np.random.default_rng([seed, trial])
        name, (height, width) = SYSTEMS[trial % len(SYSTEMS)], draws.integers(1, 41, 2)
        top, left = draws.integers(0, photograph.shape[1] - height), draws.integers(0, photograph.shape[2] - width)
        image = photograph[None, :, top : top + height, left : left + width]
        ratio, snr_db = 2.0 ** draws.uniform(-6.6, -1), draws.uniform(-10, 60)
        try:
            system = make_system(name, AWGN(), bandwidth_ratio=ratio).system
            sent = system.transmit(image, torch.tensor([snr_db]), generator=torch.Generator().manual_seed(trial))
        except DeepJSCCError:
            refused[name] += 1
            continue
        assert sent.images.shape == image.shape
        assert sent.images.isfinite().all()
        colour = (image - image.mean((2, 3), keepdim=True)).square().mean().clamp_min(SMALLEST_MSE)
        error = (image - sent.images).square().mean().clamp_min(SMALLEST_MSE)
        gains[name].append(10 * torch.log10(colour / error).item())
    for name in SYSTEMS:
        own = np.array(gains[name] or [0.0])
        line = {"system": name, "sent": len(gains[name]), "refused": refused[name]}
        line |= {"mean_gain_db": round(own.mean(), 2), "worst_gain_db": round(own.min(), 2)}
        print(json.dumps(line), flush=True)
        failures += own.mean() < -ROUNDED_DB
    return int(failures > 0)


if __name__ == "__main__":
    options = arguments(__doc__)
    sys.exit(main(options.count, options.seed))

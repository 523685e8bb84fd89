"""One transmission, ten thousand receivers: `python benchmarks/broadcast.py [--receivers N] [--output FIGURE]`.

Receivers lie evenly over a disc around the antenna; power falls with distance to the 3.7th and by log-normal shadowing
of 8 dB, and half of those at the edge have less than 0 dB. Either link sends once, for the SNR it plans for. Of the
digital one a receiver below the plan has the mean colour, and one above no more than planned; of the learned one each
receiver decodes what it hears. Both are given the plan with the best mean PSNR.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import deepjscc
from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.evaluation.report import save_figure
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.seeds import generator
from deepjscc.systems.names import make_system
from deepjscc.types import Encoded, Images

RATIO, SIDE, TOGETHER = 1 / 8, 192, 50
EDGE_DB, EXPONENT, SHADOW_DB = 0.0, 3.7, 8.0
PLANS_DB = (-10.0, -5.0, 0.0, 5.0, 10.0, 15.0)
SAMPLE = 400  # receivers on which the learned link's plan is chosen


def draw_receivers(count: int) -> torch.Tensor:
    """SNRs in dB."""
    draws = generator("broadcast")
    distance = torch.rand(count, generator=draws).sqrt()  # evenly over the disc
    shadow = SHADOW_DB * torch.randn(count, generator=draws)
    return EDGE_DB - 10 * EXPONENT * distance.log10() + shadow


@torch.no_grad()
def learned(photo: Images, plan_db: float, snrs: torch.Tensor) -> torch.Tensor:
    """PSNR at each receiver of one transmission laid out for ``plan_db``."""
    link = deepjscc.Link(deepjscc.load("universal-s"), AWGN(), bandwidth_ratio=RATIO)
    sent = link.encode(photo, torch.tensor([plan_db]))
    found = []
    for number, group in enumerate(snrs.split(TOGETHER)):
        count = len(group)
        copies = Encoded(sent.symbols.expand(count, -1), sent.digital * count, sent.counts * count)
        photos = photo.expand(count, -1, -1, -1)
        found.append(psnr(photos, link.deliver(copies, photos, group, generator("noise", number)).images))
    return torch.cat(found)


def digital(photo: Images, plan_db: float, snrs: torch.Tensor) -> torch.Tensor:
    """PSNR at each receiver of one transmission with the rate of ``plan_db``."""
    system = make_system(f"jpeg2000+ideal@{plan_db:g}dB", AWGN(), bandwidth_ratio=RATIO).system
    below, above = (psnr(photo, system.transmit(photo, torch.tensor([snr])).images) for snr in (-100.0, 100.0))
    return torch.where(snrs >= plan_db, above, below)


def main() -> None:
    """Send, and say how the receivers fare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--receivers", type=int, default=10_000)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    photo = to_float(open_data("samples")[2])[:, :, 100 : 100 + SIDE, 200 : 200 + SIDE]
    snrs = draw_receivers(options.receivers).clamp(-20, 40)

    best = max(PLANS_DB, key=lambda plan: learned(photo, plan, snrs[:SAMPLE]).mean().item())
    results = {f"universal-s for {best:g} dB": learned(photo, best, snrs)}
    theirs = {plan: digital(photo, plan, snrs) for plan in PLANS_DB}
    chosen = max(PLANS_DB, key=lambda plan: theirs[plan].mean().item())
    others = (plan for plan in PLANS_DB if abs(plan - chosen) <= 5 and plan != chosen)
    results |= {f"jpeg2000+ideal@{plan:g}dB": theirs[plan] for plan in (chosen, *others)}

    print(f"{options.receivers} receivers, median {snrs.median():.1f} dB; ratio 1/8, one photograph of {SIDE}x{SIDE}")
    for name, quality in results.items():
        low, middle, high = quality.quantile(torch.tensor([0.05, 0.5, 0.95]).double()).tolist()
        print(
            f"{name:24} mean {quality.mean():.2f} dB; a twentieth under {low:.2f}, half under {middle:.2f}, a "
            f"twentieth over {high:.2f}; {(quality > 25).double().mean():.1%} have 25 dB"
        )
    if options.output:
        figure, axes = plt.subplots(figsize=(6.4, 4))
        shares = torch.linspace(0, 1, options.receivers)
        for name, quality in results.items():
            axes.plot(quality.sort().values, shares, "-" if "universal" in name else "--", label=name)
        axes.set(xlabel="PSNR in dB", ylabel="share of receivers that have less", ylim=(0, 1))
        axes.legend()
        axes.grid(alpha=0.3)
        save_figure(figure, options.output)


if __name__ == "__main__":
    main()

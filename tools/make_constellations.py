"""Optimises the non-uniform amplitudes of `ldpc-fine` for bit-interleaved coded modulation and writes them as CSV.

    python tools/make_constellations.py src/deepjscc/digital/fine/constellations.csv

For every number of bits of a real axis and every design SNR in steps of 1 dB the positive levels maximise the mutual
information of the coded bits under Gray labels (one-dimensional non-uniform constellations as in ATSC A/322, which is
geometric shaping). L-BFGS starts from the solution 1 dB higher, the first from uniform levels.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from deepjscc.digital.fine.information import bicm_information, binary_snr_db, gray_labels

DESIGNS = {2: range(-4, 15), 3: range(2, 21), 4: range(7, 27), 5: range(12, 33), 6: range(17, 39)}
SHAPED_DESIGNS = {2: range(1, 13), 3: range(5, 19), 4: range(11, 25), 5: range(17, 31), 6: range(22, 39)}
CODE_GAP_DB, LEAST_RATE = 0.55, 1.11
HEADER = "bits,design_snr_db,equivalent_snr_db_below,equivalent_snr_db,equivalent_snr_db_above,levels,weights\n"


def levels_of(gaps: torch.Tensor) -> torch.Tensor:
    """Positive levels of mean square 1 from the logarithms of the distances between them."""
    levels = torch.cumsum(torch.exp(gaps), 0)
    return levels / levels.square().mean().sqrt()


def lost_information(levels: torch.Tensor, bits: int, snr_db: float) -> torch.Tensor:
    """1 minus the mutual information of a coded bit; differentiable twin of `bicm_information`."""
    nodes, weights = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(32))
    noise = 10 ** (-snr_db / 20)
    every = torch.cat([levels, -levels])
    labels = torch.from_numpy(gray_labels(bits))
    labels = torch.cat([torch.nn.functional.pad(labels, (1, 0), value=sign) for sign in (0, 1)])
    exponent = -((levels[:, None, None] + noise * nodes[:, None] - every) ** 2) / (2 * noise**2)
    total = exponent.logsumexp(-1)
    lost = levels.new_zeros(())
    for bit in range(bits):
        same = labels[: len(levels), None, bit] == labels[None, :, bit]
        chosen = exponent.masked_fill(~same[:, None, :], -torch.inf).logsumexp(-1)
        lost = lost + ((total - chosen) * weights).sum(-1).mean()
    return lost / (2 * torch.pi) ** 0.5 / torch.log(torch.tensor(2.0)) / bits


def optimise(start: torch.Tensor, bits: int, snr_db: float) -> torch.Tensor:
    """Logarithms of the distances that maximise the mutual information."""
    gaps = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([gaps], max_iter=80, line_search_fn="strong_wolfe", tolerance_change=1e-10)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        lost = lost_information(levels_of(gaps), bits, snr_db)
        lost.backward()
        return lost

    optimiser.step(closure)
    return gaps.detach().clamp_min(-8)


def shaped() -> list[tuple[int, int, str]]:
    """Lines of the equidistant constellations whose amplitudes have a Maxwell-Boltzmann distribution.

    Its parameter maximises the rate of probabilistic amplitude shaping with a code that needs an SNR ``CODE_GAP_DB``
    above the limit and a rate of at least ``LEAST_RATE`` times the share of amplitude bits, since the two punctured
    columns of the code cannot carry amplitudes.
    """
    lines = []
    for bits, designs in SHAPED_DESIGNS.items():
        odd = np.arange(1, 2**bits, 2)
        for snr_db in designs:
            best: tuple[float, np.ndarray, np.ndarray] | None = None
            for concentration in np.arange(0, 6, 0.05):
                weights = np.maximum(np.round(2**16 * np.exp(-concentration * (odd / odd[-1]) ** 2)), 1).astype(int)
                chances = weights / weights.sum()
                levels = np.round(odd / np.sqrt((chances * odd**2).sum()), 6)
                needed = binary_snr_db(bicm_information(levels, snr_db, weights)) - CODE_GAP_DB
                code_rate = min(bicm_information(np.ones(1), needed), 0.93)
                rate = 1 - (chances * np.log2(chances)).sum() - bits * (1 - code_rate)
                if code_rate >= LEAST_RATE * (bits - 1) / bits and (best is None or rate > best[0]):
                    best = rate, levels, weights
            if best is not None:
                _, levels, weights = best
                equivalent = [
                    binary_snr_db(bicm_information(levels, snr_db + half, weights)) for half in (-0.5, 0.0, 0.5)
                ]
                numbers = ",".join(f"{one:.4f}" for one in equivalent)
                texts = " ".join(f"{level:.6f}" for level in levels), " ".join(map(str, weights))
                lines.append((bits, snr_db, f"{bits},{snr_db},{numbers},{texts[0]},{texts[1]}\n"))
                print(f"{2 * best[0]:.3f} bits a use:", lines[-1][-1], end="", flush=True)
    return lines


def main() -> None:
    """Write the table to the path of the first argument."""
    torch.set_num_threads(1)
    lines = []
    for bits, designs in DESIGNS.items():
        gaps = torch.zeros(2 ** (bits - 1), dtype=torch.float64)
        gaps[0] = np.log(0.5)
        for snr_db in reversed(designs):
            gaps = optimise(gaps, bits, snr_db)
            levels = np.round(levels_of(gaps).numpy(), 6)
            equivalent = [binary_snr_db(bicm_information(levels, snr_db + half)) for half in (-0.5, 0.0, 0.5)]
            numbers = ",".join(f"{one:.4f}" for one in equivalent)
            text = " ".join(f"{level:.6f}" for level in levels)
            lines.append((bits, snr_db, f"{bits},{snr_db},{numbers},{text},\n"))
            print(lines[-1][-1], end="", flush=True)
    lines += shaped()
    Path(sys.argv[1]).write_text(HEADER + "".join(text for _, _, text in sorted(lines)))


if __name__ == "__main__":
    main()

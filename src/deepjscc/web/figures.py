"""The figures of the page: PSNR over SNR, constellations, and spectra."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from deepjscc.evaluation.live import CURVE_DB
from deepjscc.evaluation.report import COLOURS
from deepjscc.evaluation.single import Outcome


def curve_figure(pairs: Sequence[tuple[Outcome, Outcome]], now: Sequence[Outcome]) -> Figure:
    """PSNR over SNR as far as it has been measured, with the values at the present SNR.

    Args:
        pairs: the outcomes of the first system and of the digital link at each SNR.
        now: the outcomes of both at the SNR of the slider.
    """
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for line, colour in zip(zip(*pairs, strict=True), COLOURS, strict=False):
        axes.plot([o.snr_db for o in line], _psnr(line), "o-", color=colour, label=line[0].system)
        lost = [o for o in line if not o.delivered]
        axes.plot([o.snr_db for o in lost], _psnr(lost), "x", color=colour, markersize=11)
    for outcome, colour in zip(now, COLOURS, strict=False):
        axes.plot([outcome.snr_db], _psnr([outcome]), "*", color=colour, markersize=18, markeredgecolor="black")
    axes.set_xlim(CURVE_DB[0] - 1, CURVE_DB[-1] + 1)
    axes.set_xlabel("channel SNR, P/N0 [dB]")
    axes.set_ylabel("PSNR of this picture [dB]")
    axes.grid(alpha=0.3)
    if pairs:
        axes.legend(title="star: SNR of the slider; cross: outage", fontsize=9)
    return figure


def constellation_figure(sent: np.ndarray, received: np.ndarray) -> Figure:
    """Sent and received symbols in the complex plane, on one scale."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    reach = 3.5
    for place, symbols, title in zip(figure.subplots(1, 2), (sent, received), ("sent", "received"), strict=True):
        place.plot(symbols.real, symbols.imag, ".", markersize=2, color=COLOURS[0])
        place.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title, xlabel="I", ylabel="Q")
        place.grid(alpha=0.3)
    return figure


def spectrum_figure(
    sent: tuple[np.ndarray, np.ndarray], received: tuple[np.ndarray, np.ndarray], snr_db: float
) -> Figure:
    """Power spectral densities of a transmitted and a received frame, relative to the transmitted one's in its band.

    Args:
        sent, received: frequencies in units of the symbol rate, and the density at each.
        snr_db: P / N0 in dB, by which the density of the noise is below that of the signal.
    """
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for (frequencies, density), name, colour in zip((received, sent), ("received", "sent"), COLOURS, strict=False):
        axes.plot(frequencies, 10 * np.log10(np.maximum(density, 1e-12)), color=colour, label=name)
    axes.axhline(-snr_db, color="0.4", linestyle="--", linewidth=1, label="noise, 1 / SNR")
    axes.set(
        xlim=(received[0][0], -received[0][0]),
        ylim=(min(-50.0, -snr_db - 10), max(15.0, 10 - snr_db)),
        xlabel="frequency / symbol rate",
        ylabel="power spectral density [dB]",
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure


def _psnr(outcomes: Sequence[Outcome]) -> list[float]:
    return [math.nan if outcome.psnr_db is None else outcome.psnr_db for outcome in outcomes]

"""The pictures of docs/concepts.md, docs/howto/fading.md and docs/hybrid.md, from sample photographs and tables.

python docs/pictures.py            # writes docs/images/, two minutes or so
"""

import argparse
import io
import tempfile
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.figure import Figure
from PIL import Image

from deepjscc.channels import Rayleigh, make_channel
from deepjscc.data.samples import sample_pair, sample_path
from deepjscc.evaluation.curves import plot
from deepjscc.evaluation.pair import send_pair
from deepjscc.evaluation.report import COLOURS, sheet, strip
from deepjscc.evaluation.single import send_image, send_stages
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.evaluation.table import read_table
from deepjscc.images import open_rgb, read_image, to_float
from deepjscc.metrics import psnr
from deepjscc.seeds import generator
from deepjscc.systems.names import make_system

HERE = Path(__file__).parent / "images"
RATIO = 1 / 12
FADES = 200
WHICH_SYSTEMS = ("hevc+ldpc-fine+hybrid", "hevc+ldpc-fine", "universal-s", "linear", "jpeg2000+ideal")


def cliff_sheet() -> Figure:
    """One photograph at six SNRs: learned, the envelope of digital links, one link of it."""
    picture = open_rgb(sample_path("coffee"))
    names = ("linear", "jpeg2000+ideal", "jpeg2000+ideal@5dB")
    systems = [make_system(name, make_channel("awgn"), bandwidth_ratio=RATIO) for name in names]
    return sheet([[send_image(picture, system, snr_db) for snr_db in range(-5, 25, 5)] for system in systems])


def cliff_plot() -> Figure:
    """PSNR over SNR of four photographs: the envelope, and three of the links under it."""
    links = [f"jpeg2000+ideal@{snr_db}dB" for snr_db in (0, 5, 10)]
    snrs = tuple(float(snr_db) for snr_db in range(-5, 16))
    plan = Plan(("linear", "jpeg2000+ideal", *links), "samples", snrs, bandwidth_ratio=RATIO)
    with tempfile.TemporaryDirectory() as folder:
        figure = plot(sweep(plan, Path(folder) / "cliff.parquet"))
    for note in list(figure.axes[0].texts):  # "100% lost" at every dB would be a smear; the crosses say it
        note.remove()
    return figure


def ratio_plot() -> Figure:
    """PSNR over SNR of one model at four bandwidth ratios."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratio.parquet"
        for ratio in (1 / 48, 1 / 24, 1 / 12, 1 / 6):
            plan = Plan(("linear",), "samples", tuple(map(float, range(-5, 25, 5))), bandwidth_ratio=ratio)
            sweep(plan, path)
        return plot(read_table(path))


def broadcast_sheet() -> Figure:
    """One transmission planned for 15 dB, received by six receivers."""
    picture = open_rgb(sample_path("chelsea"))
    names = ("linear", "jpeg2000+ideal")
    systems = [make_system(name, make_channel("awgn"), bandwidth_ratio=RATIO) for name in names]
    snrs = (25, 15, 14, 10, 5, 0)
    return sheet([[send_image(picture, system, snr, encoder_snr_db=15) for snr in snrs] for system in systems])


def stages_strip() -> Figure:
    """One transmission as it arrives."""
    system = make_system("universal-s", make_channel("awgn"), bandwidth_ratio=RATIO)
    return strip(send_stages(open_rgb(sample_path("coffee")), system, 10.0))


def stereo_sheet() -> Figure:
    """A stereo pair, the right link better than the left: decoded together, and each view alone."""
    left, right = (open_rgb(path).resize((384, 259), Image.Resampling.LANCZOS) for path in sample_pair())
    links = (1.0, 9.0)
    systems = [make_system(name, make_channel("awgn")) for name in ("distributed-joint", "distributed-alone")]
    figure = sheet([list(send_pair(left, right, system, links)) for system in systems])
    for place, view, snr_db in zip(figure.axes, ("left", "right"), links, strict=False):
        place.set_title(f"{view}, SNR {snr_db:g} dB", fontsize=9)
    return figure


def fading_plot() -> Figure:
    """How often a slow Rayleigh fade leaves at least so many dB of PSNR, for the same 200 gains."""
    photo = to_float(read_image(sample_path("coffee")))
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    names = ("linear", "jpeg2000+ideal", "jpeg2000+ideal@3dB")
    labels = ("linear", "jpeg2000+ideal, planned for the average", "jpeg2000+ideal, planned for 3 dB")
    for colour, name, label in zip(COLOURS, names, labels, strict=False):
        system = make_system(name, Rayleigh(), bandwidth_ratio=RATIO).system
        values = []
        with torch.no_grad():
            for index in range(FADES):
                sent = system.transmit(photo, torch.tensor([10.0]), generator=generator("fade", index))
                values.append(psnr(photo, sent.images).item())
        share = [1 - index / FADES for index in range(FADES)]
        mean = sum(values) / FADES
        axes.step(sorted(values), share, where="post", color=colour, label=f"{label}: mean {mean:.1f} dB")
    axes.set_xlabel("PSNR [dB], 8 bits")
    axes.set_ylabel("share of fades with at least this PSNR")
    axes.set_title(f"one photograph, {FADES} slow Rayleigh fades, average SNR 10 dB, CSI at the receiver", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return figure


def which_system_plot() -> Figure:
    """PSNR over SNR from the tables of docs/hybrid.md: the SNR known, and one transmission planned for 10 dB."""
    tables = (HERE.parent / "hybrid.md").read_text().split("\n| SNR dB ")[1:]
    page = tables[0], tables[2]  # ratio 1/8 with the SNR known, and one transmission; between them lies ratio 1/16
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    places = figure.subplots(1, 2, sharey=True)
    for axes, table, title in zip(
        places, page, ("the transmitter knows the SNR", "one transmission, planned for 10 dB"), strict=True
    ):
        head, _, *lines = table.split("\n\n")[0].splitlines()
        snrs = [float(cell) for cell in head.split("|")[1:-1]]
        for line in lines:
            name, *values = [cell.strip(" *") for cell in line.split("|")[1:-1]]
            system = name.split("`")[1]
            if system not in WHICH_SYSTEMS:
                continue  # the other codecs and codes lie between the curves
            style = "--" if "bound" in name else "-"
            label = system + name.split("`")[2].replace(", all digital, a real code", "")
            colour = COLOURS[WHICH_SYSTEMS.index(system)]
            axes.plot(snrs, [float(value) for value in values], style, color=colour, marker="o", label=label)
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("channel SNR, P/N0 [dB]")
        axes.grid(alpha=0.3)
    places[0].set_ylabel("PSNR [dB], mean over Kodak, 8 bits")
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Small files: SVG for curves, WebP for photographs."""
    if path.suffix == ".svg":
        with mpl.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "path"}):
            figure.savefig(path, metadata={"Date": None})
        return
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    Image.open(buffer).convert("RGB").save(path, quality=80, method=6)


PICTURES = {
    "cliff-sheet.webp": cliff_sheet,
    "cliff-plot.svg": cliff_plot,
    "ratio-plot.svg": ratio_plot,
    "broadcast-sheet.webp": broadcast_sheet,
    "stages.webp": stages_strip,
    "stereo.webp": stereo_sheet,
    "fading-plot.svg": fading_plot,
    "which-system.svg": which_system_plot,
}


def main() -> None:
    """Make all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PICTURES), help=", ".join(PICTURES))
    for name in parser.parse_args().names:
        save(PICTURES[name](), HERE / name)
        print(HERE / name, f"{(HERE / name).stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""The handlers of the page's controls for one picture, which show the results of :mod:`deepjscc.evaluation.live`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from matplotlib.figure import Figure
from PIL import Image

from deepjscc.evaluation import live
from deepjscc.evaluation.live import Setting
from deepjscc.evaluation.single import Outcome
from deepjscc.images import from_picture, save_picture
from deepjscc.radio.split import encode_image
from deepjscc.web.figures import constellation_figure, curve_figure
from deepjscc.web.uploads import errors_on_page, needed

CHANNELS: dict[str, dict[str, Any]] = {
    "AWGN": {"channel": "awgn"},
    "slow Rayleigh fading": {"channel": "rayleigh", "coherence": "image"},
    "fast Rayleigh fading": {"channel": "rayleigh", "coherence": "symbol"},
}
RATIOS = {f"1/{n}": 1 / n for n in (96, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2)}
CODINGS = {
    "LDPC of any rate, shaped amplitudes": "ldpc-fine",
    "ideal code at capacity (a bound)": "ideal",
    "normal approximation at LDPC's block length (a bound)": "normal",
    "5G LDPC and QAM": "ldpc",
}
LAYERS = {
    "base+analog": "The base and the analog layer arrived.",
    "base": "The base arrived; no analog layer was sent.",
    "coarse": "Only the coarse layer arrived; the base was lost, and with it the analog layer.",
    "analog": "The analog layer arrived; this bandwidth ratio is too small for a base.",
}
Gallery = list[tuple[Image.Image, str]]
RECEIVED = "{o.system} at {o.snr_db:g} dB: {o.psnr_db:.1f} dB{layers}"
RECEIVER_ROWS = 3
ORIGINAL, DIGITAL = "the original", "the digital link"
FOLLOWS = "It knows the channel's SNR, like the first system"
PLANNED = "It is planned for the SNR below"


def make_setting(
    model: str, codec: str, coding: str, snr_db: float, ratio: str, channel: str, plan: str, planned_db: float
) -> Setting:
    """The setting that the controls of the page describe, in their order on the page."""
    planned, code = planned_db if plan == PLANNED else None, CODINGS[coding]
    return Setting(model, codec, float(snr_db), RATIOS[ratio], planned_db=planned, coding=code, **CHANNELS[channel])


def _numbers(outcome: Outcome) -> str:
    name = f"{outcome.system} at {outcome.snr_db:g} dB"
    if not outcome.delivered:
        return f"**{name}: outage.** Nothing arrived; the picture is the mean colour, {outcome.psnr_db:.1f} dB PSNR."
    return (
        f"**{name}: {outcome.psnr_db:.2f} dB PSNR.** {outcome.channel_uses} channel uses, "
        f"ratio {outcome.bandwidth_ratio:.4f}, {1000 * outcome.seconds:.0f} ms.{_layers(outcome)}"
    )


def _layers(outcome: Outcome) -> str:
    """A sentence that names the layers of a hybrid that arrived; empty for a system without layers."""
    return "" if outcome.layers is None else f" {LAYERS.get(outcome.layers, '')}".rstrip()


def _captioned(outcomes: list[Outcome], label: str) -> Gallery:
    return [(o.picture, label.format(o=o, layers=f" ({o.layers})" if o.layers else "")) for o in outcomes]


def show_learned(picture: Image.Image | None, *controls: Any) -> tuple[Image.Image, str, Outcome]:
    """Send the picture by the first system; returns the received picture, a text, and the outcome for later views."""
    with errors_on_page():
        outcome = live.learned(needed(picture), make_setting(*controls))
    return outcome.picture, _numbers(outcome), outcome


def show_digital(picture: Image.Image | None, ours: Outcome | None, *controls: Any) -> tuple[Image.Image, str, Outcome]:
    """Send the picture by the digital link with as many channel uses as the first system took."""
    with errors_on_page():
        outcome = live.digital(needed(picture), make_setting(*controls), needed(ours).bandwidth_ratio)
    return outcome.picture, _numbers(outcome), outcome


def show_similarity(picture: Image.Image | None, ours: Outcome | None, theirs: Outcome | None) -> str:
    """MS-SSIM of both received pictures, with their systems and SNRs, since the slider may have moved meanwhile."""
    with errors_on_page():
        values = [
            (outcome, live.similarity(needed(picture), outcome))
            for outcome in (needed(ours), needed(theirs))
            if outcome.delivered
        ]
    said = [f"{o.system} at {o.snr_db:g} dB {value:.3f}" for o, value in values if value is not None]
    return "MS-SSIM: " + ", ".join(said) if said else "MS-SSIM needs a picture of at least 161 pixels a side."


def show_curve(
    picture: Image.Image | None, ours: Outcome | None, theirs: Outcome | None, *controls: Any
) -> Iterator[tuple[Figure, str]]:
    """Measure the curve, and show it after every point."""
    pairs: list[tuple[Outcome, Outcome]] = []
    with errors_on_page():
        now, points = (needed(ours), needed(theirs)), live.curve_snrs_db(make_setting(*controls))
        for pair in live.curve(needed(picture), make_setting(*controls)):
            pairs.append(pair)
            yield curve_figure(pairs, now), f"{len(pairs)} of {len(points)} SNRs"


def show_receivers(picture: Image.Image | None, ours: Outcome | None, *controls: Any) -> Iterator[tuple[Any, ...]]:
    """Show one transmission at eight receivers, for the first system, the digital link and the hybrid."""
    setting, rows = make_setting(*controls), list[Gallery]()
    with errors_on_page():
        rows.append(_captioned(live.receivers(needed(picture), setting), RECEIVED))
        yield *rows, [], []
        for outcomes in live.other_receivers(needed(picture), setting, needed(ours).bandwidth_ratio):
            rows.append(_captioned(outcomes, RECEIVED))
            yield *rows, *([[]] * (RECEIVER_ROWS - len(rows)))


def show_slider(
    picture: Image.Image | None, ours: Outcome | None, theirs: Outcome | None, beside: str
) -> tuple[Image.Image, Image.Image] | None:
    """The two pictures of the before/after slider: the original or the digital one, and that of the first system."""
    other = picture if beside == ORIGINAL else None if theirs is None else theirs.picture
    return None if other is None or ours is None or other.size != ours.picture.size else (other, ours.picture)


def show_stages(picture: Image.Image | None, *controls: Any) -> list[tuple[Image.Image, str]]:
    """The received picture after each stage."""
    with errors_on_page():
        label = "after {o.channel_uses} channel uses, ratio {o.bandwidth_ratio:.4f}: {o.psnr_db:.1f} dB"
        return _captioned(live.stages(needed(picture), make_setting(*controls)), label)


def show_constellation(picture: Image.Image | None, *controls: Any) -> Figure:
    """Draw sent and received symbols."""
    with errors_on_page():
        return constellation_figure(*live.constellation(needed(picture), make_setting(*controls)))


def make_files(picture: Image.Image | None, ours: Outcome | None, *controls: Any) -> list[str]:
    """Write the received picture, and the sent symbols as a SigMF recording; returns the paths of the files."""
    setting = make_setting(*controls)
    Path(get_upload_folder()).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="result-", dir=get_upload_folder()))  # Gradio deletes it after an hour
    with errors_on_page():
        save_picture(needed(ours).picture, folder / "received.png")
        (report,) = encode_image(
            from_picture(needed(picture)), setting.model, folder / "sent", setting.snr_db, needed(ours).bandwidth_ratio
        )
    return [str(folder / "received.png"), report["meta_file"], report["data_file"]]

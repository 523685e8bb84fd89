"""The page's layout and what each control sets off; what is shown is worked out in :mod:`deepjscc.evaluation.live`."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from matplotlib.figure import Figure
from PIL import Image

from deepjscc.cli.common import DEFAULT_MODEL
from deepjscc.data.samples import NAMES, sample_path
from deepjscc.digital import CODECS
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation import live
from deepjscc.evaluation.live import Setting
from deepjscc.evaluation.single import Outcome
from deepjscc.images import from_picture, open_rgb, save_picture
from deepjscc.models import MODELS
from deepjscc.radio.split import encode_image
from deepjscc.web.figures import constellation_figure, curve_figure
from deepjscc.zoo import cards

UPLOAD_BYTES = 20 * 2**20
UPLOAD_PIXELS = 40_000_000
SHOWN_SIDE = 1024  # longer pictures are scaled down, so that a slider answers at once
CHANNELS: dict[str, dict[str, Any]] = {
    "AWGN": {"channel": "awgn"},
    "slow Rayleigh fading": {"channel": "rayleigh", "coherence": "image"},
    "fast Rayleigh fading": {"channel": "rayleigh", "coherence": "symbol"},
}
RATIOS = {f"1/{n}": 1 / n for n in (96, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2)}
CODINGS = {
    "ideal: capacity": "ideal",
    "the best of LDPC's block length": "normal",
    "5G LDPC and QAM": "ldpc",
}
BUTTONS = ["download", "fullscreen"]  # not "share", which would post the picture elsewhere
FOLLOWS = "follows every SNR (an envelope)"
PLANNED = "built for the SNR below"


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong from outside becomes a message on the page."""
    try:
        yield
    except DeepJSCCError as error:
        raise gr.Error(str(error), print_exception=False) from None
    except MemoryError:
        raise gr.Error("not enough memory for this picture; take a smaller one", print_exception=False) from None


def open_upload(path: str) -> tuple[Image.Image, str]:
    """An uploaded picture, checked and scaled, and a note on it.

    Raises:
        DeepJSCCError: too many bytes or pixels, or not a picture.
    """
    name, size = Path(path).name, Path(path).stat().st_size
    if size > UPLOAD_BYTES:
        raise DeepJSCCError(f"{name}: {size >> 20} MB are more than the {UPLOAD_BYTES >> 20} MB taken here")
    try:
        picture = open_rgb(path, UPLOAD_PIXELS)
    except DeepJSCCError as error:
        raise DeepJSCCError(str(error).replace(path, name)) from None
    if max(picture.size) <= SHOWN_SIDE:
        return picture, f"{name}: {picture.width}x{picture.height}"
    was = f"{picture.width}x{picture.height}"
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    return picture, f"{name}: {was}, scaled down to {picture.width}x{picture.height}"


def _setting(
    model: str, codec: str, coding: str, snr_db: float, ratio: str, channel: str, plan: str, planned_db: float
) -> Setting:
    planned, code = planned_db if plan == PLANNED else None, CODINGS[coding]
    return Setting(model, codec, float(snr_db), RATIOS[ratio], planned_db=planned, coding=code, **CHANNELS[channel])


def _numbers(outcome: Outcome) -> str:
    if not outcome.delivered:
        return f"**{outcome.system}: outage.** Nothing arrived; shown is the mean colour, {outcome.psnr_db:.1f} dB."
    similar = "" if outcome.ms_ssim is None else f", MS-SSIM {outcome.ms_ssim:.3f}"
    return (
        f"**{outcome.system}: {outcome.psnr_db:.2f} dB**{similar}. {outcome.channel_uses} channel uses, "
        f"ratio {outcome.bandwidth_ratio:.4f}, {1000 * outcome.seconds:.0f} ms."
    )


def _captioned(outcomes: list[Outcome], label: str) -> list[tuple[Image.Image, str]]:
    return [(o.picture, label.format(o=o)) for o in outcomes]


def show_learned(picture: Image.Image, *controls: Any) -> tuple[Image.Image, str, Outcome]:
    """The learned picture, its numbers, and both for later."""
    with _told():
        outcome = live.learned(picture, _setting(*controls))
    return outcome.picture, _numbers(outcome), outcome


def show_digital(picture: Image.Image, ours: Outcome, *controls: Any) -> tuple[Image.Image, str, Outcome]:
    """The digital picture with the channel uses that the learned one took."""
    with _told():
        outcome = live.digital(picture, _setting(*controls), ours.bandwidth_ratio)
    return outcome.picture, _numbers(outcome), outcome


def show_curve(picture: Image.Image, ours: Outcome, theirs: Outcome, *controls: Any) -> Iterator[tuple[Figure, str]]:
    """The curve, point after point."""
    pairs: list[tuple[Outcome, Outcome]] = []
    with _told():
        for pair in live.curve(picture, _setting(*controls)):
            pairs.append(pair)
            yield curve_figure(pairs, (ours, theirs)), f"{len(pairs)} of {len(live.CURVE_DB)} SNRs"


def show_receivers(picture: Image.Image, *controls: Any) -> list[tuple[Image.Image, str]]:
    """Eight receivers of one transmission."""
    with _told():
        return _captioned(live.receivers(picture, _setting(*controls)), "{o.snr_db:g} dB SNR: {o.psnr_db:.1f} dB PSNR")


def show_stages(picture: Image.Image, *controls: Any) -> list[tuple[Image.Image, str]]:
    """The picture as it arrives."""
    with _told():
        label = "after {o.channel_uses} uses, ratio {o.bandwidth_ratio:.4f}: {o.psnr_db:.1f} dB"
        return _captioned(live.stages(picture, _setting(*controls)), label)


def show_constellation(picture: Image.Image, *controls: Any) -> Figure:
    """Sent and received symbols."""
    with _told():
        return constellation_figure(*live.constellation(picture, _setting(*controls)))


def make_files(picture: Image.Image, ours: Outcome, *controls: Any) -> list[str]:
    """The received picture and the sent symbols as a SigMF recording."""
    setting = _setting(*controls)
    folder = Path(tempfile.mkdtemp(prefix="deepjscc-"))
    with _told():
        save_picture(ours.picture, folder / "received.png")
        (report,) = encode_image(
            from_picture(picture), setting.model, folder / "sent", setting.snr_db, ours.bandwidth_ratio
        )
    return [str(folder / "received.png"), report["meta_file"], report["data_file"]]


def load_upload(path: str) -> tuple[Any, Any, str]:
    """An upload, for the state and to look at; if it cannot be read, the picture before stays and a note says why."""
    try:
        picture, note = open_upload(path)
    except DeepJSCCError as error:
        gr.Warning(str(error))
        return gr.skip(), gr.skip(), f"**{error}**"
    return picture, picture, note


def load_sample(name: str) -> tuple[Image.Image, Image.Image, str]:
    """A sample photograph, likewise."""
    with _told():
        picture, note = open_upload(str(sample_path(name)))
    return picture, picture, note


def _image(label: str) -> gr.Image:
    return gr.Image(label=label, format="png", interactive=False, buttons=BUTTONS)


def _gallery(columns: int, name: str) -> gr.Gallery:
    fit: dict[str, Any] = {"height": "auto", "object_fit": "contain", "show_label": False}
    return gr.Gallery(columns=columns, format="png", buttons=BUTTONS, elem_id=name, **fit)


def build_page() -> gr.Blocks:
    """The page, ready to be served."""
    models = [name for name, card in cards().items() if card.model in MODELS and card.cameras == 1]
    with gr.Blocks(title="deepjscc", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        picture, ours, theirs = gr.State(), gr.State(), gr.State()
        gr.Markdown(
            "# deepjscc\nA picture over a noisy channel: learned joint source-channel coding beside a digital link."
        )
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                sample = gr.Radio(list(NAMES), value="coffee", label="Sample photograph")
                upload = gr.UploadButton("Upload a picture", file_count="single", type="filepath")
                note = gr.Markdown(elem_id="note")
                snr_db = gr.Slider(-10, 30, value=3, step=1, label="Channel SNR [dB]", elem_id="snr")
                ratio = gr.Dropdown(list(RATIOS), value="1/12", label="Bandwidth ratio (channel uses per value)")
                with gr.Accordion("Channel, model, digital link", open=False):
                    channel = gr.Dropdown(list(CHANNELS), value="AWGN", label="Channel")
                    model = gr.Dropdown(models, value=DEFAULT_MODEL, label="Learned model")
                    codec = gr.Dropdown(list(CODECS), value="jpeg2000", label="Digital codec")
                    coding = gr.Dropdown(list(CODINGS), value=next(iter(CODINGS)), label="Digital channel code")
                    plan = gr.Radio([FOLLOWS, PLANNED], value=PLANNED, label="The digital link")
                    planned_db = gr.Slider(-10, 30, value=5, step=1, label="SNR the digital link was built for [dB]")
            with gr.Column(scale=3, min_width=280):
                controls: list[Any] = [model, codec, coding, snr_db, ratio, channel, plan, planned_db]
                with gr.Tabs():
                    with gr.Tab("Side by side"), gr.Row():
                        with gr.Column(min_width=260):
                            original = _image("Original")
                        with gr.Column(min_width=260):
                            learned_image = _image("Learned")
                            learned_numbers = gr.Markdown(elem_id="learned-numbers")
                        with gr.Column(min_width=260):
                            digital_image = _image("Digital")
                            digital_numbers = gr.Markdown(elem_id="digital-numbers")
                    with gr.Tab("PSNR over SNR"):
                        draw = gr.Button("Measure the curve")
                        progress = gr.Markdown(elem_id="curve-progress")
                        curve = gr.Plot(elem_id="curve", show_label=False)
                    with gr.Tab("Many receivers"):
                        gr.Markdown("One transmission, made for the SNR of the slider, as eight receivers have it.")
                        broadcast = gr.Button("Send to eight receivers")
                        heard = _gallery(4, "receivers")
                    with gr.Tab("Stages"):
                        gr.Markdown(
                            "One transmission as it arrives: after each stage, or of a model without stages "
                            "after an eighth, a quarter, half and all of the symbols."
                        )
                        arrive = gr.Button("Receive in stages")
                        staged = _gallery(2, "stages")
                    with gr.Tab("Constellation"):
                        scatter = gr.Button("Draw the symbols")
                        symbols = gr.Plot(elem_id="constellation", show_label=False)
                    with gr.Tab("Files"):
                        pack = gr.Button("Make the files")
                        files = gr.File(
                            file_count="multiple", label="Received picture, SigMF recording", elem_id="files"
                        )

        taken, shown = [picture, *controls], [learned_image, learned_numbers, ours]
        beside = {
            "fn": show_digital,
            "inputs": [picture, ours, *controls],
            "outputs": [digital_image, digital_numbers, theirs],
        }
        only_last: dict[str, Any] = {"trigger_mode": "always_last", "concurrency_id": "link"}
        chosen = [picture, original, note]
        for start in (
            page.load(load_sample, sample, chosen),
            sample.change(load_sample, sample, chosen),
            upload.upload(load_upload, upload, chosen),
        ):
            start.success(show_learned, taken, shown, concurrency_id="link").success(**beside, concurrency_id="link")
        for control in controls:
            control.change(show_learned, taken, shown, **only_last).success(**beside, concurrency_id="link")
        draw.click(show_curve, [picture, ours, theirs, *controls], [curve, progress], concurrency_id="link")
        broadcast.click(show_receivers, taken, heard, concurrency_id="link")
        arrive.click(show_stages, taken, staged, concurrency_id="link")
        scatter.click(show_constellation, taken, symbols, concurrency_id="link")
        pack.click(make_files, [picture, ours, *controls], files, concurrency_id="link")
    return page.queue(max_size=32, default_concurrency_limit=1)

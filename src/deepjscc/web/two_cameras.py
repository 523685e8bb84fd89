"""The part of the page for two cameras and one receiver, which shows :mod:`deepjscc.evaluation.live_pair`."""

from typing import Any

import gradio as gr
from PIL import Image

from deepjscc.evaluation import live_pair
from deepjscc.evaluation.live_pair import PairSetting, Views
from deepjscc.evaluation.single import Outcome
from deepjscc.web.parts import DECODING, image
from deepjscc.web.uploads import Pair, errors_on_page, load_pair, load_sample_pair, needed

CHANNELS: dict[str, dict[str, Any]] = {
    "AWGN": {"channel": "awgn"},
    "fast Rayleigh fading": {"channel": "rayleigh", "coherence": "symbol"},
}
FIRST_DB = (0.0, 4.0)  # SNRs of the two links on opening, at which both views of the sample gain
WHAT = (
    "Two pictures of one scene. Each camera encodes its picture without knowing the other one, and sends it over a "
    "channel of its own. A receiver that decodes both *together* uses each view to reduce the noise in the other; one "
    "that decodes each view *alone* has the same network without attention across the views. The sample is "
    "*Motorcycle*, a stereo pair from the Middlebury benchmark (Scharstein et al. 2014); the weights were trained on "
    "road scenes of KITTI. The view with the noisier link gains most; one whose link is much better than the other's "
    "may lose up to 0.2 dB."
)
Shown = tuple[Image.Image, str, Image.Image, str]  # the left picture and its numbers, the right one and its


def _setting(left_db: float, right_db: float, noiseless: bool, channel: str) -> PairSetting:
    return PairSetting(float(left_db), live_pair.NOISELESS_DB if noiseless else float(right_db), **CHANNELS[channel])


def _shown(views: Views) -> Shown:
    left, right = views
    return left.picture, _numbers(left), right.picture, _numbers(right)


def _numbers(outcome: Outcome) -> str:
    link = "without noise" if outcome.snr_db == live_pair.NOISELESS_DB else f"at {outcome.snr_db:g} dB"
    return (
        f"**{outcome.system} {link}: {outcome.psnr_db:.2f} dB PSNR.** {outcome.channel_uses} channel uses, "
        f"ratio {outcome.bandwidth_ratio:.4f}, {1000 * outcome.seconds:.0f} ms."
    )


def show_together(pair: Pair | None, *controls: Any) -> tuple[Image.Image, str, Image.Image, str, PairSetting, Views]:
    """Decode both views together; returns pictures and texts, and the setting and the outcomes for later views."""
    setting = _setting(*controls)
    with errors_on_page():
        views = live_pair.together(needed(pair), setting)
    return *_shown(views), setting, views


def show_alone(
    pair: Pair | None, setting: PairSetting | None, together: Views | None
) -> tuple[Image.Image, str, Image.Image, str, str]:
    """Decode each view alone under the same setting, and compare with decoding them together."""
    with errors_on_page():
        views = live_pair.alone(needed(pair), needed(setting))
    left, right = live_pair.gain_db(needed(together), views)
    return *_shown(views), f"**Together minus alone: left {left:+.2f} dB, right {right:+.2f} dB.**"


def build_two_cameras(tab: gr.Tab) -> None:
    """Build the controls and pictures in the current tab; nothing is sent before the tab is opened."""
    pair, setting, outcomes = gr.State(), gr.State(), gr.State()
    gr.Markdown(WHAT)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            sample = gr.Button("The sample pair")
            upload = gr.UploadButton(
                "Upload a pair; the left picture's name sorts first", file_count="multiple", type="filepath"
            )
            note = gr.Markdown(elem_id="pair-note")
            low, high = live_pair.RANGE_DB
            left_db = gr.Slider(
                low, high, value=FIRST_DB[0], step=1, label="SNR of the left link [dB]", elem_id="left-snr"
            )
            right_db = gr.Slider(
                low, high, value=FIRST_DB[1], step=1, label="SNR of the right link [dB]", elem_id="right-snr"
            )
            noiseless = gr.Checkbox(label="The right link has no noise", elem_id="noiseless")
            channel = gr.Radio(list(CHANNELS), value="AWGN", label="Channels")
        with gr.Column(scale=3, min_width=280):
            gain = gr.Markdown(elem_id="gain")
            sent, joint, alone = list[Any](), list[Any](), list[Any]()
            for view in ("Left", "Right"):
                with gr.Row():
                    with gr.Column(min_width=240):
                        sent.append(image(f"{view}, sent"))
                    with gr.Column(min_width=240):
                        joint += _picture(view, "decoded together")
                    with gr.Column(min_width=240):
                        alone += _picture(view, "decoded alone")

    controls: list[Any] = [left_db, right_db, noiseless, channel]
    together = {"fn": show_together, "inputs": [pair, *controls], "outputs": [*joint, setting, outcomes]}
    beside = {"fn": show_alone, "inputs": [pair, setting, outcomes], "outputs": [*alone, gain]}
    last: dict[str, Any] = {"trigger_mode": "always_last"}
    chosen = [pair, *sent, note]
    for start in (
        tab.select(load_sample_pair, None, chosen),
        sample.click(load_sample_pair, None, chosen),
        upload.upload(load_pair, upload, chosen, **DECODING),
    ):
        start.success(**together, concurrency_id="link").success(**beside, concurrency_id="beside", **last)
    for control in controls:
        control.change(**together, concurrency_id="link", **last).success(**beside, concurrency_id="beside", **last)


def _picture(view: str, how: str) -> list[Any]:
    """Components for the picture of a view and for its numbers."""
    return [image(f"{view}, {how}"), gr.Markdown(elem_id=f"{view.lower()}-{how.split()[-1]}-numbers")]

"""The layout of the page, and the handlers that its controls call: one picture by two systems, and two cameras."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
from PIL import Image

from deepjscc.data.samples import NAMES
from deepjscc.defaults import HYBRID, UNIVERSAL
from deepjscc.digital import CODECS
from deepjscc.models import MODELS
from deepjscc.web import one_picture as answers
from deepjscc.web.one_picture import CHANNELS, CODINGS, DIGITAL, FOLLOWS, ORIGINAL, PLANNED, RATIOS, make_setting
from deepjscc.web.parts import BUTTONS, DECODING, gallery, image
from deepjscc.web.two_cameras import build_two_cameras
from deepjscc.web.uploads import load_sample, load_upload
from deepjscc.web.waveform import build_waveform_view, show_waveform
from deepjscc.zoo import cards

STAGES, CONSTELLATION, WAVEFORM = "Stages", "Constellation", "Waveform"  # the views that follow the controls


def build_page() -> gr.Blocks:
    """The page, ready to be served."""
    with gr.Blocks(title="deepjscc", analytics_enabled=False, delete_cache=(3600, 3600)) as page:
        gr.Markdown(
            "# deepjscc\nThis page sends a picture over a noisy channel by two systems: joint source-channel coding, "
            "and a digital link with equal channel uses. Both transmitters know the SNR of the slider, unless the "
            "digital link is planned for another SNR."
        )
        with gr.Tabs():
            with gr.Tab("One picture"):
                _build_one_picture(page)
            with gr.Tab("Two cameras") as tab:
                build_two_cameras(tab)
    return page.queue(max_size=32, default_concurrency_limit=1)


def _opened(event: gr.SelectData) -> str:
    """The name of the view that was opened."""
    return str(event.value)


def _build_one_picture(page: gr.Blocks) -> None:
    models = [HYBRID, *(name for name, card in cards().items() if card.model in MODELS and card.cameras == 1)]
    picture, ours, theirs, opened = gr.State(), gr.State(), gr.State(), gr.State()
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            sample = gr.Radio(list(NAMES), value="coffee", label="Sample photograph", elem_id="sample")
            upload = gr.UploadButton("Upload a picture", file_count="single", type="filepath")
            note = gr.Markdown(elem_id="note")
            ratio = gr.Dropdown(
                list(RATIOS), value="1/12", label="Bandwidth ratio (complex channel uses per source value)"
            )
            with gr.Accordion("Channel, first system, digital link", open=False):
                channel = gr.Dropdown(list(CHANNELS), value="AWGN", label="Channel")
                model = gr.Dropdown(models, value=UNIVERSAL, label="First system")
                codec = gr.Dropdown(list(CODECS), value="jpeg2000", label="Digital codec")
                coding = gr.Dropdown(list(CODINGS), value=next(iter(CODINGS)), label="Digital channel code")
                plan = gr.Radio([FOLLOWS, PLANNED], value=FOLLOWS, label="The digital link")
                planned_db = gr.Slider(-10, 30, value=5, step=1, label="SNR the digital link is planned for [dB]")
        with gr.Column(scale=3, min_width=280):
            snr_db = gr.Slider(-10, 30, value=3, step=1, label="Channel SNR [dB]", elem_id="snr")
            controls: list[Any] = [model, codec, coding, snr_db, ratio, channel, plan, planned_db]
            with gr.Tabs(elem_id="views") as views:
                with gr.Tab("Side by side"):
                    with gr.Row():
                        with gr.Column(min_width=260):
                            original = image("Original")
                        with gr.Column(min_width=260):
                            learned_image = image("First system")
                            learned_numbers = gr.Markdown(elem_id="learned-numbers")
                        with gr.Column(min_width=260):
                            digital_image = image("Digital link")
                            digital_numbers = gr.Markdown(elem_id="digital-numbers")
                    similarity = gr.Markdown(elem_id="similarity")
                with gr.Tab("Before and after"):
                    beside_what = gr.Radio(
                        [ORIGINAL, DIGITAL],
                        value=ORIGINAL,
                        label="Picture on the left; the first system is on the right",
                    )
                    slider = gr.ImageSlider(
                        format="png",
                        interactive=False,
                        show_label=False,
                        buttons=BUTTONS,
                        elem_id="slider",
                        max_height=800,
                    )
                with gr.Tab("PSNR over SNR"):
                    draw = gr.Button("Measure the curve")
                    progress = gr.Markdown(elem_id="curve-progress")
                    curve = gr.Plot(elem_id="curve", show_label=False)
                with gr.Tab("Receivers") as many:
                    gr.Markdown(
                        "One transmission, planned for the SNR of the slider, as eight receivers with different SNRs "
                        "decode it. The rows are the first system, the digital link and the hybrid, with equal channel "
                        "uses."
                    )
                    broadcast = gr.Button("Send to eight receivers")
                    names = ("receivers", "digital-receivers", "hybrid-receivers")
                    receivers = [gallery(4, name) for name in names]
                with gr.Tab(STAGES):
                    gr.Markdown(
                        "The received picture of one transmission after each stage. A model without stages is decoded "
                        "after an eighth, a quarter, half and all of its symbols; a system that needs all symbols is "
                        "shown once."
                    )
                    staged = gallery(2, "stages")
                with gr.Tab(CONSTELLATION):
                    symbols = gr.Plot(elem_id="constellation", show_label=False)
                with gr.Tab(WAVEFORM):
                    waveform = build_waveform_view()
                with gr.Tab("Files"):
                    pack = gr.Button("Make the files")
                    files = gr.File(file_count="multiple", label="Received picture, SigMF recording", elem_id="files")

    taken = [picture, *controls]
    learned = {"fn": answers.show_learned, "inputs": taken, "outputs": [learned_image, learned_numbers, ours]}
    digital = {
        "fn": answers.show_digital,
        "inputs": [picture, ours, *controls],
        "outputs": [digital_image, digital_numbers, theirs],
    }
    between = {"fn": answers.show_slider, "inputs": [picture, ours, theirs, beside_what], "outputs": slider}
    similar = {"fn": answers.show_similarity, "inputs": [picture, ours, theirs], "outputs": similarity}

    def show_open_view(view: str, picture: Image.Image | None, *values: Any) -> Iterator[Any]:
        """Compute what the open view shows, where it follows the controls."""
        ours, radio = values[: len(controls)], values[len(controls) :]
        if view == STAGES:
            yield {staged: answers.show_stages(picture, *ours)}
        elif view == CONSTELLATION:
            yield {symbols: answers.show_constellation(picture, *ours)}
        elif view == WAVEFORM:
            for shown in show_waveform(picture, make_setting(*ours), *radio):
                yield dict(zip(waveform.outputs, shown, strict=True))
        else:
            yield gr.skip()

    follow = {
        "fn": show_open_view,
        "inputs": [opened, *taken, *waveform.controls],
        "outputs": [staged, symbols, *waveform.outputs],
    }
    viewing: dict[str, Any] = {"concurrency_id": "view"}
    # The digital picture has a queue of its own: a learned one asked for meanwhile does not wait for it.
    link, beside = {"concurrency_id": "link"}, {"concurrency_id": "beside"}
    last: dict[str, Any] = {"trigger_mode": "always_last"}
    chosen = [picture, original, note]
    for start in (
        page.load(load_sample, sample, chosen),
        sample.input(load_sample, sample, chosen),
        upload.upload(load_upload, upload, chosen, **DECODING),
    ):
        event = start.success(**learned, **link)
        event.success(**follow, **viewing, **last)
        event.success(**between, show_progress="hidden")
        compared = event.success(**digital, **beside, **last)
        compared.success(**between, show_progress="hidden")
        compared.success(**similar, **beside, **last)
    for control in controls:
        event = control.change(**learned, **link, **last)
        event.success(**follow, **viewing, **last)
        event.success(**between, show_progress="hidden")
        compared = event.success(**digital, **beside, **last)
        compared.success(**between, show_progress="hidden")
        compared.success(**similar, **beside, **last)
    beside_what.change(**between, show_progress="hidden")
    upload.upload(None, None, sample, js="() => null")  # no sample is chosen any more
    draw.click(answers.show_curve, [picture, ours, theirs, *controls], [curve, progress], **link)
    for ask in (broadcast.click, many.select):
        ask(answers.show_receivers, [picture, ours, *controls], receivers, **link)
    views.select(_opened, None, opened, show_progress="hidden").success(**follow, **viewing)
    for control in waveform.controls:
        control.change(**follow, **viewing, **last)
    pack.click(answers.make_files, [picture, ours, *controls], files, **link)

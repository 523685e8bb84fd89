"""The view of a radio link: its spectrum, its symbols, and the picture that the receiver decodes meanwhile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from PIL import Image

from deepjscc.evaluation.live import Setting
from deepjscc.evaluation.live_radio import RadioSetting, Snapshot, receive_by_radio, send_by_radio
from deepjscc.web.figures import constellation_figure, spectrum_figure
from deepjscc.web.parts import image
from deepjscc.web.uploads import errors_on_page, needed

WAVEFORMS: dict[str, Literal["single-carrier", "ofdm"]] = {"single carrier": "single-carrier", "OFDM": "ofdm"}
WHAT = (
    "The picture as a radio signal. `deepjscc tx` makes a frame of it, a simulated channel adds white noise and the "
    "impairments below, and `deepjscc rx` finds the frame, synchronises to it and decodes the picture while the "
    "samples come in. The transmitter plans for the SNR above; the receiver knows only the format of a frame. A fading "
    "channel that is chosen for the other views does not apply here."
)


@dataclass(frozen=True)
class WaveformView:
    """The components of the view.

    Attributes:
        controls: kind of waveform, carrier offset in percent of the symbol rate, and whether there is an echo.
        outputs: numbers, spectrum, symbols and picture, in the order in which :func:`show_waveform` yields them.
    """

    controls: tuple[Any, ...]
    outputs: tuple[Any, ...]


def build_waveform_view() -> WaveformView:
    """Build the controls and results in the current tab."""
    gr.Markdown(WHAT)
    with gr.Row():
        kind = gr.Radio(list(WAVEFORMS), value=next(iter(WAVEFORMS)), label="Waveform", elem_id="waveform-kind")
        offset = gr.Slider(
            -1, 1, value=0.3, step=0.1, label="Carrier frequency offset [% of the symbol rate]", elem_id="cfo"
        )
        echo = gr.Checkbox(label="An echo 2.25 symbol times later, 8 dB weaker", elem_id="echo")
    numbers = gr.Markdown(elem_id="waveform-numbers")
    with gr.Row():
        with gr.Column(min_width=260):
            picture = image("Picture at the receiver")
        with gr.Column(min_width=260):
            spectrum = gr.Plot(elem_id="spectrum", show_label=False)
            symbols = gr.Plot(elem_id="radio-symbols", show_label=False)
    return WaveformView((kind, offset, echo), (numbers, spectrum, symbols, picture))


def show_waveform(
    picture: Image.Image | None, setting: Setting, kind: str, offset_percent: float, echo: bool
) -> Iterator[tuple[Any, ...]]:
    """Transmit the picture, and show numbers, spectrum, symbols and picture whenever the receiver knows more.

    Args:
        picture: the transmitted picture.
        setting: model, SNR and bandwidth ratio.
        kind: a key of :data:`WAVEFORMS`.
        offset_percent: carrier frequency offset in percent of the symbol rate.
        echo: whether the channel has an echo.
    """
    with errors_on_page():
        radio = RadioSetting(WAVEFORMS[kind], float(offset_percent) / 100, bool(echo))
        signal = send_by_radio(needed(picture), setting, radio)
        cost = signal.burst.line("Transmitted")
        spectrum: Any = spectrum_figure(*signal.spectra, setting.snr_db)
        for view in receive_by_radio(needed(picture), signal):
            symbols: Any = gr.skip()
            if len(view.received_symbols):
                symbols = constellation_figure(view.sent_symbols, view.received_symbols)
            yield f"{_numbers(view, radio)}\n\n{cost}.", spectrum, symbols, view.picture
            spectrum = gr.skip()


def _numbers(view: Snapshot, radio: RadioSetting) -> str:
    """Describe what the receiver has received and estimated, with the true carrier offset."""
    samples = f"{view.samples:,} of {view.total_samples:,} samples"
    if view.frame is None:
        return f"**Received: {samples}; {view.status}.**"
    quality = "" if view.psnr_db is None else f"; the picture has {view.psnr_db:.2f} dB PSNR"
    layers = "" if view.layers is None else f"; layers that arrived: {view.layers or 'none'}"
    state = {"ok": "the frame is complete", "receiving": "the frame is being received"}.get(view.status, view.status)
    frame = view.frame
    return (
        f"**Received: {samples}, {frame.received:,} of {frame.header.uses:,} symbols; {state}{quality}{layers}.** "
        f"The receiver found the frame at sample {frame.sample}. It estimates a carrier offset of "
        f"{100 * frame.cfo:+.3f}% of the symbol rate (true: {100 * radio.cfo:+.3f}%) and an SNR of "
        f"{frame.snr_db:.1f} dB after equalisation."
    )

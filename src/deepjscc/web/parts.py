"""Components and styles that both halves of the page share."""

from typing import Any

import gradio as gr

DECODING: dict[str, Any] = {"concurrency_id": "decoding", "concurrency_limit": 4}  # uploads do not wait for a slow one
CSS = """
/* Figures have a white background; in the dark mode their lightness is inverted, and their hues are kept. */
.dark :is(#curve, #constellation, #spectrum, #radio-symbols) img { filter: invert(0.93) hue-rotate(180deg); }
/* Whole captions, wrapped below the picture instead of cut off over it. */
.captions .caption-label, .captions .thumbnail-lg .caption-label {
  position: static; max-width: none; white-space: normal; overflow: visible; text-overflow: clip; display: block;
}
.captions .gallery-item, .captions .thumbnail-lg { height: auto; aspect-ratio: auto; }
#slider { width: 100%; }
/* Narrow tabs, so that the names of all views fit beside the controls. */
#views > .tab-wrapper button[role="tab"] { padding-left: 10px; padding-right: 10px; }
/* On a phone the SNR stays in view while the pictures are scrolled. */
@media (max-width: 640px) {
  .form:has(> #snr) { position: fixed !important; left: 0; right: 0; bottom: 0; z-index: 30; border-radius: 0; }
  .tabitem { padding-bottom: 80px; }
}
"""
BUTTONS = ["download", "fullscreen"]  # not "share", which would post the picture elsewhere


def image(label: str) -> gr.Image:
    """A component for a picture; its ``elem_id`` is the label in lower case with hyphens for spaces."""
    name = label.lower().replace(",", "").replace(" ", "-")
    return gr.Image(label=label, format="png", interactive=False, buttons=BUTTONS, elem_id=name)


def gallery(columns: int, name: str) -> gr.Gallery:
    """A component for several pictures."""
    fit: dict[str, Any] = {"height": "auto", "object_fit": "contain", "show_label": False, "elem_classes": "captions"}
    return gr.Gallery(columns=columns, format="png", buttons=BUTTONS, elem_id=name, **fit)

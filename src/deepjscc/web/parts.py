"""Pieces that both halves of the page are made of."""

from typing import Any

import gradio as gr

DECODING: dict[str, Any] = {"concurrency_id": "decoding", "concurrency_limit": 4}  # uploads do not wait for a slow one
BUTTONS = ["download", "fullscreen"]  # not "share", which would post the picture elsewhere


def image(label: str) -> gr.Image:
    """A place for a picture; its ``elem_id`` is the label in small letters, joined by hyphens."""
    name = label.lower().replace(",", "").replace(" ", "-")
    return gr.Image(label=label, format="png", interactive=False, buttons=BUTTONS, elem_id=name)


def gallery(columns: int, name: str) -> gr.Gallery:
    """A place for several."""
    fit: dict[str, Any] = {"height": "auto", "object_fit": "contain", "show_label": False}
    return gr.Gallery(columns=columns, format="png", buttons=BUTTONS, elem_id=name, **fit)

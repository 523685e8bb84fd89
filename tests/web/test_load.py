"""Many visitors: what each leaves behind is bounded, and one that leaves early is no error."""

import gc
import logging
import socket
import time

import pytest
from gradio.state_holder import StateHolder
from running_page import RunningPage

from deepjscc.web.server import SESSIONS


def test_the_pictures_of_old_sessions_are_forgotten(page: RunningPage) -> None:
    blocks = next(one for one in gc.get_objects() if type(one) is StateHolder and hasattr(one, "blocks")).blocks
    holder = blocks.state_holder  # of the application that answers, not of those that Gradio makes on the way
    for session in range(SESSIONS + 20):
        holder[f"session {session}"].state_data[0] = bytes(10)
    assert len(holder.session_data) <= SESSIONS + 1
    assert f"session {SESSIONS + 19}" in holder


def test_a_visitor_who_leaves_in_the_middle_of_an_upload_is_no_error(
    page: RunningPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[str]()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "handlers", [Listener()])
    host, port = page.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nabc'
        )
        time.sleep(0.3)
    with page.client() as client:
        for _ in range(10):
            client.get("/config").raise_for_status()
            time.sleep(0.1)
    assert not said

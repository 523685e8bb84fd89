"""A running page in this process."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from running_page import RunningPage

from deepjscc.web.server import build_app


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    """A page on a free port of this machine, in this process."""
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch, socket.socket() as door:
        for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED"):
            patch.setenv(name, "")  # build_app sets them; this restores what was there
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = uvicorn.Server(uvicorn.Config(build_app(str(folder)), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        running = RunningPage(f"http://127.0.0.1:{door.getsockname()[1]}", folder)
        with running.client() as client:
            client.get("/config").raise_for_status()  # the socket listens at once; this waits for the page
        yield running
        server.should_exit = True
        thread.join(20)

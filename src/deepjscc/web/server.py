"""The server of the page. It fetches nothing from elsewhere, and listens to this machine only unless told otherwise."""

import os
import signal
import socket
import sys
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Any

from deepjscc.errors import DeepJSCCError

if TYPE_CHECKING:
    from starlette.types import ASGIApp


SESSIONS = 100  # whose pictures are kept, the most recent ones; Gradio's 10,000 would take a megabyte each and more
UVICORN: dict[str, Any] = {"log_level": "warning", "timeout_graceful_shutdown": 3}  # browsers hold a stream open


def serve_page(port: int, public: bool, host: str | None = None) -> None:
    """Serve until interrupted.

    Args:
        port: TCP port; 0 takes a free one.
        public: whether to listen on every address instead of this machine's own.
        host: host name that the page answers to, besides localhost, 127.0.0.1 and [::1].

    Raises:
        DeepJSCCError: the port is in use, or gradio is not installed.
    """
    with _open_door("0.0.0.0" if public else "127.0.0.1", port) as door:
        try:
            import uvicorn

            # The server ends with the signal that ended it; the folder of uploads must be deleted before.
            signal.signal(signal.SIGTERM, _end)
            with TemporaryDirectory(prefix="deepjscc-page-", ignore_cleanup_errors=True) as folder:
                app = build_app(folder, public, host)
                address, port = door.getsockname()
                shown = host or ("localhost" if address == "127.0.0.1" else address)
                print(f"http://{shown}:{port}  (Ctrl-C ends it)", flush=True)
                uvicorn.Server(uvicorn.Config(app, **UVICORN)).run(sockets=[door])
        except ModuleNotFoundError as error:
            raise DeepJSCCError(f"the page needs {error.name}: pip install 'deepjscc[demo]'") from None


def build_app(folder: str, public: bool = False, host: str | None = None) -> "ASGIApp":
    """The page with its checks, ready for a server.

    Args:
        folder: an empty folder for uploads and results. Gradio's default folder would be shared with other users and
            other pages of this machine.
        public: whether to answer to any IP address and to this machine's names, unless ``host`` is given.
        host: host name that the page answers to, besides localhost, 127.0.0.1 and [::1].
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = os.path.realpath(folder)
    import gradio as gr
    from fastapi import FastAPI

    from deepjscc.web.origins import Origins, names_of_this_machine
    from deepjscc.web.page import build_page
    from deepjscc.web.parts import CSS
    from deepjscc.web.request_limits import RequestLimits
    from deepjscc.web.uploads import UPLOAD_BYTES

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    fonts = ("system-ui", "sans-serif")
    theme = gr.themes.Default(font=fonts, font_mono=("ui-monospace", "monospace"))
    page = build_page()
    page.state_session_capacity = SESSIONS
    looks: dict[str, Any] = {"theme": theme, "css": CSS, "footer_links": []}
    gr.mount_gradio_app(app, page, path="/", max_file_size=UPLOAD_BYTES, ssr_mode=False, **looks)
    page.has_launched = True  # without it Gradio does not check the paths that a request names
    limited = RequestLimits(app, folder, 2 * UPLOAD_BYTES + 2**16)  # a pair of pictures and its multipart headers
    names = () if host is None else (host,)
    if public and host is None:
        return Origins(limited, names_of_this_machine(), addresses=True)
    return Origins(limited, names)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _open_door(host: str, port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen()  # a browser that comes before the page is ready waits instead of being refused
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else "the largest port is 65535"
        raise DeepJSCCError(f"port {port}: {why}; choose another with --port") from None
    return door

"""`deepjscc serve`: serves a web page."""

from typing import Annotated

from cyclopts import Parameter


def serve(
    *,
    port: Annotated[int, Parameter(help="TCP port; 0 takes a free one.")] = 7860,
    public: Annotated[
        bool, Parameter(negative="", help="Listen on every address, so that other machines reach it.")
    ] = False,
    host: Annotated[
        str | None, Parameter(help="Host name of the page, besides localhost, 127.0.0.1 and [::1].")
    ] = None,
) -> None:
    """Serve a web page with sliders that sends a picture over a channel by learned and digital systems."""
    from deepjscc.web.server import serve_page

    serve_page(port, public, host)

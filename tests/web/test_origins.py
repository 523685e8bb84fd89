"""The page answers to its own names and origins only, with the headers that keep a browser from misusing it."""

import socket
from collections.abc import Sequence

import pytest
from running_page import RunningPage
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from deepjscc.web.origins import Origins, names_of_this_machine


def _status(origins: Origins, path: str = "/", method: str = "GET", **headers: str) -> int:
    client = TestClient(origins, base_url="http://localhost")
    return client.request(method, path, headers={name: text for name, text in headers.items() if text}).status_code


ANSWER = PlainTextResponse("well")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:7860", "LOCALHOST", "127.0.0.1:7860", "[::1]:7860", "page.example"]
)
def test_own_names_are_answered(host: str) -> None:
    assert _status(Origins(ANSWER, ["page.example"]), host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "page.example.evil",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[::2]",
        "a b",
    ],
)
def test_foreign_names_are_refused(host: str) -> None:
    assert _status(Origins(ANSWER, ["page.example"]), host=host) == 421


def test_a_public_page_answers_to_addresses_and_to_the_machine_s_names() -> None:
    public = Origins(ANSWER, names_of_this_machine(), addresses=True)
    assert _status(public, host="10.0.0.1:7860") == 200  # no web site can let another's address point elsewhere
    assert _status(public, host=socket.gethostname()) == 200
    assert _status(public, host="evil.example") == 421


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:7860", 200),
        ("http://127.0.0.1:7860", 200),
        ("http://localhost:3000", 403),  # another page of this machine
        ("http://evil.example:7860", 403),
        ("http://localhost:7860.evil.example", 403),
        ("http://evil@localhost:7860", 403),
        ("file://localhost:7860", 403),
        ("null", 403),
    ],
)
def test_origins(origin: str, status: int) -> None:
    for method, path in (("GET", "/"), ("POST", "/gradio_api/run/load_sample")):
        assert _status(Origins(ANSWER), path, method, host="localhost:7860", origin=origin) == status


@pytest.mark.parametrize(
    ("path", "method"),
    [
        *((path, "GET") for path in ("/openapi.json", "/docs", "/redoc", "/gradio_api/openapi.json", "/monitoring")),
        *(
            (path, "GET")
            for path in ("/gradio_api/proxy=http://127.0.0.1:9/", "/gradio_api/file/etc/passwd", "/configuration")
        ),
        *((path, "POST") for path in ("/", "/login", "/gradio_api/component_server", "/gradio_api/process_recording")),
        ("/gradio_api/upload", "GET"),
        ("/", "OPTIONS"),
        ("/", "DELETE"),
    ],
)
def test_addresses_the_page_does_not_need(page: RunningPage, path: str, method: str) -> None:
    with page.client() as client:
        assert client.request(method, path).status_code == 404


def test_every_answer_has_the_headers(page: RunningPage) -> None:
    with page.client() as client:
        answers = [client.get(path) for path in ("/", "/config", "/gradio_api/file=/etc/passwd", "/missing")]
        answers.append(client.get("/", headers={"host": "evil.example"}))
    assert [answer.status_code for answer in answers] == [200, 200, 403, 404, 421]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers


def test_a_foreign_site_cannot_reach_the_running_page(page: RunningPage) -> None:
    foreign: Sequence[dict[str, str]] = ({"host": "evil.example"}, {"origin": "http://evil.example"})
    with page.client() as client:
        for headers in foreign:
            for path in ("/gradio_api/run/load_sample", "/gradio_api/queue/join", "/gradio_api/upload"):
                assert client.post(path, json={"data": ["coffee"]}, headers=headers).status_code in (403, 421)
        own = {"origin": page.address}
        assert client.post("/gradio_api/run/load_sample", json={"data": ["coffee"]}, headers=own).status_code == 200

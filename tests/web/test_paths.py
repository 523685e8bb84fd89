"""No request makes the page read a file that was not uploaded, by whatever endpoint and however it is named."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from running_page import RunningPage

from deepjscc.web.upload_folder import is_uploaded, make_room, names_other_files

FORBIDDEN = ("picture", "/etc/passwd", "/dev/zero", "fifo", "link", "hard link", "folder", "missing", "dots", "url")
WAYS = ("run", "api", "call", "queue")


def _file(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.fixture
def forbidden(request: pytest.FixtureRequest, tmp_path: Path, page: RunningPage) -> str:
    """A path the page must not read; links and the FIFO lie inside the upload folder."""
    secret = tmp_path / "secret.png"
    Image.new("RGB", (40, 30), "red").save(secret)
    inside = page.folder / f"{os.urandom(4).hex()}.png"
    kind = request.param
    if kind == "fifo":
        os.mkfifo(inside)
    elif kind == "link":
        inside.symlink_to(secret)
    elif kind == "hard link":
        os.link(secret, inside)
    elif kind == "folder":
        inside.mkdir()
    elif kind == "dots":
        return f"{page.folder}/{os.path.relpath(secret, page.folder)}"
    elif kind == "url":
        return "http://127.0.0.1:9/picture.png"
    if kind in ("fifo", "link", "hard link", "folder", "missing"):
        return str(inside)
    return str(secret) if kind == "picture" else kind


@pytest.mark.parametrize("forbidden", FORBIDDEN, indirect=True)
def test_no_endpoint_takes_a_path_that_was_not_uploaded(page: RunningPage, forbidden: str, picture: Path) -> None:
    good = page.upload("good.png", picture.read_bytes())
    for name, data in (
        ("load_upload", [_file(forbidden)]),
        ("load_upload", [forbidden]),
        ("load_upload", [{"path": good, "other": [_file(forbidden)]}]),
        ("load_pair", [[_file(good), _file(forbidden)]]),
        ("load_pair", [[forbidden, forbidden]]),
        ("load_sample", [_file(forbidden)]),
    ):
        for way in WAYS:
            status, text = page.call(way, name, data)
            assert status != 200 or "event: error" in text or '"success":false' in text, (way, name, text)
            assert "40x30" not in text
            assert "root:" not in text
            assert "file=" not in text


@pytest.mark.parametrize("forbidden", FORBIDDEN, indirect=True)
def test_no_file_is_handed_out_that_was_not_uploaded(page: RunningPage, forbidden: str) -> None:
    with page.client() as client:
        for address in (f"/gradio_api/file={forbidden}", f"/gradio_api/file/{forbidden}", f"/file={forbidden}"):
            answer = client.get(address)
            assert answer.status_code in (403, 404), address
            assert client.head(address).status_code == answer.status_code


def test_files_that_exist_and_files_that_do_not_answer_alike(page: RunningPage) -> None:
    answers = {page.call("run", "load_upload", [_file(path)]) for path in ("/etc/passwd", "/etc/missing")}
    assert len(answers) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_real_upload_is_taken(page: RunningPage, picture: Path, way: str) -> None:
    path = page.upload("view.png", picture.read_bytes())
    status, text = page.call(way, "load_upload", [_file(path)])
    assert status == 200
    assert "view.png: 96x80" in text
    with page.client() as client:
        assert client.get(f"/gradio_api/file={path}").content == picture.read_bytes()


def test_a_pair_of_real_uploads_is_taken(page: RunningPage, picture: Path) -> None:
    paths = [page.upload(name, picture.read_bytes()) for name in ("a.png", "b.png")]
    status, text = page.call("run", "load_pair", [[_file(path) for path in paths]])
    assert status == 200
    assert "left a.png: 96x80; right b.png: 96x80" in text


def test_bodies_are_bounded_and_are_json(page: RunningPage) -> None:
    with page.client() as client:
        for body, status in (
            (b'{"data":["' + b"x" * (1 << 20) + b'"]}', 413),
            (b"[" * 100_000, 400),
            (b"not json", 400),
            (b"", 422),
        ):
            answer = client.post("/gradio_api/run/load_sample", content=body)
            assert answer.status_code == status, answer.text
        answer = client.post("/gradio_api/upload", files={"files": ("large.png", bytes(41 << 20))})
        assert answer.status_code == 413


def test_an_upload_of_undeclared_length_is_cut_off(page: RunningPage) -> None:
    def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        for _ in range(64):
            yield bytes(1 << 20)

    with page.client() as client:
        try:
            answer = client.post(
                "/gradio_api/upload", content=endless(), headers={"content-type": "multipart/form-data; boundary=x"}
            )
            assert answer.status_code >= 400
        except httpx.TransportError:
            pass  # the server closed the connection
    assert sum(file.stat().st_size for file in page.folder.rglob("*") if file.is_file()) < 64 << 20


def test_what_counts_as_uploaded(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "folder-of-another"
    for each in (folder, outside):
        each.mkdir()
        (each / "a.png").write_bytes(b"x")
    assert is_uploaded(str(folder / "a.png"), folder)
    assert not is_uploaded(str(outside / "a.png"), folder)
    assert not is_uploaded(str(folder), folder)
    (folder / "sub").symlink_to(outside)
    assert not is_uploaded(str(folder / "sub" / "a.png"), folder)
    for odd in ("", "a.png", "a\0.png", "x" * 5000, str(folder / "a\0.png")):
        assert not is_uploaded(odd, folder)
    (tmp_path / "alias").symlink_to(folder)  # a link above the folder is the server's own
    assert is_uploaded(str(tmp_path / "alias" / "a.png"), tmp_path / "alias")
    deep: Any = {"path": 3}
    assert names_other_files([{"a": [deep]}], folder)
    assert not names_other_files([{"path": str(folder / "a.png"), "meta": {}}], folder)


def test_old_uploads_make_room(tmp_path: Path) -> None:
    for age, name in ((500, "old"), (300, "older than two minutes"), (0, "new")):
        (tmp_path / name).write_bytes(bytes(100))
        changed = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (changed, changed))
    assert make_room(tmp_path, 250)
    assert not (tmp_path / "old").exists()
    assert not make_room(tmp_path, 50)  # the new one may be about to be read
    assert [file.name for file in tmp_path.iterdir()] == ["new"]

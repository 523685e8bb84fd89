import io
import os
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deepjscc import images, open_image
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import write_atomically
from deepjscc.images import crop, pad_to_multiple, padded_size, read_image, to_8bit, to_float, write_image


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".tiff", ".jpg", ".jpeg"])
def test_files_round_trip(tmp_path: Path, coffee: torch.Tensor, suffix: str) -> None:
    write_image(coffee, tmp_path / f"x{suffix}")
    back = read_image(tmp_path / f"x{suffix}")
    assert back.shape == coffee.shape
    if not suffix.startswith(".jp"):
        assert torch.equal(back, coffee)
    assert (back.float() - coffee.float()).abs().mean() < 2


def _saved(tmp_path: Path, picture: Image.Image, **options: object) -> Path:
    path = tmp_path / "x.png"
    picture.save(path, **options)
    return path


def test_16_bits_are_scaled(tmp_path: Path) -> None:
    levels = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    image = read_image(_saved(tmp_path, Image.fromarray(levels)))
    assert image[:, 0].tolist() == [[0, 1, 128, 255]] * 3


def test_grey_and_palette_and_bilevel(tmp_path: Path) -> None:
    grey = Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint8))
    assert read_image(_saved(tmp_path, grey))[:, 0].tolist() == [[0, 100, 255]] * 3
    assert read_image(_saved(tmp_path, grey.convert("P")))[:, 0].tolist() == [[0, 100, 255]] * 3
    assert read_image(_saved(tmp_path, grey.convert("1"))).shape == (3, 1, 3)


def test_alpha_lies_over_white(tmp_path: Path) -> None:
    half = Image.fromarray(np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 128]]], dtype=np.uint8))
    assert read_image(_saved(tmp_path, half))[0, 0].tolist() == [255, 0, 127]
    palette = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    assert read_image(_saved(tmp_path, palette, transparency=0))[:, 0, 0].tolist() == [255] * 3


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (4, 2)).save(tmp_path / "x.jpg", exif=exif)
    assert read_image(tmp_path / "x.jpg").shape == (3, 4, 2)


def test_cmyk_and_animation(tmp_path: Path) -> None:
    Image.new("CMYK", (5, 3)).save(tmp_path / "x.jpg")
    assert read_image(tmp_path / "x.jpg").shape == (3, 3, 5)
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "x.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert read_image(tmp_path / "x.webp")[:, 0, 0].tolist() == [255, 0, 0]


def test_broken_files_are_refused_in_one_line(tmp_path: Path, coffee: torch.Tensor) -> None:
    buffer = io.BytesIO()
    Image.fromarray(coffee.permute(1, 2, 0).numpy()).save(buffer, "PNG")
    cases = {"text.png": b"not an image", "empty.png": b"", "cut.png": buffer.getvalue()[:5000]}
    buffer = io.BytesIO()
    Image.fromarray(coffee.permute(1, 2, 0).numpy()).save(buffer, "JPEG")
    cases["cut.jpg"] = buffer.getvalue()[:5000]
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DeepJSCCError, match=name):
            read_image(tmp_path / name)
    with pytest.raises(DeepJSCCError, match="no such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(DeepJSCCError, match=f"{tmp_path}: Is a directory"):
        read_image(tmp_path)


def test_bombs_are_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    with pytest.raises(DeepJSCCError, match="megapixels"):
        read_image(_saved(tmp_path, Image.new("RGB", (11, 10))))
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    (tmp_path / "bomb.png").write_bytes(header + zlib.crc32(header[12:]).to_bytes(4, "big") + b"\0\0\0\0IDAT")
    with pytest.raises(DeepJSCCError, match="megapixels"):
        read_image(tmp_path / "bomb.png")


def test_decoders_that_take_most_memory_have_bounds_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes of AVIF or JPEG2000 may hold 169 megapixels, which take gigabytes to decode."""
    monkeypatch.setattr(open_image, "MAX_PIXELS_OF", {"JPEG2000": 100, "AVIF": 200})
    for suffix, allowed in {".jp2": 100, ".avif": 200, ".png": 400}.items():
        Image.new("RGB", (20, allowed // 20)).save(tmp_path / f"small{suffix}")
        assert read_image(tmp_path / f"small{suffix}").shape[2] == 20
        Image.new("RGB", (20, allowed // 20 + 1)).save(tmp_path / f"large{suffix}")
        with pytest.raises(DeepJSCCError, match="megapixels allowed for"):
            read_image(tmp_path / f"large{suffix}", max_pixels=400)


def test_writing_is_all_or_nothing(tmp_path: Path, coffee: torch.Tensor) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"before")

    def fails(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DeepJSCCError, match="No space left"):
        write_atomically(path, fails)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(UsageError, match="suffix"):
        write_image(coffee, tmp_path / "x.nope")
    with pytest.raises(DeepJSCCError, match="does not exist"):
        write_image(coffee, tmp_path / "absent" / "x.png")


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 4, 8, 16]))
def test_padding_and_cropping_round_trip(height: int, width: int, multiple: int) -> None:
    image = torch.rand(2, 3, height, width)
    padded = pad_to_multiple(image, multiple)
    assert padded.shape[-2:] == padded_size((height, width), multiple)
    assert all(side % multiple == 0 for side in padded.shape[-2:])
    assert torch.equal(crop(padded, (height, width)), image)


def test_8_bits_round_and_clip() -> None:
    values = torch.tensor([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 1.0, 2.0])[None, None, None].expand(1, 3, 1, 6)
    assert to_8bit(values)[0, 0, 0].tolist() == [0, 0, 0, 1, 255, 255]
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 256).expand(3, 1, 256)
    assert torch.equal(to_8bit(to_float(every))[0], every)


def test_formats_that_would_not_keep_the_picture_are_refused(tmp_path: Path) -> None:
    wide = torch.zeros(3, 1, 20_000, dtype=torch.uint8)
    with pytest.raises(DeepJSCCError, match="WEBP cannot hold"):
        write_image(wide, tmp_path / "x.webp")
    for suffix in (".ico", ".gif", ".blp"):
        with pytest.raises(UsageError, match="suffix"):
            write_image(wide, tmp_path / f"x{suffix}")
    assert not list(tmp_path.iterdir())


def test_broken_files_print_nothing_beside_our_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Pillow warns through Python, libtiff past it."""
    whole = io.BytesIO()
    Image.new("RGB", (16, 16)).save(whole, "TIFF", compression="tiff_lzw", tiffinfo={65000: "x"})
    draws = np.random.default_rng(1)
    for _ in range(60):
        data = bytearray(whole.getvalue())
        for place in draws.integers(0, len(data), 3):
            data[place] = draws.integers(256)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with suppress(DeepJSCCError):
                read_image(io.BytesIO(bytes(data)))
    assert capfd.readouterr() == ("", "")


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    for path in (tmp_path / "fifo.png", Path("/dev/zero")):
        with pytest.raises(DeepJSCCError, match="not a regular file"):
            read_image(path)

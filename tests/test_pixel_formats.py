"""Depth and colour come from the file: every mode that Pillow opens, colour profiles, floats and deep integers."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, TiffImagePlugin

from deepjscc.errors import DeepJSCCError
from deepjscc.images import read_image

MODES = sorted(set(Image.MODES) | {"RGBa", "La", "I;16B"})


def _levels(path: Path) -> list[int]:
    """The first row of the first colour."""
    return read_image(path)[0, 0].tolist()


def _tiff(path: Path, values: np.ndarray, tags: dict[int, int] | None = None) -> Path:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in (tags or {}).items():
        info[tag] = value
    Image.fromarray(values).save(path, tiffinfo=info)
    return path


def test_floats_are_white_at_1_whatever_they_hold(tmp_path: Path) -> None:
    """Lanczos filters overshoot: a peak of 1.02 is clipped and moves nothing else."""
    for peak in (0.4, 1.0, 1.02, 1.9):
        values = np.array([[0, 0.25, peak]], dtype=np.float32)
        assert _levels(_tiff(tmp_path / "x.tif", values)) == [0, 64, min(255, round(255 * peak))]


@pytest.mark.parametrize(("wrong", "words"), [(np.inf, "infinite"), (np.nan, "NaN"), (255.0, "scale"), (-9.0, "scale")])
def test_floats_that_are_no_colours_are_refused(tmp_path: Path, wrong: float, words: str) -> None:
    values = np.array([[0, 0.25, wrong]], dtype=np.float32)
    with pytest.raises(DeepJSCCError, match=f"x.tif: .*{words}"):
        read_image(_tiff(tmp_path / "x.tif", values))


@pytest.mark.parametrize("maximum", [65535, 1023, 4095])
@pytest.mark.parametrize("plain", [False, True])
def test_deep_greymaps_are_scaled_by_their_header(tmp_path: Path, maximum: int, plain: bool) -> None:
    """Dark content too: the largest value is no sign of the depth."""
    values = [0, maximum // 200, maximum // 100]
    body = " ".join(map(str, values)).encode() if plain else struct.pack(">3H", *values)
    (tmp_path / "x.pgm").write_bytes(b"P%d 3 1 %d\n" % (2 if plain else 5, maximum) + body)
    assert _levels(tmp_path / "x.pgm") == [round(255 * value / maximum) for value in values]


def test_deep_tiffs_are_scaled_by_their_tags(tmp_path: Path) -> None:
    dark = np.array([[0, 257, 514]], dtype=np.uint16)
    assert _levels(_tiff(tmp_path / "x.tif", dark)) == [0, 1, 2]
    assert _levels(_tiff(tmp_path / "x.tif", dark, {262: 0})) == [255, 254, 253]  # white is zero
    with pytest.raises(DeepJSCCError, match="32-bit integers do not say"):
        read_image(_tiff(tmp_path / "x.tif", np.array([[0, 100, 200]], dtype=np.int32)))


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_pillow_becomes_rgb(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grey ramp in any mode comes back grey and rising, or is refused in one line."""
    ramp = Image.fromarray(np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(2, 0))
    if mode.startswith("I;16"):
        deep = np.asarray(ramp).astype(np.uint16) * 257
        picture = Image.frombytes(mode, ramp.size, deep.astype(">u2" if mode == "I;16B" else "<u2").tobytes())
    elif mode == "F":
        picture = Image.fromarray(np.asarray(ramp, dtype=np.float32) / 255)
    elif mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        picture = ImageCms.applyTransform(ramp.convert("RGB"), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    else:
        picture = {"La": ramp.convert("LA"), "RGBa": ramp.convert("RGBA")}.get(mode, ramp.convert("RGB"))
        picture = ramp.convert(mode) if mode in ("1", "L", "LA", "P", "PA", "I") else picture.convert(mode)
    (tmp_path / "x.png").write_bytes(b"")
    monkeypatch.setattr("deepjscc.images.Image.open", lambda source: picture)
    if mode == "I":
        with pytest.raises(DeepJSCCError, match="which value is white"):
            read_image(tmp_path / "x.png")
        return
    image = read_image(tmp_path / "x.png").int()
    assert image.shape == (3, 2, 64)
    if mode == "1":
        assert set(image.unique().tolist()) == {0, 255}
        return
    assert (image - torch.linspace(0, 255, 64).int()).abs().max() <= 3


def test_profiles_are_converted_to_srgb(tmp_path: Path, coffee: torch.Tensor) -> None:
    """Red and green primaries exchanged: the file holds green first, and the picture does not change."""
    picture = Image.fromarray(coffee[:, :60, :80].permute(1, 2, 0).numpy())
    red, green, blue = picture.split()
    swapped = Image.merge("RGB", (green, red, blue))
    for mode in ("RGB", "RGBA"):
        swapped.convert(mode).save(tmp_path / "x.png", icc_profile=_swapped_srgb())
        difference = read_image(tmp_path / "x.png").int() - coffee[:, :60, :80].int()
        assert difference.abs().max() <= 3
    picture.save(tmp_path / "x.png", icc_profile=_srgb())
    assert torch.equal(read_image(tmp_path / "x.png"), coffee[:, :60, :80])  # of sRGB itself not a level changes


def test_profiles_of_grey_and_of_ink(tmp_path: Path) -> None:
    grey = Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint8))
    grey.save(tmp_path / "x.png", icc_profile=_srgb())
    assert _levels(tmp_path / "x.png") == [0, 100, 255]
    Image.new("CMYK", (3, 3)).save(tmp_path / "x.jpg", icc_profile=_srgb())
    for name, profile in (("x.jpg", _srgb()), ("y.png", b"no profile")):
        if name == "y.png":
            grey.convert("RGB").save(tmp_path / name, icc_profile=profile)
        with pytest.raises(DeepJSCCError, match=f"{name}: its colour profile cannot be used"):
            read_image(tmp_path / name)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([np.uint8, np.uint16, np.int32, np.float32]),
    side=st.integers(1, 4),
    peak=st.floats(allow_nan=True, allow_infinity=True, width=32),
    kept=st.none() | st.integers(0, 700),
    tag=st.sampled_from([{}, {262: 0}, {339: 2}]),
)
def test_any_depth_and_profile_is_read_or_refused(
    kind: type, side: int, peak: float, kept: int | None, tag: dict[int, int]
) -> None:
    """Profiles cut anywhere, values of any size, tags that say something else: a picture or one line, never a crash."""
    with np.errstate(all="ignore"):
        values = np.full((side, side + 1), peak).astype(kind)
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for number, value in tag.items():
        info[number] = value
    file, profile = io.BytesIO(), {} if kept is None else {"icc_profile": _swapped_srgb()[:kept]}
    Image.fromarray(values).save(file, "TIFF", tiffinfo=info, **profile)
    file.seek(0)
    try:
        assert read_image(file).shape == (3, side, side + 1)
    except DeepJSCCError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _swapped_srgb() -> bytes:
    """The profile of sRGB with the places of its red and green primaries exchanged."""
    data = _srgb()
    (count,) = struct.unpack(">I", data[128:132])
    table = io.BytesIO(data[132 : 132 + 12 * count]).read().replace(b"rXYZ", b"????")
    table = table.replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    return data[:132] + table + data[132 + 12 * count :]

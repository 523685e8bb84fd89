"""HEVC, VVC and BPG: codecs that others bring, what they write, and what is said where they are missing."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from deepjscc.digital.codecs import AVIF, BPG, CODECS, HEVC, VVC, av1_stream, hevc, ycbcr
from deepjscc.errors import DeepJSCCError
from deepjscc.images import from_picture, to_picture

# A fake with libbpg's command line: a true BPG header of 14 bytes, the PNG it was given, and zeros by the QP.
BPGENC = r"""#!/bin/sh
[ $# = 7 ] && [ "$1" = -q ] && [ "$3" = -f ] && [ "$5" = -o ] || { echo "usage" >&2; exit 1; }
[ "$4" = 444 ] || [ "$4" = 420 ] || { echo "Invalid chroma format" >&2; exit 1; }
{ printf 'BPG\373\140\000\120\201\000\000\003abc'; cat "$7"; head -c $(((51 - $2) * 100)) /dev/zero; } > "$6"
"""
BPGDEC = """#!/bin/sh
[ $# = 3 ] && [ "$1" = -o ] || { echo "usage" >&2; exit 1; }
tail -c +15 "$3" > "$2"
"""


@pytest.fixture
def patch(coffee: torch.Tensor) -> torch.Tensor:
    return coffee[:, 100:148, 200:264].contiguous()


@pytest.fixture
def bpg_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("bpgenc", BPGENC), ("bpgdec", BPGDEC)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def test_planes_come_back(coffee: torch.Tensor) -> None:
    image = coffee[:, 30:61, 40:93].contiguous()
    for subsampling, bits, least_db in (("4:4:4", 8, 50), ("4:4:4", 10, 60), ("4:2:0", 8, 30), ("4:2:0", 10, 30)):
        planes = ycbcr.to_planes(to_picture(image), subsampling, bits=bits, multiple=8, smallest=16)
        assert planes[0].shape == (32, 56)
        assert planes[1].shape == ((32, 56) if subsampling == "4:4:4" else (16, 28))
        decoded = ycbcr.from_planes(planes, (31, 53), bits=bits)
        assert -10 * torch.log10(((decoded.float() - image.float()) / 255).square().mean()) > least_db


def test_planes_are_those_of_jpeg(patch: torch.Tensor) -> None:
    planes = ycbcr.to_planes(to_picture(patch), "4:4:4", bits=8, multiple=8, smallest=16)
    theirs = from_picture(to_picture(patch).convert("YCbCr"))
    for ours, plane in zip(planes, theirs, strict=True):
        assert (torch.from_numpy(ours.astype(int)) - plane.int()).abs().max() <= 1


@pytest.mark.parametrize("kind", [HEVC, VVC])
def test_levels_within_a_step_of_qp_divide_it(kind: type[HEVC | VVC], patch: torch.Tensor) -> None:
    codec, picture = kind(), to_picture(patch)
    level = len(codec.levels) // 2 // codec.STEPS * codec.STEPS
    steps = range(0, codec.STEPS + 1, 2)
    coded = [codec.compress(picture, level + step, codec.variants[0]) for step in steps]
    errors = [(codec.decode(data).float() - patch.float()).square().mean().item() for data in coded]
    assert errors[-1] == min(errors)
    assert len(set(coded)) == len(coded)  # each step is a rate point of its own
    assert len(coded[0]) < len(coded[2]) < len(coded[-1]) < 1.35 * len(coded[0])


def test_hevc_restores_the_tables_of_x265(patch: torch.Tensor) -> None:
    codec, picture = HEVC(), to_picture(patch)
    plain = codec.compress(picture, 20 * codec.STEPS, "4:2:0")
    assert codec.compress(picture, 20 * codec.STEPS - 3, "4:2:0") != plain
    assert codec.compress(picture, 20 * codec.STEPS, "4:2:0") == plain


def test_hevc_takes_the_better_of_both_chroma_formats(coffee: torch.Tensor) -> None:
    image = coffee[:, 64:192, 64:256].contiguous()
    for budget in (1500, 14_000):
        data = HEVC().encode(image, budget)
        assert data is not None
        error = (HEVC().decode(data).float() - image.float()).square().mean().item()
        for variant in HEVC.variants:
            codec = HEVC()
            codec.variants = (variant,)
            other = codec.encode(image, budget)
            assert other is not None
            assert len(other) <= budget
            assert error < 1.03 * (codec.decode(other).float() - image.float()).square().mean().item()


def test_missing_hevc_names_the_extra(patch: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    import av

    monkeypatch.setattr(av, "codecs_available", {"hevc"})
    with pytest.raises(DeepJSCCError, match=r"x265 in it.*deepjscc\[digital\]"):
        HEVC().encode(patch, 1000)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DeepJSCCError, match=r"PyAV.*deepjscc\[digital\]"):
        HEVC().encode(patch, 1000)


def test_missing_vvc_names_the_extra(patch: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import imageio_ffmpeg

    other = tmp_path / "ffmpeg"
    other.write_text("#!/bin/sh\necho ffmpeg version 1 --enable-libx264\n")
    other.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(other))
    with pytest.raises(DeepJSCCError, match=r"libvvenc.*deepjscc\[vvc\]"):
        VVC().encode(patch, 1000)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(tmp_path / "absent"))
    with pytest.raises(DeepJSCCError, match="does not run: No such file"):
        VVC().encode(patch, 1000)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(DeepJSCCError, match=r"imageio-ffmpeg: pip install 'deepjscc\[vvc\]'"):
        VVC().encode(patch, 1000)


def test_a_broken_hevc_stream_is_one_line(patch: torch.Tensor) -> None:
    data = HEVC().compress(to_picture(patch), 100, "4:4:4")
    for broken in (b"", data[:3], data[:6], data[:4] + bytes(100), data[:4] + b"\x09" + data[5:], bytes(4) + data[4:]):
        with pytest.raises(DeepJSCCError, match=r"^hevc: the stream is truncated or broken$"):
            HEVC().decode(broken)


def test_hevc_leaves_out_what_the_receiver_can_make(patch: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    codec, picture = HEVC(), to_picture(patch)
    data = {variant: codec.compress(picture, 100, variant) for variant in HEVC.variants}
    monkeypatch.setattr(hevc, "_STRIPPED_PIXELS", 0)
    for variant, stripped in data.items():
        whole = codec.compress(picture, 100, variant)
        assert len(whole) - len(stripped) > 75
        assert HEVC(container=False).counted_bytes(whole) == HEVC(container=False).counted_bytes(stripped)
        decoded = codec.decode(whole)
        with monkeypatch.context() as context:
            context.setattr(hevc, "_STRIPPED_PIXELS", 2**22)
            assert torch.equal(codec.decode(stripped), decoded)
            with pytest.raises(DeepJSCCError, match="another x265"):
                codec.decode(stripped[:5] + bytes([stripped[5] ^ 1]) + stripped[6:])


def test_avif_leaves_out_the_file_around_the_stream(patch: torch.Tensor) -> None:
    for variant in AVIF.variants:
        data = AVIF().compress(to_picture(patch), 100, variant)
        file = av1_stream.restore(data)
        assert len(file) - len(data) > 250
        assert av1_stream.extract(file, variant) == data
    for broken in (b"", data[:5], data[:4] + b"\xff" + data[5:], data[:40]):
        with pytest.raises(DeepJSCCError, match=r"^avif: the stream is truncated or broken$"):
            AVIF().decode(broken)


def test_a_broken_vvc_stream_is_one_line(patch: torch.Tensor) -> None:
    codec = VVC()
    data = codec.compress(to_picture(patch), 120, None)
    assert data[4:].startswith(b"\0\0\0\1")
    with pytest.raises(DeepJSCCError, match=r"^vvc: "):
        codec.decode(data[:60])


def test_bpg_runs_the_programs(
    coffee: torch.Tensor, bpg_programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    image = coffee[:, :128, :80].contiguous()
    codec, bare = CODECS["bpg"](), CODECS["bpg"](container=False)
    data = bare.compress(to_picture(image), 20, "444")
    assert bare.counted_bytes(data) == len(data) - 14
    assert codec.counted_bytes(data) == len(data)
    for kind, overhead in ((codec, 0), (bare, 14)):
        found = kind.encode(image, len(data) - overhead + 50)
        assert found == data
        assert kind.encode(image, len(data) - overhead - 1) == bare.compress(to_picture(image), 19, "444")
        assert torch.equal(kind.decode(data), image)
        assert kind.encode(image, 1000) is None
    assert not list(temporary.iterdir())


def test_bpg_says_what_is_wrong(patch: torch.Tensor, bpg_programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeepJSCCError, match=r"^bpg: bpgenc failed: Invalid chroma format$"):
        BPG().compress(to_picture(patch), 3, "422")
    (bpg_programs / "bpgenc").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(DeepJSCCError, match=r"^bpg: bpgenc wrote no file$"):
        BPG().encode(patch, 1000)
    for data, words in ((b"PNG", "not a BPG"), (b"BPG\xfb\x60\x00\x81", "truncated")):
        with pytest.raises(DeepJSCCError, match=words):
            BPG(container=False).payload_bytes(data)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DeepJSCCError, match="bpgenc on the PATH: install libbpg"):
        BPG().encode(patch, 1000)


def test_bpg_extensions_and_lengths_do_not_count() -> None:
    header = b"BPG\xfb\x60\x08\x50\x81\x00"  # 80x128, extensions
    data = header + b"\x08" + b"\x02xx" + b"\x03abc" + b"data" + b"after it"
    assert BPG(container=False).payload_bytes(data) == 4

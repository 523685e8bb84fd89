"""The coarse picture: within its bytes at every size, better with more of them, and close to what theory allows."""

import contextlib

import pytest
import torch

from deepjscc.digital.codecs.coarse import decode_coarse, encode_coarse
from deepjscc.digital.codecs.thumbnail import encode_thumbnails
from deepjscc.errors import DeepJSCCError
from deepjscc.images import to_8bit, to_picture


def _psnr(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return -10 * torch.log10(((ours.float() - theirs.float()) / 255).square().mean()).item()


def test_more_bytes_are_better_and_all_fit(coffee: torch.Tensor) -> None:
    quality = []
    for budget in (4, 60, 300, 1000):
        data = encode_coarse(coffee, budget)
        assert data is not None
        assert len(data) <= budget
        assert len(data) > 0.8 * budget
        quality.append(_psnr(decode_coarse(data, tuple(coffee.shape[1:])), coffee))
    assert quality == sorted(quality)
    assert quality[-1] > quality[0] + 6


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 2), (200, 1), (40, 60), (129, 257)])
def test_every_size_at_every_budget(size: tuple[int, int]) -> None:
    image = to_8bit(torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)))[0]
    for budget in (4, 7, 20, 300):
        data = encode_coarse(image, budget)
        assert data is not None
        assert len(data) <= budget
        assert decode_coarse(data, size).shape == image.shape
    assert encode_coarse(image, 3) is None


def test_a_constant_picture_takes_four_bytes_and_is_exact() -> None:
    image = torch.tensor([7, 130, 255], dtype=torch.uint8)[:, None, None].expand(3, 20, 30)
    data = encode_coarse(image, 500)
    assert data is not None
    assert len(data) == 4
    assert torch.equal(decode_coarse(data, (20, 30)), image)


def test_a_smooth_picture_is_nearly_exact() -> None:
    """A cosine over the whole width is one coefficient: a few bytes must do what blocks or wavelets cannot."""
    wave = 128 + 80 * torch.cos(torch.pi * (torch.arange(96) + 0.5) * 3 / 96)
    image = wave.round().to(torch.uint8).expand(3, 64, 96)
    data = encode_coarse(image, 30)
    assert data is not None
    assert _psnr(decode_coarse(data, (64, 96)), image) > 40


def test_broken_data_is_one_line() -> None:
    for data in (b"", b"abc", b"abcdef"):
        with pytest.raises(DeepJSCCError, match=r"^coarse picture: the data is truncated"):
            decode_coarse(data, (40, 40))
    for seed in range(30):
        noise = bytes(torch.randint(0, 256, (40,), generator=torch.Generator().manual_seed(seed)).tolist())
        with contextlib.suppress(DeepJSCCError):  # noise may be a picture; nothing but this error is raised
            assert decode_coarse(noise, (40, 40)).shape == (3, 40, 40)


def test_a_small_picture_that_claims_to_be_huge_is_refused() -> None:
    small = [data for data in encode_thumbnails(to_picture(torch.zeros(3, 64, 64, dtype=torch.uint8)), 400) if data]
    forged = bytearray(b"\xff" + small[0])
    place = forged.index(b"\x9d\x01\x2a") + 3  # the start code of a VP8 key frame; its sides follow
    forged[place : place + 4] = b"\xff\x3f\xff\x3f"
    with pytest.raises(DeepJSCCError, match="broken"):
        decode_coarse(bytes(forged), (64, 64))

"""Pictures so small that side information eats the budget: never worse than their mean colour."""

import pytest
import torch

from deepjscc.channels import AWGN
from deepjscc.images import to_8bit
from deepjscc.metrics import mse, psnr
from deepjscc.models.block_code.header import MeanColour
from deepjscc.systems import Link
from deepjscc.types import Images, LinkPlan
from deepjscc.zoo import load

DRAWS = 8  # of the noise
SNR_DB = (-10.0, 0.0, 10.0, 30.0)


def _by_mean_colour(images: Images) -> Images:
    return images.mean((2, 3), keepdim=True).expand_as(images)


@torch.no_grad()
@pytest.mark.parametrize("name", ["linear", "universal-s"])
@pytest.mark.parametrize("side", [8, 16, 23])
def test_never_worse_than_the_mean_colour(name: str, side: int, coffee: torch.Tensor) -> None:
    """The mean squared error, over draws of the noise, of a part of a photograph with an edge in it."""
    one = coffee[None, :, 200 : 200 + side, 330 : 330 + side].float() / 255
    images, model = one.expand(DRAWS * len(SNR_DB), -1, -1, -1), load(name)
    colour = mse(one, _by_mean_colour(one)).item()
    for ratio in (1 / 24, 1 / 6):
        link, draws = Link(model, AWGN(), bandwidth_ratio=ratio), torch.Generator().manual_seed(1)
        sent = link.transmit(images, torch.tensor(SNR_DB).repeat(DRAWS), generator=draws)
        error = mse(images, sent.images).view(DRAWS, -1).mean(0)
        assert error.max().item() < 1.1 * colour + 1e-4, (ratio, error.tolist())


@torch.no_grad()
def test_a_short_header_leaves_room_for_the_picture(coffee: torch.Tensor) -> None:
    """16x16 at 10 dB and ratio 1/6: 24 of 128 uses are the header, where 192 left one symbol (6.7 dB)."""
    images = coffee[None, :, 200:216, 330:346].float() / 255
    link = Link(load("universal-s"), AWGN(), bandwidth_ratio=1 / 6)
    sent = link.transmit(images, torch.tensor([10.0]), generator=torch.Generator().manual_seed(0))
    assert sent.channel_uses.tolist() == [128]
    assert psnr(images, sent.images) > psnr(images, _by_mean_colour(images)) + 3


@torch.no_grad()
def test_the_mean_colour_goes_alone_where_nothing_else_fits(coffee: torch.Tensor) -> None:
    """One symbol is left beside a header that lasts at -10 dB; pictures of a batch choose each for themselves."""
    images = torch.stack([coffee[:, 200:208, 330:338]] * 2).float() / 255
    believed, link = torch.tensor([-10.0, 30.0]), Link(load("linear"), AWGN(), bandwidth_ratio=1 / 2)
    encoded = load("linear").encode(images, LinkPlan(believed, 1 / 2))
    assert MeanColour.unpack(encoded.digital[0][0].data) is not None
    assert MeanColour.unpack(encoded.digital[1][0].data) is None
    assert encoded.uses() == (193, 96)
    decoded = link.transmit(images, believed, generator=torch.Generator().manual_seed(0)).images
    colour = _by_mean_colour(images)[0]
    assert (decoded[0] - colour).abs().max() < 1 / 120
    assert psnr(images[1:], decoded[1:]).item() > 25
    assert to_8bit(decoded).shape == (2, 3, 8, 8)


@torch.no_grad()
def test_the_choice_does_not_depend_on_the_batch(coffee: torch.Tensor) -> None:
    images = torch.stack([coffee[:, 200:212, 330 + 20 * k : 342 + 20 * k] for k in range(4)]).float() / 255
    believed, model = torch.tensor([-4.0, 0.0, 3.0, 12.0]), load("linear")
    together = model.encode(images, LinkPlan(believed, 1 / 6))
    for index in range(4):
        one = slice(index, index + 1)
        alone = model.encode(images[one], LinkPlan(believed[one], 1 / 6))
        assert alone.digital[0] == together.digital[index]
        assert alone.counts[0] == together.counts[index]

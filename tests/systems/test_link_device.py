"""Networks on a device of their own: what is moved there and back, by a model that notes where its arguments are.

The device is ``meta``, which needs no hardware; nothing is computed on it.
"""

import torch
from PIL import Image
from torch import nn

from deepjscc.channels import AWGN
from deepjscc.seeds import generator
from deepjscc.systems import Link
from deepjscc.systems.names import make_system
from deepjscc.systems.placement import on_device
from deepjscc.systems.tiles import transmit_tiles
from deepjscc.types import Decoded, Encoded, Images, LinkPlan, Received, Size


class Noting(nn.Module):
    """Sends grey; its one weight says where it is, and it keeps the devices of what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.devices: set[str] = set()
        self.received: list[torch.Tensor] = []

    def encode(self, images: Images, plan: LinkPlan) -> Encoded:
        self.devices |= {str(images.device), str(plan.design_snr_db.device)}
        return Encoded(torch.ones(len(images), 4, dtype=torch.complex64), ((),) * len(images))

    def receive(self, received: Received, size: Size) -> Decoded:
        tensors = (received.symbols, received.noise_variance, received.snr_db)
        self.devices |= {str(tensor.device) for tensor in tensors}
        return Decoded(torch.full((len(received.symbols), 3, *size), 0.5))


def test_encoder_and_decoder_work_where_their_weights_are() -> None:
    images, snr_db = torch.rand(2, 3, 8, 8), torch.zeros(2)
    link = Link(Noting(), AWGN())
    link.transmit(images, snr_db, generator=generator(0))
    assert link.transmitter.devices == {"cpu"}
    link = Link(Noting(), AWGN()).to("meta")
    sent = link.transmit(images, snr_db, generator=generator(0))
    assert link.transmitter.devices == {"meta"}
    assert sent.images.device == sent.delivered.device == torch.device("cpu")


def test_tiles_work_there_too() -> None:
    link = Link(Noting(), AWGN()).to("meta")
    sent = transmit_tiles(link, Image.new("RGB", (32, 32)), torch.zeros(1), generator=generator(0))
    assert link.transmitter.devices == {"meta"}
    assert sent.picture.getpixel((3, 3)) == (128, 128, 128)


def test_draws_do_not_depend_on_the_device() -> None:
    """The generator is one of the CPU and has drawn as much, whatever the networks' device."""
    states = []
    for device in ("cpu", "meta"):
        link, draws = Link(Noting(), AWGN()).to(device), generator(3)
        link.transmit(torch.rand(1, 3, 8, 8), torch.zeros(1), generator=draws)
        states.append(draws.get_state())
    assert torch.equal(*states)


def test_a_named_system_moves_its_networks_alone(monkeypatch) -> None:
    monkeypatch.setattr("deepjscc.systems.placement.parse_device", lambda name: torch.device(name))
    learned = on_device(make_system("linear", AWGN(), bandwidth_ratio=1 / 8), "meta").system
    assert learned.device == torch.device("meta")
    digital = on_device(make_system("jpeg+ideal", AWGN(), bandwidth_ratio=1 / 2), "meta").system
    assert digital.device == torch.device("cpu")
    sent = digital.transmit(torch.rand(1, 3, 32, 32), torch.tensor([20.0]))
    assert sent.images.device == torch.device("cpu")

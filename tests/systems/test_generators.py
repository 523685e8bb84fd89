"""One generator an image: what comes of an image does not depend on its batch, over every channel and system."""

import pytest
import torch

from deepjscc.channels import make_channel
from deepjscc.images import to_float
from deepjscc.seeds import generator
from deepjscc.systems.names import make_system

CHANNELS = [
    {"name": "awgn"},
    {"name": "rayleigh", "coherence": "image", "csi": "receiver"},
    {"name": "rayleigh", "coherence": "symbol", "csi": "receiver"},
    {"name": "rayleigh", "coherence": "image", "csi": "none"},
    {"name": "tdl-a"},
]


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: "-".join(channel.values()))
@pytest.mark.parametrize("name", ["linear", "cnn-c8-awgn-10db", "multiple-decoders-l2-awgn-13db", "webp+ideal"])
def test_the_batch_changes_nothing(name: str, channel: dict[str, str], coffee: torch.Tensor) -> None:
    # A busy crop and a smooth one: codes of variable length send unlike numbers of symbols of them.
    images = to_float(torch.stack([coffee[:, 100:164, 200:264], coffee[:, :64, :64], coffee[:, 300:364, 500:564]]))
    medium = make_channel(**channel)
    ratio = 1 / 6 if name in ("linear", "webp+ideal") else None
    system = make_system(name, medium, bandwidth_ratio=ratio).system
    snr_db = torch.tensor([3.0, 10.0, 20.0])
    together = system.transmit(images, snr_db, generator=[generator("draw", i) for i in range(3)])
    for i in range(3):
        alone = system.transmit(images[i : i + 1], snr_db[i : i + 1], generator=generator("draw", i))
        torch.testing.assert_close(together.images[i], alone.images[0], atol=2e-5, rtol=0)
        assert together.channel_uses[i] == alone.channel_uses[0]
        assert together.delivered[i] == alone.delivered[0]

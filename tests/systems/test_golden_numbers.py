"""Golden numbers: PSNR and channel uses of every kind of system, in a bare clone, within 0.01 dB."""

import json
from pathlib import Path

import pytest
import torch

from deepjscc.channels import make_channel
from deepjscc.images import to_float
from deepjscc.metrics import psnr
from deepjscc.systems.names import make_system

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())
CHANNELS = {
    "awgn": {"name": "awgn"},
    "slow": {"name": "rayleigh", "coherence": "image"},
    "fast-no-csi": {"name": "rayleigh", "coherence": "symbol", "csi": "none"},
}


@pytest.mark.parametrize("case", GOLDEN)
def test_numbers_do_not_move(case: str, coffee: torch.Tensor) -> None:
    """Two crops, planned for 5 and 10 dB, over 4 and 12 dB."""
    name, channel = case.split("/")
    images = to_float(torch.stack([coffee[:, 100:228, 200:328], coffee[:, 200:328, 60:188]]))
    expected = GOLDEN[case]
    system = make_system(name, make_channel(**CHANNELS[channel]), bandwidth_ratio=expected["ratio"]).system
    with torch.no_grad():
        sent = system.transmit(
            images,
            torch.tensor([4.0, 12.0]),
            encoder_snr_db=torch.tensor([5.0, 10.0]),
            generator=torch.Generator().manual_seed(1),
        )
    assert psnr(images, sent.images).tolist() == pytest.approx(expected["psnr"], abs=0.01)
    assert sent.channel_uses.tolist() == expected["uses"]
    assert sent.delivered.tolist() == expected["delivered"]

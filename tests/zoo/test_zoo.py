"""Every card is true: the weights are there, whole, load, and do what the card says."""

from pathlib import Path

import pytest
import torch

from deepjscc import zoo
from deepjscc.channels import AWGN
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models import MODELS
from deepjscc.models.diffusion import Diffusion
from deepjscc.models.residual_code import ResidualCode
from deepjscc.systems import Link


@pytest.mark.parametrize("name", zoo.cards())
def test_every_card_has_its_weights(name: str) -> None:
    card = zoo.cards()[name]
    assert card.model in (*MODELS, Diffusion.kind, ResidualCode.kind)
    assert card.licence
    assert card.data
    assert card.training
    assert {"command", "data_set", "psnr"} <= set(card.measured)
    images, snr_db = torch.rand(2, 3, 32, 32), torch.tensor([10.0, 10.0])
    if card.model == Diffusion.kind:
        refiner = zoo.load_refiner(name)
        assert set(refiner.refines.values()) <= {zoo.weights_hash(link) for link in zoo.cards()}
        assert refiner.refine(images, snr_db, 1).isfinite().all()
    elif card.model == ResidualCode.kind:
        base = torch.zeros(3, 32, 32, dtype=torch.uint8)
        assert zoo.load_residual_code(name).describe(images[0], base).side_info
    else:
        model = zoo.load(name)
        assert model.kind == card.model
        assert Link(model, AWGN()).transmit(images, snr_db).images.isfinite().all()


def test_every_weight_has_its_card() -> None:
    weights = {path.stem for path in (Path(zoo.__file__).parent / "weights").glob("*.safetensors")}
    assert weights == set(zoo.cards())


def test_data_with_strings_attached_are_labelled() -> None:
    for card in zoo.cards().values():
        if "BSDS" in card.data or "KITTI" in card.data:
            assert "non-commercial" in card.licence.lower() or "NC" in card.licence


def test_unknown_and_damaged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown model .nothing.; `deepjscc models` lists all"):
        zoo.load("nothing")
    (tmp_path / "weights").mkdir()
    monkeypatch.setattr(zoo, "_HERE", tmp_path)
    with pytest.raises(DeepJSCCError, match="not in this installation"):
        zoo.load("linear")
    (tmp_path / "weights" / "linear.safetensors").write_bytes(b"damaged")
    with pytest.raises(DeepJSCCError, match="damaged"):
        zoo.load("linear")

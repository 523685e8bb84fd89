"""Exported graphs: they compute what the model does, at any size, and what cannot be exported says so."""

import contextlib
import io
import json
import runpy
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import nn

from deepjscc.cli import main
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.export import write
from deepjscc.export.graphs import Graph, Port
from deepjscc.export.model_graphs import graphs_of
from deepjscc.export.verify import largest_differences
from deepjscc.images import read_image
from deepjscc.models import (
    JSCC,
    MODELS,
    Adaptive,
    BlockCode,
    Cnn,
    Distributed,
    Linear,
    MultipleDecoders,
    SingleDecoder,
    Universal,
    Unrolled,
)
from deepjscc.models.block_code.allocation import allocate
from deepjscc.models.checkpoint import save_checkpoint
from deepjscc.radio.iq_file import read_frame
from deepjscc.radio.split import decode_image, encode_image
from deepjscc.types import Images

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("openvino")

from deepjscc.export.onnx_file import save_onnx
from deepjscc.export.openvino_file import Arrays, runner, save_openvino

NETWORKS = {
    "cnn": lambda: Cnn(filters=3),
    "dense": lambda: Cnn(filters=2, dense_reals=5),
    "adaptive": lambda: Adaptive(width=2, latent=4, conditioning="film"),
    "unrolled": lambda: Unrolled(channels=2, width=2, steps=2),
    "multiple_decoders": lambda: MultipleDecoders(stages=2, filters=1),
    "single_decoder": lambda: SingleDecoder(stages=3, filters=1),
    "distributed": lambda: Distributed(filters=1, width=6),
    "linear": lambda: Linear(block=8, classes=2),
    "universal": lambda: Universal(width=4, encoder_depth=1, decoder_depth=1, clean_width=2, classes=2),
}


def awake(model: JSCC) -> JSCC:
    """The model with what begins at zero drawn, so that every branch counts."""
    draws = torch.Generator().manual_seed(1)
    if isinstance(model, BlockCode):  # coefficients weaker and weaker, and no two alike
        model.deviation.mul_(torch.linspace(1, 0.1, len(model.mean)))
        model.deviation[0] *= 0.7
    for weight in model.parameters():
        if not weight.detach().any():
            weight.data = 0.1 * torch.randn(weight.shape, generator=draws)
    return model.eval()


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No checks of types: a tracer's lengths are no ints."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@dataclass(frozen=True)
class Exported:
    """A small model, where its files are, and what the command said of it."""

    checkpoint: Path
    folder: Path
    manifest: dict[str, Any]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    place = tmp_path_factory.mktemp("export")
    path, folder = place / "mine.safetensors", place / "deep" / "camera"
    torch.manual_seed(0)
    save_checkpoint(awake(Cnn(filters=3)), path)
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        main(["export", str(path), "-o", str(folder), "--format", "onnx", "--format", "openvino", "--json"])
    return Exported(path, folder, json.loads(printed.getvalue()))


def test_command(exported: Exported) -> None:
    manifest, folder = exported.manifest, exported.folder
    assert json.loads((folder / "model.json").read_text()) == manifest
    assert list(manifest["graphs"]) == ["encoder", "decoder"]
    written = set()
    for graph in manifest["graphs"].values():
        assert set(graph["files"]) == {"onnx", "openvino"}
        for file in graph["files"].values():
            assert file["largest_difference"] < 1e-4
            assert file["bytes"] == sum((folder / name).stat().st_size for name in file["names"])
            written |= set(file["names"])
        assert "snr_db" not in [port["name"] for port in graph["inputs"]]  # a cnn is not told
    assert {path.name for path in folder.iterdir()} == written | {"model.json"}
    assert [path.name for path in folder.parent.iterdir()] == ["camera"]
    assert str(Path(__file__).parents[2]).encode() not in (folder / "encoder.onnx").read_bytes()  # no places from here
    assert manifest["licence"] is None
    assert manifest["bandwidth_ratio"] == pytest.approx(1 / 32)
    assert manifest["framing"]["deepjscc:frame"]["weights_hash"] == manifest["weights_sha256"][:12]


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("kind", NETWORKS)
def test_files_compute_what_the_model_does(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    path, folder = tmp_path / "mine.safetensors", tmp_path / "out"
    save_checkpoint(awake(NETWORKS[kind]()), path)
    manifest = write.export_model(str(path), folder, ("openvino",))
    decoders = ["decoder-stage1", "decoder-stage2"] if kind == "multiple_decoders" else ["decoder"]
    assert list(manifest["graphs"]) == ["encoder", *decoders]
    for graph in manifest["graphs"].values():
        assert graph["files"]["openvino"]["largest_difference"] < 1e-4
    names = [port["name"] for port in manifest["graphs"]["encoder"]["inputs"]]
    assert ("snr_db" in names) == (kind in ("adaptive", "unrolled", "distributed", "linear", "universal"))
    assert not list(folder.glob("*.onnx"))


class Allocating(nn.Module):
    """The allocation that every block code has inside, `universal-s`, the default model, among them."""

    variances: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("variances", torch.linspace(1, 0.1, 24).reshape(2, 12) ** 2)

    def forward(self, classes: torch.Tensor, reals: torch.Tensor) -> torch.Tensor:
        return allocate(classes, self.variances, reals, torch.full((classes.shape[0],), 0.1)).scale


@pytest.mark.usefixtures("unchecked")
def test_the_allocation_of_block_codes_is_an_onnx_graph(tmp_path: Path) -> None:
    """The small form of the slow test above, whose other parts are operators of every network."""
    classes, reals = torch.tensor([[0, 1, 1, 0, 1, 0], [1, 1, 0, 0, 0, 1]]), torch.tensor([40, 30])
    ports = (Port("classes", ("batch", "blocks"), "", classes), Port("reals", ("batch",), "", reals))
    graph = Graph("encoder", Allocating(), ports, (Port("scale", (), ""),))
    assert save_onnx(graph, tmp_path / "allocation.onnx", "linear") == ["classes", "reals"]
    made = runner(tmp_path / "allocation.onnx", "linear")({"classes": classes.numpy(), "reals": reals.numpy()})
    np.testing.assert_allclose(made["scale"], Allocating()(classes, reals).numpy(), atol=1e-5)


@pytest.mark.parametrize("kind", NETWORKS)
def test_graphs_are_the_model(kind: str) -> None:
    """Before any tracing: sizes that need padding, odd numbers of reals, stages, pairs, headers."""
    torch.manual_seed(0)
    model = awake(NETWORKS[kind]())

    def as_file(graph: Graph) -> Callable[[Arrays], Arrays]:
        def run(arrays: Arrays) -> Arrays:
            inputs = {name: torch.from_numpy(values) for name, values in arrays.items()}
            if "size" in inputs:
                inputs["size"] = torch.zeros(*arrays["size"], dtype=torch.bool)
            made = graph.network(*(inputs[port.name] for port in graph.inputs))
            made = made if isinstance(made, tuple) else (made,)
            return {port.name: value.numpy() for port, value in zip(graph.outputs, made, strict=True)}

        return run

    graphs = graphs_of(model, kind)
    differences = largest_differences(model, graphs, {graph.name: as_file(graph) for graph in graphs})
    assert max(differences.values()) < 2e-5
    assert next(iter(differences)) == "encoder"


def test_every_kind_is_exported_or_refused() -> None:
    for kind, model in MODELS.items():
        try:
            assert graphs_of(model(), kind)[0].name == "encoder"
        except UsageError as error:
            assert "cannot be exported" in str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize(
    ("name", "why"), [("residual-l2-awgn-13db", "simulates receptions"), ("unrolled-linear", "differs from the model")]
)
def test_what_cannot_be_exported_is_one_line(
    name: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["export", name, "-o", str(tmp_path / "out")])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_extra_is_one_line(exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(DeepJSCCError, match=r"exporting needs openvino: pip install 'deepjscc\[export\]'"):
        write.export_model(str(exported.checkpoint), tmp_path / "out")


def test_nothing_is_left_of_what_fails(exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: Graph, path: Path, model: str) -> list[str]:
        path.write_bytes(b"not a graph")
        return ["images"]

    def swapped(graph: Graph, path: Path, model: str) -> list[str]:
        shutil.copy(exported.folder / path.name, path)
        return [port["name"] for port in exported.manifest["graphs"][graph.name]["inputs"]]

    name = str(exported.checkpoint)
    monkeypatch.setattr("deepjscc.export.onnx_file.save_onnx", broken)
    with pytest.raises(DeepJSCCError, match=r"OpenVINO cannot run encoder\.onnx"):
        write.export_model(name, tmp_path / "out")
    monkeypatch.setattr("deepjscc.export.onnx_file.save_onnx", swapped)
    monkeypatch.setattr("deepjscc.export.verify.TOLERANCE", 1e-12)
    with pytest.raises(DeepJSCCError, match=r"differs from the model by .* nothing was written"):
        write.export_model(name, tmp_path / "out")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(DeepJSCCError, match="cannot be written"):
        write.export_model(name, tmp_path / "file" / "out")


class Strange(nn.Module):
    """An operator that ONNX has no form of."""

    def forward(self, images: Images) -> Images:
        return torch.special.bessel_j0(images)


@pytest.mark.usefixtures("unchecked")
def test_an_operator_that_a_format_does_not_have_is_named(tmp_path: Path) -> None:
    port = Port("images", ("batch", 3, 4, 4), "RGB", torch.rand(2, 3, 4, 4))
    graph = Graph("encoder", Strange(), (port,), (Port("symbols", (), ""),))
    with pytest.raises(DeepJSCCError, match=r"mine: its encoder is no ONNX graph: there is no operator .*bessel_j0"):
        save_onnx(graph, tmp_path / "encoder.onnx", "mine")
    import onnx
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in "xy"]
    made = helper.make_graph([helper.make_node("Det", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "det.onnx")
    for load in (save_openvino, lambda path, _, model: runner(path, model)):
        with pytest.raises(DeepJSCCError, match=r"mine: .*det.* OpenVINO has no operator Det"):
            load(tmp_path / "det.onnx", tmp_path / "det.xml", "mine")
    assert not (tmp_path / "det.xml").exists()


def test_recording_of_an_exported_encoder_decodes(exported: Exported, picture: Path, tmp_path: Path) -> None:
    """The camera's part of the example: what it writes is what `deepjscc encode` would have."""
    camera = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "exported_encoder.py"))
    camera["send"](exported.folder, picture, tmp_path / "sent")
    encode_image(read_image(picture), str(exported.checkpoint), tmp_path / "ours", 10.0, None)
    (theirs, sent), (ours, expected) = read_frame(tmp_path / "sent"), read_frame(tmp_path / "ours")
    assert theirs == ours
    np.testing.assert_allclose(sent.symbols.numpy(), expected.symbols.numpy(), atol=1e-4)
    own = str(exported.checkpoint)
    one, two = (decode_image([tmp_path / name], own)[0].float() for name in ("sent", "ours"))
    assert (one - two).abs().max() <= 1  # rounding to 8 bits may fall to either side


def test_a_hybrid_is_no_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "hevc+ldpc-fine+hybrid", "-o", str(tmp_path / "out")])
    assert "export universal-s or linear" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

"""Devices by name."""

import pytest
import torch

from deepjscc.cli import main
from deepjscc.devices import parse_device
from deepjscc.errors import DeepJSCCError, UsageError


def test_the_cpu_is_always_there() -> None:
    assert parse_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:1", "mps:0", "", "meta"])
def test_unknown_names_are_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="there are cpu, cuda, cuda:1"):
        parse_device(text)


def test_a_gpu_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeepJSCCError, match="--device cuda: torch finds no GPU"):
        parse_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert parse_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(DeepJSCCError, match="--device cuda:2: there are 2 GPUs"):
        parse_device("cuda:2")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeepJSCCError, match="--device mps: "):
        parse_device("mps")


COMMANDS = (
    ["send", "sample:coffee", "-o", "{}/out.png", "--model", "linear"],
    ["evaluate", "--system", "linear", "--data", "samples", "-o", "{}/out.parquet"],
    ["bulk", "transmit", "{}/pictures", "-o", "{}/out", "--system", "linear"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_commands_name_a_missing_device_in_one_line(
    command: list[str], tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        main([*(part.format(tmp_path) for part in command), "--device", "cuda:1"])
    assert ended.value.code == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert "--device cuda:1: torch finds no GPU here" in error

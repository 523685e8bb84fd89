"""Extensions: channels, models and metrics of a user's file, their parameters, and errors that show the user's code."""

import json
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
import torch

from deepjscc import extensions
from deepjscc.channels import Rician, make_channel
from deepjscc.cli import main
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.extensions import ExtensionError, Reference, build, load_object, parse_reference
from deepjscc.models.checkpoint import load_checkpoint
from deepjscc.training.build import find_model

EXAMPLE = Path(__file__).parents[1] / "examples" / "own_channel.py"

BROKEN = """
from deepjscc.channels import Channel

class Late(Channel):
    def draw_gain(self, batch, uses, generator=None):
        return gains(batch)

class Early(Channel):
    def __init__(self):
        raise ValueError("m must be positive")
"""


@pytest.fixture
def broken(tmp_path: Path) -> str:
    (tmp_path / "broken.py").write_text(BROKEN)
    return str(tmp_path / "broken.py")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("awgn", Reference("awgn")),
        ("nakagami:m=2", Reference("nakagami", {"m": 2})),
        ("x:a=0.5,b=none,c=true,d=-3", Reference("x", {"a": 0.5, "b": "none", "c": True, "d": -3})),
        ("dir/mine.py:Net", Reference("dir/mine.py:Net")),
        ("C:\\a\\mine.py:Net:m=2", Reference("C:\\a\\mine.py:Net", {"m": 2})),
    ],
)
def test_references(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize("text", ["x:m", "x:m=1,m=2", "x:2=m"])
def test_references_that_cannot_be(text: str) -> None:
    with pytest.raises(UsageError, match="parameter"):
        parse_reference(text)


def test_a_channel_of_a_file_with_its_parameter() -> None:
    channel = make_channel(f"{EXAMPLE}:Nakagami:m=3")
    assert type(channel).__name__ == "Nakagami"
    gains = channel.draw_gain(20_000, 1, torch.Generator().manual_seed(0)).abs().square()
    assert gains.var().item() == pytest.approx(1 / 3, rel=0.05)  # |h|^2 ~ Gamma(m, 1/m)


def test_a_channel_by_name_with_its_parameter() -> None:
    channel = make_channel("rician:k_factor_db=3", csi="none")
    assert isinstance(channel, Rician)
    assert channel.csi == "none"
    with pytest.raises(UsageError, match="k_factor_db is given twice"):
        make_channel("rician:k_factor_db=3", k_factor_db=4.0)
    with pytest.raises(UsageError, match="does not take m"):
        make_channel("awgn:m=3")


def test_a_file_is_run_once() -> None:
    assert load_object(f"{EXAMPLE}:Nakagami", "channel") is load_object(f"{EXAMPLE}:Nakagami", "channel")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="no such file, from which the channel Nakagami"):
        load_object(str(tmp_path / "no.py:Nakagami"), "channel")
    with pytest.raises(UsageError, match="has no channel Rice; it has"):
        load_object(f"{EXAMPLE}:Rice", "channel")
    with pytest.raises(UsageError, match="its parameters are: m"):
        make_channel(f"{EXAMPLE}:Nakagami:k=3")


def test_a_file_that_raises(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("a = 1\nb = a / 0\n")
    with pytest.raises(ExtensionError, match=r"bad\.py, line 2, in <module>: ZeroDivisionError") as caught:
        load_object(f"{path}:b", "channel")
    assert "b = a / 0" in caught.value.user_traceback
    assert "extensions.py" not in caught.value.user_traceback
    path.write_text("def f(:\n")
    with pytest.raises(ExtensionError, match=r"bad\.py, line 1: SyntaxError"):
        load_object(f"{path}:f", "channel")


def test_a_constructor_that_raises(broken: str) -> None:
    with pytest.raises(ExtensionError, match="in __init__: ValueError: m must be positive"):
        make_channel(f"{broken}:Early")


def test_an_error_while_sending_shows_the_users_lines(
    broken: str, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["send", str(picture), "-o", str(tmp_path / "o.png"), "--model", "linear"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--channel", f"{broken}:Late"])
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert "return gains(batch)" in message
    assert "link.py" not in message
    assert message.splitlines()[-1].startswith("deepjscc: an error in your code: ")
    assert "NameError: name 'gains' is not defined" in message.splitlines()[-1]


def test_errors_elsewhere_are_not_framed() -> None:
    with pytest.raises(UsageError) as caught:
        make_channel("awgn:m=3")
    assert extensions.frame_error(caught.value) is None


def test_installed_packages_offer_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name="mine", value="deepjscc.channels:Rician", group="deepjscc.channels")
    monkeypatch.setattr(extensions, "entry_points", lambda **keys: EntryPoints([point]).select(**keys))
    assert isinstance(make_channel("mine:k_factor_db=1"), Rician)
    with pytest.raises(UsageError, match=r"unknown channel 'other'.*mine"):
        make_channel("other")


def test_evaluate_over_a_users_channel_again_only_when_the_file_changed(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(EXAMPLE.read_text())
    arguments = ["evaluate", "--system", "linear", "--data", str(picture), "--snr-db", "5", "--channel"]
    arguments += [f"{mine}:Nakagami:m=2", "-o", str(tmp_path / "r.parquet"), "--json"]
    found = []
    for change in ("", "", "\n# changed\n"):
        mine.write_text(mine.read_text() + change)
        main(arguments)
        found.append(json.loads(capsys.readouterr().out)[0]["seconds"])
    assert found[0] == found[1] != found[2]


NET = """
from deepjscc.models import Cnn

class Net(Cnn):
    kind = "net-of-mine"

def no_model():
    pass
"""


def test_a_model_of_a_file_is_trained_and_loaded_again(
    fake_cifar10: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_text(NET)
    name = f"{tmp_path / 'net.py'}:Net"
    recipe = f'[model]\nname = "{name}"\nconfig = {{ filters = 4 }}\n[data]\ntrain = "cifar10-train"\n'
    (tmp_path / "r.toml").write_text(recipe + '[optimiser]\nbatch = 50\nepochs = 1\nprecision = "fp32"\n')
    main(["train", str(tmp_path / "r.toml"), "-o", str(tmp_path / "w.safetensors")])
    with pytest.raises(DeepJSCCError, match="net-of-mine"):
        load_checkpoint(tmp_path / "w.safetensors")
    model = load_checkpoint(tmp_path / "w.safetensors", load_object(name, "model"))
    assert type(model).__name__ == "Net"
    with pytest.raises(UsageError, match="must be a subclass"):
        find_model(f"{tmp_path / 'net.py'}:no_model")
    with pytest.raises(UsageError, match=r"unknown model 'nothing'.*mine\.py:Net"):
        find_model("nothing")


def test_a_metric_of_a_file(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metric.py").write_text("def largest(images, decoded):\n    return (images - decoded).abs().amax()\n")
    main(["quality", str(picture), str(picture), "--metric", f"{tmp_path / 'metric.py'}:largest", "--json"])
    assert json.loads(capsys.readouterr().out)["largest"] == 0


def test_parameters_are_bound_before_the_call() -> None:
    assert build(lambda a, b=2: a + b, {"a": 1}, "f", "metric") == 3
    with pytest.raises(UsageError, match="missing a required argument"):
        build(lambda a: a, {}, "f", "metric")

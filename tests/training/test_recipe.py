"""Recipes are typed: a wrong key or value is named."""

import os
from pathlib import Path

import pytest

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.training.build import build_link
from deepjscc.training.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
GOOD = """
[model]
name = "cnn"
config = { filters = 4 }
[data]
train = "cifar10-train"
[channel]
snr_db = [0, 20]
"""


def _read(tmp_path: Path, text: str) -> Recipe:
    (tmp_path / "recipe.toml").write_text(text)
    return read_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(RECIPES.glob("*.toml")) if "axes" not in path.read_text()],
    ids=lambda path: path.stem,
)
def test_every_recipe_of_the_repository_is_sound(path: Path) -> None:
    assert build_link(read_recipe(path)).model.config


def test_values_and_defaults(tmp_path: Path) -> None:
    recipe = _read(tmp_path, GOOD)
    assert recipe.model.config == {"filters": 4}
    assert recipe.channel.snr_db == (0.0, 20.0)
    assert recipe.optimiser.batch == 64


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("snr_db", "snr"), "unknown key 'snr'"),
        (("[data]", "[dataset]"), "unknown key 'dataset'"),
        (("train =", "# train ="), "'train' is missing"),
        (("[0, 20]", '"high"'), "snr_db must be"),
        (("[0, 20]", "[0, 20, 30]"), "snr_db must be"),
        (('name = "cnn"', "name = 3"), "name must be a valid string"),
        (("filters = 4", "filters = [4]"), "config.filters"),
        (("[channel]", "model = 3"), "not TOML|must be a table|unknown key"),
        (("[0, 20]", "= ="), "not TOML"),
    ],
)
def test_wrong_recipes_are_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        _read(tmp_path, GOOD.replace(*change))


def test_unknown_models_channels_and_configs(tmp_path: Path) -> None:
    for change in (('"cnn"', '"rnn"'), ("filters", "wings"), ("snr_db = [0, 20]", 'name = "water"')):
        with pytest.raises(UsageError):
            build_link(_read(tmp_path, GOOD.replace(*change)))
    with pytest.raises(UsageError, match="coherence must be"):
        _read(tmp_path, GOOD.replace("snr_db = [0, 20]", 'coherence = "packet"'))
    with pytest.raises(DeepJSCCError, match="no such recipe"):
        read_recipe(tmp_path / "absent.toml")


def test_bases_and_overrides(tmp_path: Path) -> None:
    (tmp_path / "lower.toml").write_text(GOOD)
    upper = 'base = "lower.toml"\n[model]\nconfig = { dense_reals = 9 }\n[optimiser]\nbatch = 8\n'
    (tmp_path / "upper.toml").write_text(upper)
    recipe = read_recipe(tmp_path / "upper.toml", ["channel.snr_db=7", "model.config.filters=2", "data.train=a/b"])
    assert recipe.model.config == {"filters": 2, "dense_reals": 9}
    assert (recipe.optimiser.batch, recipe.channel.snr_db, recipe.data.train) == (8, 7.0, "a/b")
    for wrong in ("snr_db", "=3", "channel.sbr=3", "a b=3", "optimiser.batch=many"):
        with pytest.raises(UsageError):
            read_recipe(tmp_path / "upper.toml", [wrong])
    (tmp_path / "lower.toml").write_text('base = "upper.toml"')
    with pytest.raises(UsageError, match="its own base"):
        read_recipe(tmp_path / "upper.toml")


@pytest.mark.parametrize(
    "wrong",
    ["optimiser.batch=0", "optimiser.epochs=0", "channel.snr_db=nan", "channel.snr_db=[5, 1]", "optimiser.clip_norm=0"],
)
def test_numbers_that_cannot_be(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "r.toml").write_text(GOOD)
    with pytest.raises(UsageError, match=wrong.split("=")[0].split(".")[1]):
        read_recipe(tmp_path / "r.toml", [wrong])


def test_linear_is_not_trained(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="deepjscc fit"):
        build_link(_read(tmp_path, GOOD.replace('"cnn"', '"linear"').replace("config = { filters = 4 }", "")))


def test_fading_recipes(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(GOOD)
    fading = ["channel.name=rayleigh", "channel.coherence=image", "channel.csi=none", "channel.snr_db=[5, 9]"]
    recipe = read_recipe(tmp_path / "r.toml", fading)
    assert (recipe.channel.coherence, recipe.channel.csi, recipe.channel.snr_db) == ("image", "none", (5.0, 9.0))
    with pytest.raises(UsageError, match="csi must be"):
        read_recipe(tmp_path / "r.toml", ["channel.csi=genie"])


def test_other_channels_are_read_and_checked(tmp_path: Path) -> None:
    other = '[[other_channels]]\nname = "rayleigh"\ncoherence = "symbol"\nshare = {}\n'
    recipe = _read(tmp_path, GOOD + other.format(0.25) + other.format(0.5))
    assert [each.share for each in recipe.other_channels] == [0.25, 0.5]
    for wrong, words in (
        (other.format(-1), "share"),
        (other.format(0.7) * 2, "more than 1"),
        (other.format('"a"'), "must be"),
    ):
        with pytest.raises(UsageError, match=words):
            _read(tmp_path, GOOD + wrong)


@pytest.mark.parametrize(
    "setting", ["bandwidth_ratio = [0.5, inf]", "bandwidth_ratio = 0", "bandwidth_ratio = [0.5, 0.1]"]
)
def test_ratios_that_cannot_be(tmp_path: Path, setting: str) -> None:
    with pytest.raises(UsageError, match="bandwidth_ratio"):
        _read(tmp_path, GOOD.replace("[channel]", f"[channel]\n{setting}"))


def test_a_switch_of_a_model_is_a_bool(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text('[model]\nname = "single_decoder"\nconfig = { any_prefix = true }\n[data]\ntrain = "samples"\n')
    assert read_recipe(path).model.config == {"any_prefix": True}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 10000000000000000000000" + GOOD, "seed must be from 0 to"),
        ("seed = -1" + GOOD, "seed must be from 0 to"),
        ("seed = 1" + "0" * 5000 + GOOD, "not TOML"),
        (GOOD + "[optimiser]\nlearning_rate = inf", "learning_rate must be positive and finite"),
        (GOOD + "[optimiser]\nlearning_rate = nan", "learning_rate must be positive and finite"),
        (GOOD + "[optimiser]\nweight_decay = inf", "weight_decay"),
        ("x = " + "[" * 50_000, "nested too deeply|not TOML"),
        ("x = " + "[" * 5_000 + "]" * 5_000 + GOOD, "nested too deeply|unknown key"),
        ("x = " + "{a=" * 5_000 + "1" + "}" * 5_000 + GOOD, "nested too deeply|not TOML|unknown key"),
        ("a" + ".a" * 5_000 + " = 1" + GOOD, "unknown key|nested too deeply"),
        ("# " + "x" * (1 << 20), "more than the 64 kB"),
        ('base = "/dev/zero"' + GOOD, "not a regular file"),
        ('base = "fifo"' + GOOD, "not a regular file"),
        ('base = "."' + GOOD, "Is a directory"),
        ('base = "a\\u0000b"' + GOOD, "no such recipe|null"),
    ],
)
def test_hostile_recipes_are_one_line(tmp_path: Path, text: str, words: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(DeepJSCCError, match=words) as caught:
        _read(tmp_path, text)
    assert len(str(caught.value)) < 1000


def test_a_chain_of_bases_ends(tmp_path: Path) -> None:
    for index in range(40):
        (tmp_path / f"{index}.toml").write_text(f'base = "{index + 1}.toml"')
    with pytest.raises(UsageError, match="more than 16 bases"):
        read_recipe(tmp_path / "0.toml")


def test_hostile_values_on_the_command_line_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(GOOD)
    for override in ("x=" + "[" * 50_000, "seed=1" + "0" * 5000, "seed=10000000000000000000000"):
        with pytest.raises(UsageError) as caught:
            read_recipe(tmp_path / "recipe.toml", [override])
        assert len(str(caught.value)) < 1000

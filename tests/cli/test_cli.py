"""The door: every command by hand, `--json` on each, and one line for whatever goes wrong."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from deepjscc.cli import COMMANDS, main
from deepjscc.images import read_image
from deepjscc.models import MultipleDecoders
from deepjscc.models.checkpoint import save_checkpoint

RECIPE = """
[model]
name = "cnn"
config = { filters = 4 }
[data]
train = "cifar10-train"
[optimiser]
batch = 50
epochs = 1
"""


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    main([str(argument) for argument in arguments])
    return capsys.readouterr().out


def fails(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    """The one line a wrong call prints."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == code
    assert captured.err.startswith("deepjscc: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = run(capsys, "--help")
    assert all(command in text for command in COMMANDS)
    for command in COMMANDS.keys() - {"serve"}:
        assert "--json" in run(capsys, command, "--help")


def test_help_of_a_command_has_its_whole_description(capsys: pytest.CaptureFixture[str]) -> None:
    assert "exit code" in run(capsys, "bulk", "--help")
    assert "-left and -right before its suffix" in " ".join(run(capsys, "send-pair", "-h").split())


def test_help_names_no_options_that_empty_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert "--empty" not in run(capsys, command, "--help"), command


def test_send(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    results = json.loads(
        run(
            capsys,
            "send",
            picture,
            "-o",
            out,
            "--snr-db",
            "3",
            "--bandwidth-ratio",
            "1/12",
            "--compare",
            "webp",
            "--json",
        )
    )
    assert [result["system"] for result in results] == ["hybrid", "webp+ldpc-fine"]
    assert results[0]["channel_uses"] <= results[1]["channel_uses"] <= 1920
    assert results[0]["channel_uses"] > 1900  # the coarse layer takes whole steps
    assert read_image(out).shape == read_image(picture).shape
    assert (tmp_path / "out-webp+ldpc-fine.png").is_file()
    assert "universal-s" in run(
        capsys, "send", picture, "-o", out, "--snr-db=-3", "--channel", "rayleigh", "--coherence", "symbol"
    )


def test_seeds_repeat(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(capsys, "send", picture, "-o", tmp_path / f"{name}.png", "--seed", seed, "--model", "universal-s")
    a, b, c = (read_image(tmp_path / f"{name}.png") for name in "abc")
    assert (a == b).all()
    assert (a != c).any()


def test_a_ratio_out_of_reach_is_the_nearest_and_said(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    main(["send", str(tmp_path / "dot.png"), "-o", str(tmp_path / "o.png"), "--bandwidth-ratio", "1/8"])
    assert "0.1250 is not possible" in capsys.readouterr().err
    for command in (["send", "-o", tmp_path / "o.png"], ["encode", "-o", tmp_path / "iq"]):
        main([*map(str, command), str(picture), "--model", "linear", "--bandwidth-ratio", "0.9"])
        assert "0.9000 is not possible" in capsys.readouterr().err
        main([*map(str, command), str(picture), "--model", "linear", "--bandwidth-ratio", "1/8"])
        notes = capsys.readouterr().err.splitlines()  # of send: the receiver's estimate, and nothing else
        assert all(note.startswith("deepjscc: received: about ") for note in notes)
        assert len(notes) == (command[0] == "send")


def test_split_link(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    assert "channel uses" in run(capsys, "encode", picture, "-o", tmp_path / "iq", "--bandwidth-ratio", "1/8")
    run(capsys, "channel", tmp_path / "iq", "-o", tmp_path / "noisy", "--snr-db", "12", "--channel", "rayleigh")
    report = json.loads(run(capsys, "decode", tmp_path / "noisy", "-o", tmp_path / "back.png", "--json"))
    assert report["width"] == 96
    assert read_image(tmp_path / "back.png").shape == (3, 80, 96)


def test_bits(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    model = ["--model", "linear@64qam", "--bandwidth-ratio", "1/8"]
    assert "bits per pixel" in run(capsys, "encode", picture, "-o", tmp_path / "sent", "--bits", *model)
    flipped = run(capsys, "channel", tmp_path / "sent.bits", "-o", tmp_path / "got.bits", "--bit-error-rate", "0.001")
    assert "bits flipped" in flipped
    assert "linear@64qam" in run(capsys, "decode", tmp_path / "got.bits", "-o", tmp_path / "back.png")
    (sent,) = json.loads(
        run(capsys, "send", picture, "-o", tmp_path / "o.png", "--bits", "--bit-error-rate", "0.001", *model, "--json")
    )
    assert sent["bits"] <= 6 * 3 * 80 * 96 / 8
    assert sent["psnr_db"] > 20
    out = tmp_path / "no"
    for arguments, words in (
        (["encode", picture, "-o", out, "--bits", "--snr-db", "5", *model], "leave --snr-db"),
        (["encode", picture, "-o", out, "--bits", "--model", "linear"], "write linear@256qam"),
        (["encode", picture, "-o", out, "--bit-error-rate", "0.1"], "is for --bits"),
        (["encode", picture, "-o", out, "--bits", "--model", "linear@4qam"], "too small"),
        (["send", picture, "-o", tmp_path / "no.png", "--bits"], "name a model"),
        (["send", picture, "-o", tmp_path / "no.png", "--bits", "--snr-db", "3", *model], "no channel"),
        (["send", picture, "-o", tmp_path / "no.png", "--bit-error-rate", "0.1"], "is for --bits"),
        (["channel", tmp_path / "sent.bits", "-o", out, "--snr-db", "3"], "takes --bit-error-rate"),
        (["channel", tmp_path / "sent.bits", "-o", out, "--bit-error-rate", "0.9"], "from 0 to 0.25"),
        (["channel", tmp_path / "iq", "-o", out, "--bit-error-rate", "0.1"], "is for a file of bits"),
        (["channel", tmp_path / "iq", "-o", out], "--snr-db"),
        (["decode", tmp_path / "sent.bits", tmp_path / "got.bits", "-o", tmp_path / "no.png"], "decode it alone"),
    ):
        assert words in fails(capsys, 2, *arguments)


def test_stages(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    save_checkpoint(MultipleDecoders(stages=3, filters=2), weights)
    results = json.loads(
        run(capsys, "send", picture, "-o", tmp_path / "o.png", "--model", weights, "--stages", "--json")
    )
    assert [Path(result["file"]).name for result in results] == ["o-stage1.png", "o-stage2.png", "o.png"]
    assert [result["channel_uses"] for result in results] == [480, 960, 1440]
    assert all(Path(result["file"]).is_file() for result in results)
    assert read_image(tmp_path / "o-stages.png").shape[2] > 400
    main(["send", str(picture), "-o", str(tmp_path / "p.png"), "--model", "cnn-c8-awgn-10db", "--stages"])
    assert "has no stages" in capsys.readouterr().err

    reports = json.loads(run(capsys, "encode", picture, "-o", tmp_path / "s", "--model", weights, "--stages", "--json"))
    assert [report["symbols"] for report in reports] == [480] * 3
    for stage in (1, 2, 3):
        run(capsys, "channel", tmp_path / f"s-stage{stage}", "-o", tmp_path / f"r{stage}", "--snr-db", "9")
    own = ["--model", str(weights), "-o", str(tmp_path / "q.png")]
    decoded = json.loads(run(capsys, "decode", tmp_path / "r1", tmp_path / "r2", *own, "--json"))
    assert (decoded["stages"], decoded["symbols"]) == (2, 960)
    main(["decode", str(tmp_path / "r1"), str(tmp_path / "r3"), *own])
    said = capsys.readouterr()
    assert "of no use while stage 2 is missing" in said.err
    assert "stages 1 to 1" in said.out
    assert "stage 1 is missing" in fails(
        capsys, 1, "decode", tmp_path / "r2", "--model", weights, "-o", tmp_path / "no.png"
    )
    assert not (tmp_path / "no.png").exists()


def test_evaluate_and_plot(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    table = tmp_path / "r.parquet"
    systems = ["--system", "linear", "--system", "jpeg2000+ideal@5dB"]
    rest = ["--data", picture.parent, "--snr-db=0:10:5", "--bandwidth-ratio", "1/8", "-o", table]
    means = json.loads(run(capsys, "evaluate", *systems, *rest, "--json"))
    assert len(means) == 6
    assert len(pl.read_parquet(table)) == 6
    assert "linear" in run(capsys, "evaluate", *systems, *rest)
    assert "lpips" not in run(capsys, "evaluate", *systems, *rest)
    assert "lpips" in run(capsys, "evaluate", "--system", "linear", *rest, "--lpips")
    assert "f.svg" in run(capsys, "plot", table, "-o", tmp_path / "f.svg")
    assert len(json.loads(run(capsys, "plot", table, "-o", tmp_path / "f.svg", "--pooled", "--json"))["points"]) == 6


def test_sheet_models_fit_train(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path, fake_cifar10: Path
) -> None:
    run(capsys, "sheet", picture, "--system", "linear", "--snr-db", "0,10", "-o", tmp_path / "s.png", "--json")
    assert (tmp_path / "s.png").is_file()
    assert "linear" in run(capsys, "models")
    assert json.loads(run(capsys, "models", "--json"))[0]["sha256"]
    assert "1 photographs" in run(capsys, "fit", "linear", picture, "-o", tmp_path / "l.safetensors", "--block", "8")
    run(capsys, "send", picture, "-o", tmp_path / "o.png", "--model", tmp_path / "l.safetensors")
    (tmp_path / "r.toml").write_text(RECIPE)
    text = run(capsys, "train", tmp_path / "r.toml", "-o", tmp_path / "c.safetensors", "--device", "cpu")
    assert "epoch 1 (100%)" in text
    assert f"weights written to {tmp_path / 'c.safetensors'}" in text
    run(capsys, "send", picture, "-o", tmp_path / "o.png", "--model", tmp_path / "c.safetensors")


def test_wrong_usage_is_one_line_and_two(capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.png"
    for arguments, words in (
        (["send"], "image"),
        (["send", picture, "-o", out, "--sbr", "3"], "--sbr"),
        (["nonsense"], "nonsense"),
        (["send", picture, "-o", out, "--snr-db", "nan"], "NaN"),
        (["send", picture, "-o", out, "--snr-db", "loud"], "not a number"),
        (["send", picture, "-o", out, "--snr-db", "1,2"], "one SNR"),
        (["send", picture, "-o", out, "--bandwidth-ratio", "0"], "ratio"),
        (["send", picture, "-o", out, "--model", "nothing"], "unknown model"),
        (["send", picture, "-o", out, "--compare", "gif"], "unknown model"),
        (["send", picture, "-o", out, "--compare", "gif+ideal"], "unknown codec"),
        (["send", picture, "-o", out, "--channel", "water"], "unknown channel"),
        (["send", picture, "-o", out, "--csi", "none"], "does not take"),
        (["send", picture, "-o", out, "--coherence", "packet"], "packet"),
        (["send", picture, "-o", tmp_path / "o.nope"], "suffix"),
        (["send", "sample:nobody", "-o", out], "no sample"),
        (["evaluate", "--system", "linear", "--data", "samples", "-o", tmp_path / "r.csv"], "parquet"),
        (
            ["evaluate", "--system", "linear", "--data", "samples", "-o", tmp_path / "r.parquet", "--repeats", "0"],
            "at least 1",
        ),
        (["fit", "linear", picture, "-o", tmp_path / "l.safetensors", "--block", "99"], "1 to 32"),
        (["train", tmp_path / "r.toml", "-o", tmp_path / "c.pt"], "safetensors"),
        (["train", "r.toml", "-o", tmp_path / "c.safetensors", "--begin", "s", "--resume"], "only one of"),
        (["encode", picture, "-o", tmp_path / "iq", "--margin-db", "nan"], "margin"),
        (["encode", picture, "-o", tmp_path / "iq", "--stages"], "in one piece"),
        (["send", picture, "-o", out, "--model", "cnn-c8-awgn-10db@feedback"], "only a model of residual"),
        (["send", picture, "-o", out, "--compare", "webp+turbo"], "unknown channel coding"),
        (["send", picture, "-o", out, "--compare", "webp+ldpc@fast"], "not an SNR"),
        (
            ["send", picture, "-o", out, "--model", "linear", "--compare", "webp+ideal", "--simulate"],
            "no bits to simulate",
        ),
        (["bler", "-o", tmp_path / "b.parquet", "--schemes", "5qam-1"], "unknown scheme"),
        (["bler", "-o", tmp_path / "b.parquet", "--block-bits", "17"], "6144"),
    ):
        assert words in fails(capsys, 2, *arguments)
        assert not out.exists()


def test_a_broken_world_is_one_line_and_one(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "o.png"
    (tmp_path / "bad.png").write_bytes(b"not an image")
    monkeypatch.setenv("DEEPJSCC_DATA", str(tmp_path / "nowhere"))
    for arguments, words in (
        (["send", tmp_path / "absent.png", "-o", out], "no such file"),
        (["send", tmp_path / "bad.png", "-o", out], "not an image"),
        (["send", picture, "-o", tmp_path / "absent" / "o.png"], "does not exist"),
        (["decode", tmp_path / "absent", "-o", out], "no such file"),
        (["plot", tmp_path / "absent.parquet", "-o", tmp_path / "f.svg"], "no such file"),
        (["evaluate", "--system", "linear", "--data", "kodak", "-o", tmp_path / "r.parquet"], "DEEPJSCC_DATA"),
        (
            ["evaluate", "--system", "linear", "--data", "samples", "-o", tmp_path / "no" / "r.parquet"],
            "cannot be written",
        ),
        (["train", tmp_path / "absent.toml", "-o", tmp_path / "c.safetensors"], "no such recipe"),
        (["send", picture, "-o", out, "--model", tmp_path / "absent.safetensors"], "no such file"),
    ):
        assert words in fails(capsys, 1, *arguments)
        assert not out.exists()


@pytest.mark.skipif(os.name != "posix", reason="a device that is always full")
def test_a_full_disk_is_one_line(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path, monkeypatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deepjscc.files.os.replace", full)
    assert "No space left" in fails(capsys, 1, "send", picture, "-o", tmp_path / "o.png")
    assert not list(tmp_path.glob(".o.png*"))


def test_a_folder_in_the_place_of_an_output_is_refused_before_the_work(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path
) -> None:
    for command, suffix in (
        (["send", picture], ".png"),
        (["sheet", picture, "--system", "linear"], ".png"),
        (["decode", tmp_path / "absent"], ".png"),
        (["evaluate", "--system", "linear", "--data", picture], ".parquet"),
        (["plot", tmp_path / "absent.parquet"], ".svg"),
        (["bler"], ".parquet"),
        (["train", tmp_path / "absent.toml"], ".safetensors"),
        (["fit", "linear", picture], ".safetensors"),
    ):
        folder = tmp_path / f"folder{suffix}"
        folder.mkdir(exist_ok=True)
        assert "is a folder" in fails(capsys, 2, *command, "-o", folder)


def test_seeds_that_no_generator_takes_are_refused(
    capsys: pytest.CaptureFixture[str], picture: Path, tmp_path: Path
) -> None:
    for seed in ("-1", str(10**22)):
        arguments = ["send", picture, "-o", tmp_path / "o.png", f"--seed={seed}"]
        assert "--seed must be from 0" in fails(capsys, 2, *arguments)


def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str], picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deepjscc.cli.models.print_table", interrupted)
    assert fails(capsys, 130, "models") == "deepjscc: interrupted\n"


def test_without_file_descriptors_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Panic(BaseException):
        """What Polars raises."""

    for error in (OSError(errno.EMFILE, "Too many open files"), Panic("Os { code: 24, kind: TooManyOpenFiles }")):

        def fail(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("deepjscc.cli.models.print_table", fail)
        assert fails(capsys, 1, "models") == "deepjscc: too many files are open; allow more with ulimit -n\n"


def test_warnings_of_libraries_do_not_stand_beside_our_line(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.new("RGB", (64, 64)).save(whole, "TIFF", compression="tiff_lzw")
    (tmp_path / "cut.tif").write_bytes(whole.getvalue()[:-60])
    with pytest.raises(SystemExit):
        main(["send", str(tmp_path / "cut.tif"), "-o", str(tmp_path / "o.png")])
    assert capfd.readouterr().err.count("\n") == 1


def test_the_program_runs_as_a_module(tmp_path: Path) -> None:
    assert subprocess.check_output([sys.executable, "-m", "deepjscc", "--version"], text=True).strip()


def test_evaluate_asks_for_a_ratio_and_says_what_was_spent(capsys, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "dot.png")
    arguments = ["evaluate", "--data", tmp_path / "dot.png", "--snr-db", "5", "-o", tmp_path / "r.parquet", "--system"]
    assert "no bandwidth ratio of its own" in fails(capsys, 2, *arguments, "jpeg+ideal")
    assert "note: linear used" in run(capsys, *arguments, "linear", "--bandwidth-ratio", "1/96")

"""The loop learns, repeats itself, and stops where it must."""

import csv
import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from deepjscc import metrics
from deepjscc.channels import AWGN
from deepjscc.data import open_data
from deepjscc.errors import DeepJSCCError, DeepJSCCWarning, UsageError
from deepjscc.images import to_float, write_image
from deepjscc.models import Cnn, Linear
from deepjscc.models.checkpoint import load_checkpoint, save_checkpoint
from deepjscc.models.diffusion import Diffusion
from deepjscc.systems import Link
from deepjscc.training import loop
from deepjscc.training.batches import Batches
from deepjscc.training.build import build_link, draw_channel, draw_ratio, draw_snr_db
from deepjscc.training.logs import Progress
from deepjscc.training.loop import train
from deepjscc.training.losses import LOSSES
from deepjscc.training.objectives import BESIDE, RefinementLoss
from deepjscc.training.recipe import (
    ChannelRecipe,
    DataRecipe,
    ModelRecipe,
    OptimiserRecipe,
    OtherChannelRecipe,
    Recipe,
)
from deepjscc.training.state import keep_for_later

CIFAR = Recipe(
    model=ModelRecipe("cnn", {"filters": 4}),
    data=DataRecipe("cifar10-train", validation="cifar10", validation_images=4),
    optimiser=OptimiserRecipe(batch=20, epochs=3, warmup_steps=2, precision="fp32"),
)


def test_two_runs_are_one(fake_cifar10: Path, tmp_path: Path) -> None:
    said: list[Progress] = []
    train(CIFAR, tmp_path / "a.safetensors", on_progress=said.append)
    train(CIFAR, tmp_path / "b.safetensors")
    first, second = (load_checkpoint(tmp_path / f"{name}.safetensors").state_dict() for name in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)
    epochs = [progress for progress in said if progress.validation_psnr_db is not None]
    assert [progress.epoch for progress in epochs] == [1, 2, 3]
    assert said[-1].share == 1
    assert all(progress.validation_psnr_db > 5 for progress in epochs)
    lines = (tmp_path / "a.safetensors.run" / "log.csv").read_text().splitlines()
    assert lines[0].startswith("step,epoch,share,loss,validation_psnr_db")
    assert len(lines) == 4
    assert len(list((tmp_path / "a.safetensors.run").glob("events.out.tfevents*"))) == 1


def test_it_learns_to_send_points_of_a_constellation(tmp_path: Path) -> None:
    recipe = Recipe(
        model=ModelRecipe("cnn", {"filters": 16}),
        data=DataRecipe("samples", crop=32),
        optimiser=OptimiserRecipe(batch=4, epochs=100, clip_norm=1.0, precision="fp32"),
        constellation="16qam",
    )
    said: list[Progress] = []
    link = train(recipe, tmp_path / "x.safetensors", on_progress=said.append)
    assert said[-1].loss < 0.6 * said[0].loss
    points = link.encode(torch.rand(1, 3, 32, 32), torch.tensor([10.0])).symbols
    assert len(torch.view_as_real(points).unique()) == 4
    with pytest.raises(UsageError, match="too small"):
        build_link(replace(recipe, constellation="4qam"))
    refiner = ModelRecipe("diffusion", refines=["cnn-c16-awgn-10db"])
    with pytest.raises(UsageError, match="leave constellation out"):
        build_link(replace(recipe, model=refiner))


def test_it_learns_photographs(tmp_path: Path) -> None:
    recipe = Recipe(
        model=ModelRecipe("cnn", {"filters": 16}),
        data=DataRecipe("samples", crop=32),
        channel=ChannelRecipe(snr_db=(5.0, 15.0)),
        optimiser=OptimiserRecipe(batch=4, epochs=150, clip_norm=1.0, precision="fp32"),
    )
    said: list[Progress] = []
    train(recipe, tmp_path / "x.safetensors", on_progress=said.append)
    assert said[-1].loss < 0.5 * said[0].loss


def test_a_time_budget_ends_annealed(fake_cifar10: Path, tmp_path: Path) -> None:
    said: list[Progress] = []
    train(CIFAR, tmp_path / "a.safetensors", minutes=0.1, on_progress=said.append)
    assert said[-1].share == 1
    assert len(said) > 3  # the clock, not the epochs, ended it


def test_a_broken_loss_stops_and_keeps_the_last_good_weights(
    fake_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def breaks(images: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return (images - decoded).square().mean() * (math.nan if len(calls) > 7 else 1)

    monkeypatch.setitem(LOSSES, "mse", breaks)
    with pytest.raises(DeepJSCCError, match="nan at step 7"):
        train(CIFAR, tmp_path / "a.safetensors")
    assert load_checkpoint(tmp_path / "a.safetensors").config["filters"] == 4


@pytest.mark.parametrize("stopped_after", [3, 5, 7])
def test_a_resumed_run_is_the_unbroken_one(
    fake_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int
) -> None:
    """Bit for bit, wherever it was stopped: within an epoch or at its end."""
    train(CIFAR, tmp_path / "whole.safetensors")
    take_step, taken = loop.Run.take_step, []

    def interrupted(run: loop.Run, fraction: float) -> None:
        take_step(run, fraction)
        taken.append(1)
        if len(taken) == stopped_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.Run, "take_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(CIFAR, tmp_path / "broken.safetensors")
    monkeypatch.setattr(loop.Run, "take_step", take_step)
    train(CIFAR, tmp_path / "broken.safetensors", resume=True)
    whole, broken = (load_checkpoint(tmp_path / f"{name}.safetensors").state_dict() for name in ("whole", "broken"))
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_two_trainings_into_one_file_are_refused(
    fake_cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOCK_PATIENCE_S", 0.0)
    weights = tmp_path / "a.safetensors"
    refused: list[str] = []

    def other(now: Progress) -> None:
        if not refused:
            with pytest.raises(DeepJSCCError, match="another process is writing it") as caught:
                train(CIFAR, weights, resume=True)
            refused.append(str(caught.value))

    train(CIFAR, weights, on_progress=other)
    assert len(refused) == 1
    assert sorted(path.name for path in tmp_path.glob("*a.safetensors*")) == [weights.name, f"{weights.name}.run"]


def test_the_last_three_states_are_kept_and_a_broken_one_is_passed_over(fake_cifar10: Path, tmp_path: Path) -> None:
    train(replace(CIFAR, optimiser=replace(CIFAR.optimiser, epochs=5)), tmp_path / "a.safetensors")
    states = sorted((tmp_path / "a.safetensors.run").glob("state-*"))
    assert [path.name for path in states] == [f"state-{step:09d}.safetensors" for step in (15, 20, 25)]
    states[-1].write_bytes(states[-1].read_bytes()[:1000])
    said: list[Progress] = []
    recipe = replace(CIFAR, optimiser=replace(CIFAR.optimiser, epochs=5))
    train(recipe, tmp_path / "a.safetensors", resume=True, on_progress=said.append)
    assert [progress.step for progress in said if progress.validation_psnr_db] == [25]


def test_resuming_what_cannot_be(fake_cifar10: Path, tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="no state to resume"):
        train(CIFAR, tmp_path / "a.safetensors", resume=True)
    train(CIFAR, tmp_path / "a.safetensors")
    with pytest.raises(UsageError, match="holds a run already"):
        train(CIFAR, tmp_path / "a.safetensors")
    with pytest.raises(DeepJSCCError, match="another recipe"):
        train(replace(CIFAR, seed=1), tmp_path / "a.safetensors", resume=True)
    said: list[Progress] = []
    train(CIFAR, tmp_path / "a.safetensors", resume=True, on_progress=said.append)  # all done: nothing more
    assert not said


def test_resuming_keeps_the_minutes_and_a_finished_run_says_so(fake_cifar10: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.safetensors"
    train(CIFAR, output, minutes=0.02)
    before = output.read_bytes()
    with pytest.warns(DeepJSCCWarning, match=r"finished its 0\.02 minutes.*nothing was trained"):
        train(CIFAR, output, resume=True)
    assert output.read_bytes() == before
    said: list[Progress] = []
    train(CIFAR, output, minutes=0.04, resume=True, on_progress=said.append)
    assert said[-1].share == 1
    train(CIFAR, tmp_path / "b.safetensors")
    with pytest.warns(DeepJSCCWarning, match="finished all 15 steps"):
        train(CIFAR, tmp_path / "b.safetensors", resume=True)


def test_a_device_that_is_not_there(fake_cifar10: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(DeepJSCCError, match="finds no GPU"):
        train(CIFAR, tmp_path / "a.safetensors", device="cuda")
    train(CIFAR, tmp_path / "a.safetensors", device="cpu")


def test_a_later_training_begins_where_an_earlier_one_ended(fake_cifar10: Path, tmp_path: Path) -> None:
    train(CIFAR, tmp_path / "a.safetensors")
    keep_for_later(tmp_path / "a.safetensors.run", tmp_path / "kept.safetensors")
    newest = max((tmp_path / "a.safetensors.run").glob("state-*"))
    assert (tmp_path / "kept.safetensors").stat().st_size < 0.75 * newest.stat().st_size
    still = replace(CIFAR, optimiser=replace(CIFAR.optimiser, learning_rate=1e-9, epochs=1), seed=3)
    ended = train(still, tmp_path / "b.safetensors", begin=tmp_path / "kept.safetensors").state_dict()
    began = load_checkpoint(tmp_path / "a.safetensors").state_dict()
    assert all(torch.allclose(began[name], ended[f"transmitter.{name}"], atol=2e-2) for name in began)
    kept = load_file(str(tmp_path / "kept.safetensors"))
    state = load_file(str(max((tmp_path / "b.safetensors.run").glob("state-*"))))
    steps = [value.item() for name, value in state.items() if name.endswith(".step")]
    assert steps == [value.item() + 5 for name, value in kept.items() if name.endswith(".step")]  # Adam went on
    wider = replace(still, model=replace(CIFAR.model, config={"filters": 6}))
    with pytest.raises(DeepJSCCError, match="state of another model"):
        train(wider, tmp_path / "c.safetensors", begin=tmp_path / "kept.safetensors")
    with pytest.raises(DeepJSCCError, match="not a state"):
        train(still, tmp_path / "d.safetensors", begin=tmp_path / "absent.safetensors")
    with pytest.raises(DeepJSCCError, match="holds no state"):
        keep_for_later(tmp_path, tmp_path / "kept.safetensors")


def test_universal_trains_over_several_channels_and_ratios(tmp_path: Path) -> None:
    """From the linear code on photographs: two epochs over three channels."""
    recipe = Recipe(
        ModelRecipe("universal", {"width": 8, "encoder_depth": 1, "decoder_depth": 1, "clean_width": 4}, "linear"),
        DataRecipe("samples", crop=64, cuts=4),
        ChannelRecipe(snr_db=(-5.0, 20.0), bandwidth_ratio=(1 / 24, 1 / 4)),
        [
            OtherChannelRecipe("rayleigh", "image", "receiver", bandwidth_ratio=1 / 8, share=0.3),
            OtherChannelRecipe("rayleigh", "symbol", "receiver", bandwidth_ratio=1 / 8, share=0.3),
        ],
        OptimiserRecipe(batch=2, epochs=2, loss="log_mse"),
    )
    said: list[Progress] = []
    train(recipe, tmp_path / "u.safetensors", on_progress=said.append)
    assert load_checkpoint(tmp_path / "u.safetensors").kind == "universal"
    assert all(math.isfinite(progress.loss) for progress in said)
    with pytest.raises(UsageError, match="cannot be taken in part"):
        build_link(replace(recipe, model=replace(recipe.model, config={"classes": 4})))
    with pytest.raises(UsageError, match="cannot start"):
        build_link(replace(recipe, model=replace(recipe.model, name="cnn", config={})))


@pytest.fixture
def recipe_file(tmp_path: Path, coffee: torch.Tensor) -> Path:
    """A recipe on small crops of a photograph, for runs in processes of their own."""
    (tmp_path / "crops").mkdir()
    for index in range(60):
        top, left = divmod(32 * index, 320)
        write_image(coffee[:, 32 * top : 32 * top + 32, left : left + 32], tmp_path / "crops" / f"{index:02d}.png")
    path = tmp_path / "r.toml"
    path.write_text(
        f'[model]\nname = "cnn"\nconfig = {{ filters = 4 }}\n[data]\ntrain = "{tmp_path / "crops"}"\n'
        '[optimiser]\nbatch = 20\nepochs = 40\nprecision = "fp32"\n'
    )
    return path


ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def test_killed_hard_and_resumed(recipe_file: Path, tmp_path: Path) -> None:
    """kill -9 in the middle of a run of the program itself; then the weights of an unbroken run."""
    command = [sys.executable, "-m", "deepjscc", "train", str(recipe_file), "-o"]
    killed = subprocess.Popen([*command, str(tmp_path / "a.safetensors")], env=ONE_THREAD)
    while not list((tmp_path / "a.safetensors.run").glob("state-*")) and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    subprocess.run([*command, str(tmp_path / "a.safetensors"), "--resume"], env=ONE_THREAD, check=True)
    subprocess.run([*command, str(tmp_path / "b.safetensors")], env=ONE_THREAD, check=True)
    resumed, unbroken = (load_checkpoint(tmp_path / f"{name}.safetensors").state_dict() for name in "ab")
    assert all(torch.equal(resumed[name], unbroken[name]) for name in resumed)


def test_two_processes_learn_what_one_does(recipe_file: Path, tmp_path: Path) -> None:
    """Without noise the loss curves and weights are equal but for the order of sums."""
    arguments = ["-m", "deepjscc", "train", str(recipe_file), "--set", "channel.snr_db=inf", "-o"]
    subprocess.run([sys.executable, *arguments, str(tmp_path / "one.safetensors")], env=ONE_THREAD, check=True)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*run, *arguments, str(tmp_path / "two.safetensors")], env=ONE_THREAD, check=True)
    one, two = (load_checkpoint(tmp_path / f"{name}.safetensors").state_dict() for name in ("one", "two"))
    assert all(torch.allclose(one[name], two[name], atol=5e-4) for name in one)  # Adam magnifies the order of sums
    losses = []
    for name in ("one", "two"):
        with (tmp_path / f"{name}.safetensors.run" / "log.csv").open() as file:
            losses.append([float(row["loss"]) for row in csv.DictReader(file)])
    assert len(losses[0]) == 40
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_snr_is_fixed_or_drawn_per_image() -> None:
    assert draw_snr_db(CIFAR, CIFAR.channel, 5, 0).tolist() == [10.0] * 5
    ranged = Recipe(CIFAR.model, CIFAR.data, ChannelRecipe(snr_db=(-2.0, 20.0)))
    drawn = draw_snr_db(ranged, ranged.channel, 1000, 0)
    assert -2 <= drawn.min() < -1 < 19 < drawn.max() <= 20
    assert torch.equal(drawn, draw_snr_db(ranged, ranged.channel, 1000, 0))
    assert not torch.equal(drawn, draw_snr_db(ranged, ranged.channel, 1000, 1))


def test_ratios_are_drawn_by_step_with_a_uniform_logarithm() -> None:
    ranged = replace(CIFAR, channel=ChannelRecipe(bandwidth_ratio=(1 / 64, 1 / 4)))
    drawn = torch.tensor([draw_ratio(ranged, ranged.channel, step) for step in range(1000)])
    assert 1 / 64 <= drawn.min() <= drawn.max() <= 1 / 4
    assert drawn.median().item() == pytest.approx(1 / 16, rel=0.15)
    assert draw_ratio(CIFAR, CIFAR.channel, 0) is None


def test_other_channels_take_their_share_of_the_steps() -> None:
    other = OtherChannelRecipe("rayleigh", share=0.25)
    recipe = replace(CIFAR, other_channels=[other])
    assert sum(draw_channel(recipe, step) is other for step in range(1000)) == pytest.approx(250, abs=50)
    assert draw_channel(CIFAR, 3) is CIFAR.channel


def test_an_epoch_holds_every_image_once(fake_cifar10: Path) -> None:
    batches = Batches(open_data("cifar10-train"), 20, None, 0)
    assert len(batches) == 5
    for epoch in (0, 1):
        seen = [index for step in range(5) for index in batches.indices(5 * epoch + step)]
        assert sorted(seen) == list(range(100))
    assert batches.indices(0) != batches.indices(5)
    assert torch.equal(batches[3], Batches(open_data("cifar10-train"), 20, None, 0)[3])


def test_processes_share_a_batch(fake_cifar10: Path) -> None:
    whole = Batches(open_data("cifar10-train"), 20, None, 0)[2]
    shares = [Batches(open_data("cifar10-train"), 20, None, 0, rank=rank, world=4)[2] for rank in range(4)]
    assert torch.equal(torch.cat(shares), whole)


def test_crops_lie_inside(tmp_path: Path) -> None:
    batch = Batches(open_data("samples"), 4, (48, 48), 0)[7]
    assert batch.shape == (4, 3, 48, 48)


def test_larger_crops_are_drawn_with_fewer_images_and_a_function_of_the_step() -> None:
    data = open_data("samples")
    batches = Batches(data, 4, (32, 32), 0, larger_crops=(64, 48))
    sizes = [batches[step].shape for step in range(30)]
    assert set(sizes) == {(4, 3, 32, 32), (1, 3, 64, 64), (2, 3, 48, 48)}  # about as many pixels each
    assert torch.equal(batches[5], batches[5])
    with pytest.raises(UsageError, match="smaller than the crop"):
        Batches(data, 2, (32, 32), 0, larger_crops=(4000,))
    with pytest.raises(UsageError, match="with a crop"):
        Batches(open_data("samples").spread(1), 1, None, 0, larger_crops=(32,))


def test_batches_that_cannot_be(fake_cifar10: Path) -> None:
    data = open_data("samples")
    with pytest.raises(UsageError, match="fewer than a batch"):
        Batches(data, 5, (32, 32), 0)
    with pytest.raises(UsageError, match="several sizes"):
        Batches(data, 2, None, 0)
    with pytest.raises(UsageError, match="smaller than the crop"):
        Batches(data, 2, (4000, 4000), 0)
    with pytest.raises(UsageError, match="cannot be shared"):
        Batches(open_data("cifar10-train"), 20, None, 0, world=3)


def test_losses_against_their_formulas() -> None:
    images, decoded = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    decoded[0] += 0.1
    decoded[1] += 0.01
    assert LOSSES["mse"](images, decoded).item() == pytest.approx((0.01 + 0.0001) / 2)
    expected = (math.log(0.01 + 1e-6) + math.log(0.0001 + 1e-6)) / 2
    assert LOSSES["log_mse"](images, decoded).item() == pytest.approx(expected, rel=1e-4)


def test_lpips_as_a_loss_is_the_metric_and_can_be_followed(coffee: torch.Tensor) -> None:
    images = to_float(coffee[:, :96, :96])
    decoded = (images + 0.1 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    decoded = ((decoded * 255).round() / 255).requires_grad_()
    loss = LOSSES["lpips"](images, decoded)
    assert loss.item() == pytest.approx(metrics.lpips(images, decoded.detach()).item(), rel=1e-4)
    loss.backward()
    assert decoded.grad is not None
    assert decoded.grad.abs().sum() > 0


def test_a_refiner_learns_by_a_distance_of_its_pictures_too() -> None:
    torch.manual_seed(0)
    refiner, link = Diffusion(width=8, depth=1), Cnn(filters=4)
    images, snr_db = torch.rand(2, 3, 32, 32), torch.tensor([0.0, 10.0])
    losses = {}
    for loss in ("mse", "lpips"):
        objective = RefinementLoss(refiner, [link], loss)
        losses[loss] = objective(images, snr_db, torch.Generator().manual_seed(1), AWGN(), None)
    draws = torch.Generator().manual_seed(1)
    torch.randint(1, (), generator=draws)  # which of the links
    first = Link(link, AWGN()).transmit(images, snr_db, generator=draws).images
    error, guessed = refiner.guess(images, first, snr_db, draws)
    assert losses["mse"].item() == pytest.approx(error.item())
    assert losses["lpips"].item() == pytest.approx((error + BESIDE * LOSSES["lpips"](images, guessed)).item(), rel=1e-5)


def test_warm_start_takes_over_what_is_in_common(tmp_path: Path) -> None:
    given = Cnn(filters=6)
    save_checkpoint(given, tmp_path / "x.safetensors")
    for filters in (3, 6, 9):
        recipe = Recipe(ModelRecipe("cnn", {"filters": filters}, str(tmp_path / "x.safetensors")), CIFAR.data)
        model = build_link(recipe).model
        common = min(filters, 6)
        assert torch.equal(model.encoder[0].weight, given.encoder[0].weight)
        assert torch.equal(model.encoder[8].weight[:common], given.encoder[8].weight[:common])
        assert torch.equal(model.decoder[0].weight[:common], given.decoder[0].weight[:common])
    save_checkpoint(Linear(block=4), tmp_path / "y.safetensors")
    with pytest.raises(UsageError, match="weights of a linear"):
        build_link(Recipe(ModelRecipe("cnn", {}, str(tmp_path / "y.safetensors")), CIFAR.data))

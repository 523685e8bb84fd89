"""Training over several machines, rehearsed on one: two agents of torchrun, each with a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.models.checkpoint import load_checkpoint
from deepjscc.training.processes import loss_of_a_process, make_fabric

EXAMPLES = Path(__file__).parents[2] / "examples"
RECIPE = EXAMPLES / "two_machines.toml"
ALONE = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
GIVEN_UP = "lost another process of this training"
IMPATIENT = (
    "import deepjscc.cli, deepjscc.training.processes as p, sys; p.PATIENCE_S = 10.0; deepjscc.cli.main(sys.argv[1:])"
)
WAIT_S = 120


@pytest.mark.parametrize("words", ["[enforce fail] Connection closed by peer [127.0.0.1]:1", "Timed out waiting 10ms"])
def test_what_torch_says_of_a_lost_process_is_one_line(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "3")
    with pytest.raises(DeepJSCCError, match=r"process 3 lost another process.*--resume"), loss_of_a_process():
        raise RuntimeError(words)
    with pytest.raises(DeepJSCCError, match=GIVEN_UP), loss_of_a_process():
        raise torch.distributed.DistNetworkError("The client socket has failed to connect")


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shape"), loss_of_a_process():
        raise RuntimeError("a wrong shape")


def test_machines_have_equally_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="3 processes do not divide evenly over machines of 2"):
        make_fabric("fp32")


class Machines:
    """Two agents under way, each in a folder of its own, as if on machines that share no disk."""

    def __init__(
        self,
        folder: Path,
        options: Sequence[str] = (),
        *,
        address: str = "127.0.0.1",
        inside: Sequence[Sequence[str]] = ((), ()),
        program: Sequence[str] = ("-m", "deepjscc"),
        interfaces: Sequence[str] = ("lo", "lo"),
    ) -> None:
        port, self.agents = _free_port(), []
        for rank in range(2):
            here = folder / f"machine-{rank}"
            here.mkdir(exist_ok=True)
            meet = ["--nnodes", "2", "--node-rank", str(rank), "--nproc-per-node", "1", "--master-addr", address]
            program_file = folder / "program.py"
            if program[0] == "-c":
                program_file.write_text(program[1])
            run = ["-m", "deepjscc"] if program[0] == "-m" else [str(program_file)]
            train = [*run, "train", str(RECIPE), "-o", "x.safetensors", *options]
            command = [*inside[rank], sys.executable, "-m", "torch.distributed.run", *meet, "--master-port", str(port)]
            with (folder / f"said-{rank}.txt").open("w") as said:
                environment = ALONE | {"GLOO_SOCKET_IFNAME": interfaces[rank]}
                agent = subprocess.Popen([*command, *train], cwd=here, env=environment, stdout=said, stderr=said)
            self.agents.append(agent)
        self.folder = folder

    def worker(self, rank: int) -> int:
        """Process number of an agent's worker."""
        pid = self.agents[rank].pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(child)

    def wait(self) -> list[int]:
        """Exit codes."""
        return [agent.wait(WAIT_S) for agent in self.agents]

    def said(self, rank: int) -> str:
        return (self.folder / f"said-{rank}.txt").read_text()


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _until(there: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not there():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def _same_weights(one: Path, other: Path) -> bool:
    first, second = (load_checkpoint(path).state_dict() for path in (one, other))
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_ends_all_and_resuming_gives_the_same_weights(tmp_path: Path, victim: int) -> None:
    script = ["bash", str(EXAMPLES / "two_machines.sh"), str(RECIPE), "-o", str(tmp_path / "whole.safetensors")]
    subprocess.run(script, env=ALONE | {"PYTHON": sys.executable, "PORT": str(_free_port())}, check=True)

    machines = Machines(tmp_path)
    state = tmp_path / "machine-0" / "x.safetensors.run"
    _until(lambda: list(state.glob("state-*.safetensors")))
    os.kill(machines.worker(victim), signal.SIGKILL)
    assert machines.wait() == [1, 1]
    (line,) = [line for line in machines.said(1 - victim).splitlines() if line.startswith("deepjscc: ")]
    assert GIVEN_UP in line
    assert "RuntimeError" not in machines.said(1 - victim)
    assert not list((tmp_path / "machine-1").iterdir())  # the first process alone writes

    shutil.copytree(state, tmp_path / "machine-1" / state.name)  # machines without a common disk: bring the state along
    assert Machines(tmp_path, ["--resume"]).wait() == [0, 0]
    assert _same_weights(tmp_path / "machine-0" / "x.safetensors", tmp_path / "whole.safetensors")
    assert not (tmp_path / "machine-1" / "x.safetensors").exists()


@pytest.fixture
def two_hosts() -> Iterator[tuple[str, str]]:
    """Two network namespaces, 10.77.0.1 and 10.77.0.2, joined by a cable; skips where they cannot be made."""
    tag = uuid.uuid4().hex[:6]
    names = f"dj{tag}a", f"dj{tag}b"

    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    try:
        for name in names:
            ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("network namespaces need root and iproute2")
    try:
        ip("link", "add", names[0], "type", "veth", "peer", "name", names[1])
        for number, name in enumerate(names, 1):
            ip("link", "set", name, "netns", name)
            ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", name)
            ip("-n", name, "link", "set", name, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            ip("netns", "del", name)


@pytest.mark.slow
def test_two_hosts_train_and_a_cut_cable_ends_both(two_hosts: tuple[str, str], tmp_path: Path) -> None:
    hosts: dict[str, object] = {
        "address": "10.77.0.1",
        "inside": [["ip", "netns", "exec", name] for name in two_hosts],
        "interfaces": two_hosts,
    }
    (tmp_path / "whole").mkdir()
    assert Machines(tmp_path / "whole", **hosts).wait() == [0, 0]  # type: ignore[arg-type]
    assert (tmp_path / "whole" / "machine-0" / "x.safetensors").exists()
    assert not list((tmp_path / "whole" / "machine-1").iterdir())

    machines = Machines(tmp_path, program=("-c", IMPATIENT), **hosts)  # type: ignore[arg-type]
    _until(lambda: list((tmp_path / "machine-0").glob("x.safetensors.run/state-*.safetensors")))
    subprocess.run(["ip", "-n", two_hosts[1], "link", "set", two_hosts[1], "down"], check=True)
    assert all(machines.wait())
    assert any(GIVEN_UP in machines.said(rank) for rank in range(2))

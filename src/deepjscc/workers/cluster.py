"""A Ray cluster: a node that dies costs the tasks it was at, which are done again elsewhere."""

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from deepjscc.errors import DeepJSCCError
from deepjscc.workers.base import OUT_OF_MEMORY, Finished, Result, Task

RETRIES = 3  # of a task whose worker or node died
REACH_S = 5.0  # to wait for a cluster's first word
AHEAD = 2  # tasks handed over for each that can run, so that nobody waits for us


class Cluster:
    """Tasks on a cluster; without an address, on a local one that is started and ended with this.

    Args:
        address: ``host:port`` of a running cluster, or "auto" for the one on this machine; None starts a local one.
        cpus: cores a task takes.
        gpus: GPUs a task takes; a fraction shares one.

    Raises:
        DeepJSCCError: Ray is not installed, or no cluster answers there.
    """

    def __init__(self, address: str | None = None, *, cpus: int | float = 1, gpus: int | float = 0) -> None:
        try:
            import ray
        except ModuleNotFoundError:
            raise DeepJSCCError("--cluster needs ray: pip install 'deepjscc[cluster]'") from None
        self.cpus, self.gpus = cpus, gpus
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a task without GPUs sees them all the same
        _reach(address)
        try:
            ray.init(
                address=address or "local",
                include_dashboard=False if address is None else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise DeepJSCCError(f"no cluster at {address}: {_first_line(error)}") from None

    def run(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Finished[Task, Result]]:
        """See :class:`deepjscc.workers.Workers`.

        Raises:
            DeepJSCCError: no node of the cluster has what a task needs.
        """
        import ray

        slots = self._slots()
        remote = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=RETRIES)(_call)
        waiting, running = iter(tasks), dict[Any, Task]()
        while True:
            while len(running) < AHEAD * slots:
                task = next(waiting, _NOTHING)
                if task is _NOTHING:
                    break
                running[remote.remote(function, task, max(1, int(self.cpus)), os.getcwd())] = task
            if not running:
                return
            (ready, *_), _ = ray.wait(list(running))
            yield _finished(running.pop(ready), ready)

    def close(self) -> None:
        """Leave the cluster; end it where it was started here."""
        import ray

        ray.shutdown()

    def _slots(self) -> int:
        """Tasks that can run at a time."""
        import ray

        there = ray.cluster_resources()
        slots = there.get("CPU", 0) / self.cpus
        if self.gpus:
            slots = min(slots, there.get("GPU", 0) / self.gpus)
        if slots < 1:
            raise DeepJSCCError(
                f"a task takes {self.cpus:g} cores and {self.gpus:g} GPUs; "
                f"the cluster has {there.get('CPU', 0):g} and {there.get('GPU', 0):g}"
            )
        return int(slots)


_NOTHING: Any = object()


def _call(function: Callable[[Any], Any], task: Any, threads: int, folder: str) -> Any:
    """Run a function on the cluster, where relative paths mean what they mean here."""
    import torch

    torch.set_num_threads(threads)
    if os.path.isdir(folder):
        os.chdir(folder)
    return function(task)


def _finished(task: Task, reference: Any) -> Finished[Task, Any]:
    import ray

    try:
        return Finished(task, ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, MemoryError):
            return Finished(task, None, OUT_OF_MEMORY)
        raise error.cause from None
    except ray.exceptions.OutOfMemoryError:
        return Finished(task, None, OUT_OF_MEMORY)
    except ray.exceptions.RayError as error:
        return Finished(task, None, _first_line(error))


def _reach(address: str | None) -> None:
    """Refuse at once where nobody listens; Ray itself would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon:
        return
    try:
        socket.create_connection((host.removeprefix("ray://"), int(port)), REACH_S).close()
    except (OSError, ValueError) as error:
        raise DeepJSCCError(f"no cluster at {address}: {error}") from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

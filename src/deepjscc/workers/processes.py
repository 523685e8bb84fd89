"""Processes of this machine, a pipe to each: when one dies it is known over which task, and another takes its place."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from deepjscc.errors import DeepJSCCError
from deepjscc.workers.base import OUT_OF_MEMORY, Finished, Result, Task

_SPAWN = multiprocessing.get_context("spawn")  # a fork would share torch's thread pool, and hang on it


class Processes:
    """Workers in a given number of processes of this machine.

    Args:
        count: of processes.
        threads: of torch in each.
    """

    def __init__(self, count: int, threads: int = 1) -> None:
        self.count, self.threads = count, threads

    def run(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Finished[Task, Result]]:
        """See :class:`deepjscc.workers.Workers`; processes start as tasks come and end with the last of them."""
        waiting = iter(tasks)
        workers: dict[Connection, _Worker] = {}
        try:
            for _, task in zip(range(self.count), waiting, strict=False):
                worker = _start(function, self.threads)
                worker.give(task)
                workers[worker.pipe] = worker
            while workers:
                for pipe in wait(list(workers)):
                    assert isinstance(pipe, Connection)
                    worker = workers.pop(pipe)
                    finished = worker.take()
                    for task in waiting:
                        following = worker if finished.died is None else _start(function, self.threads)
                        following.give(task)
                        workers[following.pipe] = following
                        break
                    else:
                        worker.pipe.close()
                    yield finished
        finally:
            for worker in workers.values():
                worker.process.terminate()
                worker.process.join()


@dataclass
class _Worker:
    """A process, our end of its pipe, and what it is at."""

    process: SpawnProcess
    pipe: Connection
    task: Any = None

    def give(self, task: Any) -> None:
        self.task = task
        self.pipe.send(task)

    def take(self) -> Finished[Any, Any]:
        """Wait for the task, and return its result."""
        try:
            well, value = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return Finished(self.task, None, _last_words(self.process.exitcode))
        if well:
            return Finished(self.task, value)
        if isinstance(value, MemoryError):
            self.process.terminate()  # what it holds still is unknown
            return Finished(self.task, None, OUT_OF_MEMORY)
        raise value


def _start(function: Callable[[Any], Any], threads: int) -> _Worker:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(theirs, threads), daemon=True)
    process.start()
    theirs.close()  # so that its death closes the pipe
    ours.send(function)
    return _Worker(process, ours)


def _serve(pipe: Connection, threads: int) -> None:
    """The life of a worker: a function, then tasks in and results out, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for torch, which the function's module may import
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    function = pipe.recv()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            answer: tuple[bool, Any] = (True, function(task))
        except Exception as error:
            answer = (False, error)
        try:
            pipe.send(answer)
        except Exception as error:  # there are many kinds of what cannot be pickled
            pipe.send((False, DeepJSCCError(f"{answer[1]!r} cannot leave its process: {error}")))


def _last_words(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"killed by {name}" + (
            f", which is how a machine ends what is {OUT_OF_MEMORY}" if name == "SIGKILL" else ""
        )
    return f"its process ended with {exit_code}"

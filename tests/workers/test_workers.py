"""Workers: whoever does the work, the same comes out; a worker that dies is known by its task."""

import math
import os
import signal
from collections.abc import Iterator

import pytest

from deepjscc.errors import DeepJSCCError
from deepjscc.workers import Cluster, Here, Processes, Workers

DIE = f"__import__('os').kill(__import__('os').getpid(), {signal.SIGKILL.value})"


@pytest.mark.parametrize("workers", [Here(), Processes(1), Processes(3)], ids=["here", "one", "three"])
def test_every_task_is_done(workers: Workers) -> None:
    results = {finished.task: finished.result for finished in workers.run(math.factorial, range(5))}
    assert results == {0: 1, 1: 1, 2: 2, 3: 6, 4: 24}
    assert list(workers.run(math.factorial, [])) == []


def test_processes_take_tasks_as_they_fall_idle() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for task in range(100):
            taken.append(task)
            yield task

    run = Processes(1).run(math.factorial, tasks())
    next(run)
    assert len(taken) <= 2
    run.close()


def test_a_process_that_dies_is_replaced_and_named() -> None:
    ended = {one.task: one for one in Processes(2).run(eval, ["1 + 1", DIE, "2 + 2", "3 + 3"])}
    assert ended[DIE].result is None
    assert "SIGKILL" in ended[DIE].died
    assert [ended[f"{n} + {n}"].result for n in (1, 2, 3)] == [2, 4, 6]
    (left,) = Processes(1).run(os._exit, [3])
    assert left.died == "its process ended with 3"


@pytest.mark.parametrize("workers", [Here(), Processes(1)], ids=["here", "process"])
def test_want_of_memory_is_told_and_other_errors_raised(workers: Workers) -> None:
    (starved,) = workers.run(eval, ["(_ for _ in ()).throw(MemoryError())"])
    assert starved.died == "out of memory"
    with pytest.raises(ValueError, match="math domain error"):
        list(workers.run(math.sqrt, [1.0, -1.0]))


def test_what_cannot_leave_its_process_is_said() -> None:
    with pytest.raises(DeepJSCCError, match="cannot leave its process"):
        list(Processes(1).run(eval, ["lambda: 0"]))


def test_no_cluster_there() -> None:
    pytest.importorskip("ray")
    for address in ("127.0.0.1:9", "auto", "127.0.0.1:nine"):
        with pytest.raises(DeepJSCCError, match=f"no cluster at {address}"):
            Cluster(address)

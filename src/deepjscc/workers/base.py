"""The interface of workers, `run`, and the simplest of them, this very process."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

Task = TypeVar("Task")
Result = TypeVar("Result")

OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class Finished(Generic[Task, Result]):
    """A task that ended.

    Attributes:
        task: as it was given.
        result: what the function returned; None where the worker died.
        died: how the worker died over it, else None. A smaller task may fare better.
    """

    task: Task
    result: Result | None
    died: str | None = None


@runtime_checkable
class Workers(Protocol):
    """Somebody who does the work."""

    def run(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Finished[Task, Result]]:
        """Do every task and give each back as it ends, in any order.

        Tasks are taken from ``tasks`` as workers fall idle, so that a million of them need not be in memory.

        Args:
            function: found by its name in an importable module; other processes import it from there.
            tasks: what it is called with, each to be pickled.

        Raises:
            Exception: what the function raised, other than for want of memory.
        """
        ...


class Here:
    """A worker that runs one task after another, in this process."""

    def run(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Finished[Task, Result]]:
        """See :class:`Workers`."""
        for task in tasks:
            try:
                yield Finished(task, function(task))
            except MemoryError:
                yield Finished(task, None, OUT_OF_MEMORY)

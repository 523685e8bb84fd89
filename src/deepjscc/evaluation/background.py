"""Work of low priority: one job after another, in a thread that gets the processor time that others leave."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
NICENESS = 19  # the least; at the same priority as a codec's search a learned link took ten times as long


def _step_back() -> None:
    """Lower this thread's priority, and that of the threads torch starts from it; elsewhere than on Linux a no-op."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_THREAD = ThreadPoolExecutor(1, thread_name_prefix="deepjscc-background", initializer=_step_back)


def in_background(job: Callable[[], Result]) -> Result:
    """Run a job at low priority and wait for its result; an exception of the job is raised here."""
    return _THREAD.submit(job).result()

"""Workers: one function over many tasks, in this process, in several, or on a Ray cluster, with the same results."""

from deepjscc.workers.base import Finished, Here, Workers
from deepjscc.workers.cluster import Cluster
from deepjscc.workers.processes import Processes

__all__ = ["Cluster", "Finished", "Here", "Processes", "Workers"]

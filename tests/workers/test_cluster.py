"""A real Ray cluster of two nodes on this machine; one is killed in the middle of a job. Slow to start."""

from pathlib import Path

import polars as pl
import pytest

from deepjscc.bulk.job import Job
from deepjscc.bulk.run import Summary, run
from deepjscc.errors import DeepJSCCError
from deepjscc.evaluation.sweep import Plan, sweep
from deepjscc.images import write_image
from deepjscc.workers import Cluster, Processes

pytestmark = pytest.mark.slow


def test_a_killed_node_loses_nothing(coffee, tmp_path: Path) -> None:
    nodes_of = pytest.importorskip("ray.cluster_utils")
    source = tmp_path / "source"
    source.mkdir()
    for index in range(24):
        write_image(coffee[:, 10 * index : 10 * index + 96, :256], source / f"{index:02d}.png")
    nodes = nodes_of.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    doomed = nodes.add_node(num_cpus=1)
    nodes.wait_for_nodes()
    cluster = Cluster(nodes.address)
    killed = []

    def kill(summary: Summary) -> None:
        if summary.images >= 6 and not killed:
            nodes.remove_node(doomed, allow_graceful=False)
            killed.append(summary.images)

    try:
        summary = run(Job(str(source), str(tmp_path / "a"), system="linear", bandwidth_ratio=1 / 8), cluster, 2, kill)
        plan = Plan(("linear",), str(source), (0.0, 10.0), bandwidth_ratio=1 / 8, images=4)
        swept = sweep(plan, tmp_path / "cluster.parquet", workers=cluster)
        cluster.gpus = 2
        with pytest.raises(DeepJSCCError, match="a task takes 1 cores and 2 GPUs"):
            list(cluster.run(len, ["a"]))
    finally:
        cluster.close()
        nodes.shutdown()
    assert killed
    assert killed[0] < 24 == summary.images
    assert not summary.failed
    run(Job(str(source), str(tmp_path / "b"), system="linear", bandwidth_ratio=1 / 8), Processes(1), 2)
    ours, theirs = (pl.read_parquet(tmp_path / name / "report" / "*.parquet") for name in "ab")
    assert ours.equals(theirs)
    expected = sweep(plan, tmp_path / "processes.parquet", workers=Processes(1))
    assert swept.drop("seconds").equals(expected.drop("seconds"))

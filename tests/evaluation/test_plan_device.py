"""The device of a sweep is no part of what tells its measurements apart."""

from dataclasses import replace

import pytest
import torch

from deepjscc.bulk.job import Job, settings
from deepjscc.evaluation.plan import Plan
from deepjscc.evaluation.unit import Prepared


def test_a_sweep_goes_on_upon_another_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepjscc.systems.placement.parse_device", torch.device)
    plan = Plan(("linear",), "samples", (0.0,), bandwidth_ratio=1 / 12)
    here, there = (Prepared(replace(plan, device=device)).units() for device in ("cpu", "meta"))
    assert here == there


def test_a_bulk_job_goes_on_upon_another_device() -> None:
    assert settings(Job("a", "b")) == settings(Job("a", "b", device="cuda:1"))

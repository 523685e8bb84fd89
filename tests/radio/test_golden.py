"""The receiver's behaviour on fixed recordings, held against values recorded earlier (golden_recordings.py)."""

import json

import numpy as np
import pytest
from golden_recordings import GOLDEN, recordings, summary

from deepjscc.radio.pulse import Pulse

EXPECTED = json.loads(GOLDEN.read_text())
RECORDINGS = list(recordings())


def test_every_golden_value_has_its_recording() -> None:
    assert [name for name, _, _ in RECORDINGS] == list(EXPECTED)


@pytest.mark.parametrize(("name", "samples", "pulse"), RECORDINGS, ids=[name for name, _, _ in RECORDINGS])
def test_the_receiver_behaves_as_recorded(name: str, samples: np.ndarray, pulse: Pulse) -> None:
    frames, expected = summary(samples, pulse), EXPECTED[name]
    assert len(frames) == len(expected)
    for frame, golden in zip(frames, expected, strict=True):
        assert frame["cfo"] == pytest.approx(golden["cfo"], abs=1e-8)
        assert frame["snr_db"] == pytest.approx(golden["snr_db"], abs=0.01)
        exact = ("sample", "header", "side_info", "received", "complete")
        assert [frame.get(key) for key in exact] == [golden.get(key) for key in exact]
        if "symbols" in golden:
            assert np.array(frame["symbols"]) == pytest.approx(np.array(golden["symbols"]), abs=1e-3)
            assert frame["noise_variance"] == pytest.approx(golden["noise_variance"], rel=0.01)

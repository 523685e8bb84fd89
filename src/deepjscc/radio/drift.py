"""A number that changes at a nearly constant rate, followed through noisy measurements: a two-state Kalman filter."""

import numpy as np
from jaxtyping import Float, Real


class Drift:
    """Value and rate; time is counted in pulses.

    Args:
        value: at ``time``.
        deviation: of the value's error.
        rate_deviation: of the rate's error, per pulse.
        wander: variance that the value gains per pulse by itself.
        rate: per pulse.
        time: when it begins.
    """

    def __init__(
        self,
        value: float,
        deviation: float,
        rate_deviation: float,
        wander: float,
        *,
        rate: float = 0.0,
        time: float = 0.0,
    ) -> None:
        self._state = np.array([value, rate])
        self._spread = np.diag([deviation**2, rate_deviation**2])
        self._wander, self._time = wander, time

    @property
    def rate(self) -> float:
        """Change per pulse."""
        return float(self._state[1])

    def at(self, time: float | int) -> float:
        """The value at a time before or after the last measurement."""
        return float(self._state[0] + self._state[1] * (time - self._time))

    def over(self, times: Real[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """The value at every one of some times."""
        return self._state[0] + self._state[1] * (times - self._time)

    def update(self, time: float | int, error: float, variance: float) -> None:
        """Take in a measurement.

        Args:
            time: of it; before the last one, what is known grows older all the same.
            error: measured value minus :meth:`at` of this time.
            variance: of the measurement.
        """
        passed = time - self._time
        move = np.array([[1.0, passed], [0.0, 1.0]])
        self._state, self._time = move @ self._state, time
        self._spread = move @ self._spread @ move.T + np.diag([self._wander * abs(passed), 0.0])
        gain = self._spread[:, 0] / (self._spread[0, 0] + variance)
        self._state = self._state + gain * error
        self._spread = self._spread - np.outer(gain, self._spread[0])

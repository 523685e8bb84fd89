"""A number that changes at a nearly constant rate, followed through noisy measurements: a two-state Kalman filter."""

import numpy as np


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

    def at(self, time: float | int | np.ndarray) -> np.ndarray:
        """The value at times before or after the last measurement."""
        return self._state[0] + self._state[1] * (np.asarray(time, dtype=np.float64) - self._time)

    def update(self, time: float | int, error: float, variance: float) -> None:
        """Take in a measurement.

        Args:
            time: of it, not before the last one.
            error: measured value minus :meth:`at` of this time.
            variance: of the measurement.
        """
        passed = time - self._time
        move = np.array([[1.0, passed], [0.0, 1.0]])
        self._state, self._time = move @ self._state, time
        self._spread = move @ self._spread @ move.T + np.diag([self._wander * passed, 0.0])
        gain = self._spread[:, 0] / (self._spread[0, 0] + variance)
        self._state = self._state + gain * error
        self._spread = self._spread - np.outer(gain, self._spread[0])

"""A two-state Kalman filter: it tracks a quantity that changes at a nearly constant rate through noisy measurements."""

import numpy as np
from jaxtyping import Float, Real


class KalmanFilter:
    """Tracks a value and its rate of change; time is counted in pulses.

    Args:
        value: initial value at ``time``.
        deviation: standard deviation of the initial value's error.
        rate_deviation: standard deviation of the initial rate's error, per pulse.
        process_noise: variance by which the value walks randomly, per pulse.
        rate: initial rate of change, per pulse.
        time: initial time.
    """

    def __init__(
        self,
        value: float,
        deviation: float,
        rate_deviation: float,
        process_noise: float,
        *,
        rate: float = 0.0,
        time: float = 0.0,
    ) -> None:
        self._state = np.array([value, rate])
        self._covariance = np.diag([deviation**2, rate_deviation**2])
        self._process_noise, self._time = process_noise, time

    @property
    def rate(self) -> float:
        """Estimated change per pulse."""
        return float(self._state[1])

    def value_at(self, time: float | int) -> float:
        """The predicted value at a time before or after the last measurement."""
        return float(self._state[0] + self._state[1] * (time - self._time))

    def values_at(self, times: Real[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """The predicted value at each of several times."""
        return self._state[0] + self._state[1] * (times - self._time)

    def variances_at(self, times: Real[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """The variance of the predicted value's error at each of several times."""
        elapsed, ((value, both), (_, rate)) = times - self._time, self._covariance
        return value + 2 * both * elapsed + rate * elapsed**2 + self._process_noise * np.abs(elapsed)

    def update(self, time: float | int, innovation: float, variance: float) -> None:
        """Update the state with a measurement.

        Args:
            time: time of the measurement; one before the last measurement widens the covariance all the same.
            innovation: measured value minus :meth:`value_at` of this time.
            variance: variance of the measurement.
        """
        elapsed = time - self._time
        transition = np.array([[1.0, elapsed], [0.0, 1.0]])
        self._state, self._time = transition @ self._state, time
        process = np.diag([self._process_noise * abs(elapsed), 0.0])
        self._covariance = transition @ self._covariance @ transition.T + process
        gain = self._covariance[:, 0] / (self._covariance[0, 0] + variance)
        self._state = self._state + gain * innovation
        self._covariance = self._covariance - np.outer(gain, self._covariance[0])

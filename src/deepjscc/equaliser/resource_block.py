"""Channel estimation from pilots and LMMSE equalising of OFDM resource blocks, by Sionna."""

from functools import cache
from itertools import repeat
from typing import Any

import torch
from jaxtyping import Complex
from torch import Tensor

from deepjscc.channels.output import ChannelOutput, DelayDoppler
from deepjscc.channels.resource_block import SLOT, SUBCARRIERS, import_sionna, resource_block
from deepjscc.types import Received
from deepjscc.units import noise_variance

BLOCKS_AT_ONCE = 4096  # that are estimated and equalised together: bounds memory for large pictures
_NO_NOISE = 1e-12  # N0 that the equaliser is told where there is none; it divides by it


def equalise_resource_blocks(
    output: ChannelOutput, pilots: Complex[Tensor, "batch pilots"], *, knows_gain: bool
) -> Received:
    """Equalise the symbols of resource blocks, with h known or estimated from the pilots of each block.

    ``Received.gain`` is h where it is known. Else it is the estimate, made smaller by what its error adds to the noise:
    in both cases N0 / |gain|^2 is the error variance of the symbols.

    Args:
        output: y of each symbol, in double precision; symbols that did not arrive stay lost.
        pilots: y of each pilot.
        knows_gain: whether the receiver knows h.
    """
    (batch, uses), h = output.symbols.shape, output.gain
    device, n0 = str(output.symbols.device), noise_variance(output.snr_db)
    place = resource_block(device).place
    y = place(output.symbols, pilots, 0.0)
    response = place(h[:, :uses], h[:, uses:], 1.0) if knows_gain and h is not None else None
    equaliser = _equaliser(device, output.statistics)
    parts = equaliser(y, n0.repeat_interleave(len(y) // batch), response)
    x_hat, error_variance, gain = (part.reshape(batch, -1)[:, :uses] for part in parts)
    lost, precision = output.noise_variance.isinf(), n0.dtype.to_complex()
    return Received(
        x_hat.to(precision).masked_fill(lost, 0),
        error_variance.to(n0.dtype).masked_fill(lost, torch.inf),
        gain.to(precision),
        output.snr_db,
    )


class ResourceBlockEqualiser:
    """Sionna's channel estimator and equaliser of resource blocks, on one device.

    In double precision: at high SNR the error variance of an equalised symbol is a small difference of ones.

    Args:
        device: as torch names it.
        statistics: of h, by which LMMSE estimation smooths over a slot and over a block's subcarriers; None: least
            squares estimates, each subcarrier by itself, interpolated in time.
    """

    def __init__(self, device: str, statistics: DelayDoppler | None) -> None:
        import_sionna()
        from sionna.phy import mimo, ofdm

        here: dict[str, Any] = {"precision": "double", "device": device}
        self._data, grid = resource_block(device).data, resource_block(device).grid
        if statistics is None:
            self._estimator = ofdm.LSChannelEstimator(grid, "lin", **here)
        else:
            of = statistics
            time = ofdm.tdl_time_cov_mat(of.profile, of.speed_m_s, of.carrier_hz, of.symbol_s, SLOT, **here)
            frequency = ofdm.tdl_freq_cov_mat(of.profile, of.spacing_hz, SUBCARRIERS, of.delay_spread_s, **here)
            self._estimator = ofdm.LMMSEChannelEstimator(grid, time, frequency, order="t-f", **here)
        one_link = mimo.StreamManagement(torch.ones(1, 1, dtype=torch.int64).numpy(), 1)
        self._equaliser = ofdm.LMMSEEqualizer(grid, one_link, **here)

    def __call__(self, y: Tensor, n0: Tensor, response: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Estimate the gains of all blocks where they are not known, and equalise.

        Args:
            y: received symbols and pilots, ``[blocks, 1, 1, 14, 12]``.
            n0: noise variance of each block.
            response: h in the shape of y where it is known, else None.

        Returns:
            Of each symbol, ``[blocks, 144]``: x_hat, its error variance, and the gain g for which N0 / |g|^2 is that.
        """
        n0 = n0.double().clamp_min(_NO_NOISE)
        responses = repeat(None) if response is None else response.split(BLOCKS_AT_ONCE)
        pieces = map(self._equalise, y.split(BLOCKS_AT_ONCE), n0.split(BLOCKS_AT_ONCE), responses)
        x_hat, error_variances, gains = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        return x_hat, error_variances, gains

    def _equalise(self, y: Tensor, n0: Tensor, response: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        if response is None:
            # h_hat and E|h_hat - h|^2 of every resource element, from the pilots: Sionna's LMMSE or LS estimator.
            h_hat, h_error = self._estimator(y, n0)
        else:
            h_hat = response[:, None, None].to(torch.complex128)
            h_error = torch.zeros_like(h_hat.real)
        # x_hat = y / h_hat, its error variance (N0 + E|h_hat - h|^2) / |h_hat|^2:
        # Sionna's LMMSE equaliser, without bias, of one stream.
        x_hat, error_variance = self._equaliser(y, h_hat, h_error, n0)
        h_hat, h_error = (part.expand(h_hat.shape).flatten(1)[:, self._data] for part in (h_hat, h_error))
        share = (n0[:, None] / (n0[:, None] + h_error)).sqrt()
        return x_hat.flatten(1), error_variance.flatten(1), h_hat * share


@cache
def _equaliser(device: str, statistics: DelayDoppler | None) -> ResourceBlockEqualiser:
    """The equaliser on a device, made when first needed."""
    return ResourceBlockEqualiser(device, statistics)

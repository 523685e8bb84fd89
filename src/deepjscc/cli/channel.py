"""`deepjscc channel`: passes a recording of symbols, or of a radio signal, through a channel."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deepjscc.cli.common import (
    BitErrorRate,
    ChannelOptions,
    Json,
    Output,
    Seed,
    one_snr,
    print_json,
)
from deepjscc.errors import UsageError

if TYPE_CHECKING:
    from deepjscc.radio.impairments import Impairments


ChannelSnr = Annotated[
    str | None,
    Parameter(allow_leading_hyphen=True, help="Channel SNR P/N0 in dB, which a file of bits does not have."),
]


@Parameter(name="*")
@dataclass(frozen=True)
class WaveformOptions:
    """Impairments of a radio signal; recordings of symbols do not have them."""

    cfo: Annotated[float, Parameter(help="Carrier offset of a radio signal, in cycles per symbol time.")] = 0.0
    delay: Annotated[float, Parameter(help="Delay of a radio signal in samples, which may be fractional.")] = 0.0
    echo: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="Echo of a radio signal as DELAY:GAIN_DB:PHASE_DEG, the delay in samples."),
    ] = ()
    dc_db: Annotated[
        float | None, Parameter(help="DC offset of the receiver, in dB relative to the radio signal's power.")
    ] = None
    iq_gain_db: Annotated[float, Parameter(help="Ratio of the receiver's gains of I and Q in dB.")] = 0.0
    iq_phase_deg: Annotated[float, Parameter(help="Phase error between the receiver's I and Q in degrees.")] = 0.0
    spur_db: Annotated[
        float | None, Parameter(help="Interfering tone, in dB relative to the radio signal's power.")
    ] = None
    samples_per_symbol: Annotated[int, Parameter(help="Samples per symbol time of a radio signal.")] = 4

    def changed(self) -> list[str]:
        """Names of the options that differ from their defaults."""
        names = [one.name for one in fields(self) if getattr(self, one.name) != one.default]
        return ["--" + name.replace("_", "-") for name in names]

    def build(self, snr_db: float) -> "Impairments":
        """The impairments.

        Raises:
            UsageError: an echo that cannot be read.
        """
        from deepjscc.radio.impairments import Impairments
        from deepjscc.radio.noisy_recording import impulse_response, parse_echo

        levels: dict[str, Any] = {"dc_db": self.dc_db, "spur_db": self.spur_db}
        return Impairments(
            snr_db,
            self.cfo,
            self.delay,
            echoes=impulse_response([parse_echo(text) for text in self.echo]),
            iq_gain_db=self.iq_gain_db,
            iq_phase_deg=self.iq_phase_deg,
            **{name: value for name, value in levels.items() if value is not None},
        )


def channel(
    recording: Path,
    *,
    output: Output,
    snr_db: ChannelSnr = None,
    over: ChannelOptions = ChannelOptions(),
    waveform: WaveformOptions = WaveformOptions(),
    bit_error_rate: BitErrorRate = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Pass recorded symbols, or a recorded radio signal, through a channel into another recording.

    Args:
        recording: A recording of deepjscc encode, or of deepjscc tx (SigMF or NAME.cf32), or NAME.bits.
    """
    from deepjscc.radio.bit_file import is_bit_file

    if is_bit_file(recording):
        if snr_db is not None or bit_error_rate is None or over != ChannelOptions() or waveform.changed():
            raise UsageError("a file of bits takes --bit-error-rate, and no other channel")
        _flip_bits(recording, output, bit_error_rate, seed, json)
        return
    if bit_error_rate is not None:
        raise UsageError("--bit-error-rate is for a file of bits, NAME.bits")
    if snr_db is None:
        raise UsageError("give the channel's --snr-db")
    snr = one_snr(snr_db)

    from deepjscc.radio.noisy_recording import is_waveform

    if is_waveform(recording):
        report = _impair(recording, output, snr, over, waveform, seed)
        line = f"{report['file']}: {report['samples']} samples at {snr:g} dB"
    else:
        if waveform.changed():
            raise UsageError(f"{', '.join(waveform.changed())}: these options are for radio signals of deepjscc tx")
        report = _pass_symbols(recording, output, snr, over, seed)
        pilots = f", and {report['pilot_uses']} pilots beside them" if report["pilot_uses"] else ""
        line = f"{report['data_file']}: {report['symbols']} symbols at {snr:g} dB{pilots}"
    if json:
        print_json(report)
    else:
        print(line)


def _flip_bits(recording: Path, output: Path, error_rate: float, seed: int, json: bool) -> None:
    from deepjscc.radio.bits import flip_bits_of

    report = flip_bits_of(recording, output, error_rate, seed)
    if json:
        print_json(report)
    else:
        print(f"{report['bits_file']}: {report['flipped']} of {report['bits']} bits flipped")


def _pass_symbols(recording: Path, output: Path, snr_db: float, over: ChannelOptions, seed: int) -> dict[str, Any]:
    from deepjscc.radio.split import pass_channel

    return pass_channel(recording, over.build(), output, snr_db, seed)


def _impair(
    recording: Path, output: Path, snr_db: float, over: ChannelOptions, waveform: WaveformOptions, seed: int
) -> dict[str, Any]:
    import numpy as np

    from deepjscc.radio.noisy_recording import impair_recording
    from deepjscc.radio.pulse import Pulse

    if over != ChannelOptions():
        raise UsageError(
            "a radio signal takes no option of a symbol channel; its channel has white noise, echoes (--echo) and the "
            "impairments of a receiver"
        )
    by, pulse = waveform.build(snr_db), Pulse(waveform.samples_per_symbol)
    return impair_recording(recording, output, by, pulse, np.random.default_rng(seed))

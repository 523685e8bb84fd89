"""Systems by name: ``MODEL``, ``CODEC+CODING`` or ``CODEC+CODING+hybrid``, such as ``linear``, ``jpeg2000+ideal@10dB``.

Options follow the name of a model. ``MODEL@m=100`` and ``MODEL@feedback`` choose how the transmitter of residual
transmission estimates the received image, ``MODEL@k=3`` sets the number of steps of an unrolled receiver, and
``MODEL@diffusion=10`` refines the received picture by a diffusion model in 10 sampling steps.
A model or a hybrid followed by ``@256qam`` (equally spaced levels) or ``@256qam-lloyd`` sends points of that
constellation alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

from deepjscc.channels import Channel
from deepjscc.digital import CODECS, LDPC, Coding, FineLDPC, FiniteLength, Ideal
from deepjscc.digital.bler import table_hash
from deepjscc.digital.fine.thresholds import table_hash as fine_table_hash
from deepjscc.digital.schemes import SETS, scheme
from deepjscc.errors import UsageError
from deepjscc.extensions import is_file_reference
from deepjscc.models import BlockCode, IteratedJSCC, Residual
from deepjscc.systems.base import System
from deepjscc.systems.constellation_link import on_constellation, split_constellation
from deepjscc.systems.digital import Digital
from deepjscc.systems.hybrid import Hybrid
from deepjscc.systems.hybrid_options import HybridOptions
from deepjscc.systems.hybrid_waveform import HybridWaveform
from deepjscc.systems.link import Link
from deepjscc.systems.refined import Refined
from deepjscc.systems.residual_link import ResidualLink, make_link
from deepjscc.systems.user_system import load_user_system
from deepjscc.units import spread_offsets_db
from deepjscc.zoo import load, load_refiner, load_residual_code, weights_hash

HYBRID, HYBRID_CODING, RESIDUAL_WEIGHTS = "hybrid", "ldpc-fine", "hybrid-analog"
SAMPLING_STEPS = 10  # of diffusion, where none are asked for
CODINGS = ("ideal", "normal", *SETS, "ldpc-fine")


@dataclass(frozen=True)
class NamedSystem:
    """A system with the properties that identify it in a results table.

    Attributes:
        name: the name that the user gave.
        system: the system, ready to transmit.
        weights: first digits of the SHA-256 of the weights of a learned system and of its refiner; else None.
        container: whether the header bytes of a digital system's files are counted; None for other systems.
        error_rates: first digits of the SHA-256 of the table of block error rates that the system uses; else None.
    """

    name: str
    system: System
    weights: str | None = None
    container: bool | None = None
    error_rates: str | None = None


def make_system(
    name: str,
    channel: Channel,
    *,
    bandwidth_ratio: float | None = None,
    container: bool = True,
    simulate: bool = False,
    snr_spread_db: float = 0.0,
) -> NamedSystem:
    """Build a system from its name.

    Args:
        name: a model of the zoo, a checkpoint's path, a codec and a coding, a hybrid, or ``path.py:make``.
        channel: the channel of the link.
        bandwidth_ratio: complex channel uses per source value; None takes the model's own. A digital link has none.
        container: whether to count the header bytes of a digital system's files.
        simulate: whether to send every bit of an LDPC code instead of looking up its error rate; added to the name.
        snr_spread_db: half the width in dB of the range around the design SNR in which the transmitter expects the SNR
            of the channel; it is added to the name.

    Raises:
        UsageError: an unknown model, codec or coding, or a digital link without a ratio.
    """
    if snr_spread_db:
        known = make_system(name, channel, bandwidth_ratio=bandwidth_ratio, container=container, simulate=simulate)
        if not isinstance(known.system, Link):
            raise UsageError(f"{name} can plan only for one SNR, not for a range of SNRs")
        link = known.system.with_snr_offsets(spread_offsets_db(snr_spread_db))
        return replace(known, name=f"{known.name}, ±{snr_spread_db:g} dB", system=link)
    plain, constellation = split_constellation(name)
    if constellation is not None:
        # A hybrid has points only where every bit is really sent.
        by_bits = simulate or is_hybrid(plain)
        inner = make_system(plain, channel, bandwidth_ratio=bandwidth_ratio, container=container, simulate=by_bits)
        return replace(inner, name=name, system=on_constellation(inner.system, constellation, plain))
    if is_file_reference(name):
        own, content = load_user_system(name, channel, bandwidth_ratio)
        return NamedSystem(name, own, weights=content)
    if is_hybrid(name):
        return _hybrid(name, channel, bandwidth_ratio, container, simulate)
    codec_name, plus, coding_name = name.partition("+")
    if not plus or ".safetensors" in name:
        if name in CODECS:
            raise UsageError(f"{name} is a codec; name its channel coding too, as {name}+ideal")
        return _learned(name, channel, bandwidth_ratio)
    if codec_name not in CODECS:
        raise UsageError(f"unknown codec {codec_name!r}; there are {', '.join(CODECS)}")
    by_bits = simulate and coding_name.startswith("ldpc")
    coding = parse_coding(coding_name, simulate=by_bits)
    if bandwidth_ratio is None:
        raise UsageError(f"{name} has no bandwidth ratio of its own; give one, such as --bandwidth-ratio 1/12")
    transmitter = Digital(CODECS[codec_name](container=container), channel, coding)
    digital = Link(transmitter, channel, bandwidth_ratio=bandwidth_ratio)
    return NamedSystem(
        f"{name}, every bit" if by_bits else name,
        digital,
        container=container,
        error_rates=_error_rates(coding),
    )


def is_hybrid(name: str) -> bool:
    """Whether a name is that of a hybrid, either ``hybrid`` or ``CODEC+CODING+hybrid``, with or without options."""
    return name.split("+")[-1].partition("@")[0] == HYBRID and ".safetensors" not in name


def _hybrid(name: str, channel: Channel, bandwidth_ratio: float | None, container: bool, simulate: bool) -> NamedSystem:
    """Build a hybrid from its name and options, for example ``hevc+ldpc-fine@10dB+hybrid@share=0.2@floor=0``."""
    *front, last = name.split("+")
    if len(front) not in (0, 2):
        raise UsageError(f"{name}: a hybrid has the name hybrid, or CODEC+CODING+hybrid such as jpeg2000+ideal+hybrid")
    codec_name, coding_name = front or (default_codec(), HYBRID_CODING)
    if codec_name not in CODECS:
        raise UsageError(f"unknown codec {codec_name!r}; there are {', '.join(CODECS)}")
    kind, at, design = coding_name.partition("@")
    coding = parse_coding(kind, simulate=simulate and kind.startswith("ldpc"))
    values = _hybrid_options(last, name)
    if at:
        values["design_snr_db"] = _planned(design, coding_name)
    analog, residual_code = load("linear"), load_residual_code(RESIDUAL_WEIGHTS)
    assert isinstance(analog, BlockCode)
    codec = CODECS[codec_name](container=container)
    hybrid = Hybrid(codec, channel, coding, residual_code, analog, HybridOptions(**values))
    by_bits = simulate and kind.startswith("ldpc")
    return NamedSystem(
        f"{name}, every bit" if by_bits else name,
        Link(HybridWaveform(hybrid) if by_bits else hybrid, channel, bandwidth_ratio=bandwidth_ratio),
        weights=weights_hash(RESIDUAL_WEIGHTS),
        container=container,
        error_rates=_error_rates(coding),
    )


def default_codec() -> str:
    """The codec of a hybrid's base by default: HEVC if PyAV is installed, else AVIF."""
    return "hevc" if find_spec("av") is not None else "avif"


def _hybrid_options(text: str, name: str) -> dict[str, float]:
    """Parse the options of a hybrid: ``@share=0.2``, ``@floor=0``, ``@margin=1``."""
    fields = {"share": "analog_share", "floor": "floor_db", "margin": "margin_db"}
    values: dict[str, float] = {}
    for option in text.split("@")[1:]:
        key, _, value = option.partition("=")
        try:
            values[fields[key]] = float(value)
        except (KeyError, ValueError):
            raise UsageError(f"{name}: the options of a hybrid are {', '.join(fields)}, such as @share=0.2") from None
    return values


def _error_rates(coding: Coding) -> str | None:
    """First digits of the SHA-256 of the table of block error rates that a coding uses; None without one."""
    if isinstance(coding, Ideal):
        return None
    return fine_table_hash() if isinstance(coding, FineLDPC) else table_hash()


def check_simulation(simulate: bool, names: Sequence[str]) -> None:
    """Check that at least one of the systems has bits to simulate, if they are to be simulated.

    Raises:
        UsageError: bits are to be simulated and no system has an LDPC code.
    """
    if simulate and not any("+ldpc" in name or name.partition("@")[0] == HYBRID for name in names):
        raise UsageError("there are no bits to simulate, because no system has an LDPC code, such as hevc+ldpc")


def _learned(name: str, channel: Channel, bandwidth_ratio: float | None) -> NamedSystem:
    """Build the link of a model with the options that follow its name."""
    model_name, *options = name.split("@")
    model, hashes = load(model_name), [weights_hash(model_name)]
    receptions: int | None = None
    residual_link, refiner, sampling_steps = False, None, SAMPLING_STEPS
    for option in options:
        key, equals, value = option.partition("=")
        count = _count(value, name) if equals else None
        if (key, count is None) in (("m", False), ("feedback", True)):
            if not isinstance(model, Residual):
                raise UsageError(
                    f"{name}: only a model of residual transmission has the option @{option}, because only its "
                    "transmitter estimates the received image"
                )
            residual_link, receptions = True, count
        elif key == "k" and count is not None:
            if not isinstance(model, IteratedJSCC):
                raise UsageError(f"{name}: only a model with an unrolled receiver has the option @{option}")
            model = model.stopped_after(count)
        else:
            refiner, sampling_steps = load_refiner(key), SAMPLING_STEPS if count is None else count
            hashes.append(weights_hash(key))
            if hashes[0] not in refiner.refines.values():
                raise UsageError(f"{key} refines {', '.join(refiner.refines)}; it was not trained for {model_name}")
    link = (
        ResidualLink(model, channel, bandwidth_ratio=bandwidth_ratio, receptions=receptions)
        if residual_link and isinstance(model, Residual)
        else make_link(model, channel, bandwidth_ratio=bandwidth_ratio)
    )
    system = link if refiner is None else Refined(link, refiner, sampling_steps)
    return NamedSystem(name, system, weights="+".join(hashes))


def _count(text: str, name: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise UsageError(f"{name}: {text!r} is not a whole number")
    return int(text)


def parse_coding(text: str, *, simulate: bool = False) -> Coding:
    """A channel coding from its name.

    The names are ``ideal`` (capacity), ``normal`` (the normal approximation at the block length of the LDPC codes),
    ``ldpc`` (the standard's modulation and coding schemes), ``ldpc-papers`` (the schemes of deep JSCC papers) and
    ``ldpc-fine`` (any rate, with shaped modulation). Each adapts its rate to the SNR, so that its curve over the SNR is
    an envelope of links. With ``@10dB`` it keeps the rate planned for 10 dB, and with ``ldpc@16qam-490`` a scheme.

    Raises:
        UsageError: an unknown name, or bits to simulate of a coding that has none.
    """
    kind, at, plan = text.partition("@")
    if kind not in CODINGS:
        raise UsageError(f"unknown channel coding {text!r}; there are {', '.join(CODINGS)}, each also as ideal@10dB")
    one = scheme(plan) if kind in SETS else None
    plan_snr_db = _planned(plan, text) if at and one is None else None
    if kind in SETS:
        return LDPC((one,) if one else SETS[kind], plan_snr_db, simulate)
    if kind == "ldpc-fine":
        return FineLDPC(plan_snr_db, simulate)
    if simulate:
        raise UsageError(f"{kind} is a bound without a code, so there are no bits to simulate; use ldpc")
    return Ideal(plan_snr_db) if kind == "ideal" else FiniteLength(plan_snr_db)


def _planned(plan: str, text: str) -> float:
    try:
        snr_db = float(plan.removesuffix("dB"))
    except ValueError:
        snr_db = float("nan")
    if snr_db != snr_db:
        scheme_too = f", or a scheme, such as {text.partition('@')[0]}@16qam-490" if text.startswith("ldpc") else ""
        raise UsageError(f"{plan!r} in {text!r} is not an SNR; write {text.partition('@')[0]}@10dB{scheme_too}")
    return snr_db

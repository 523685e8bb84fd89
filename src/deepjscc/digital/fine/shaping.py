"""Distribution matching: bits to amplitudes of a given distribution and back, by asymmetric numeral systems.

Decoding uniform bits under a model gives symbols with the model's distribution, and encoding those gives the bits back
(Duda 2009). The number of bits that the amplitudes consume varies, so the message is followed by padding that both ends
know; how much of it is left and the state of the decoder, which holds a part of the message, are sent as plain bits.
"""

import math

import constriction
import numpy as np

SIDE_BITS = 4 + 16 + 64  # number of the scrambler, words left, state
SCRAMBLERS = 16  # tried until the amplitudes consume the whole message
_SLACK_DEVIATIONS = 1.5
_PADDING_SEED = 1 << 16


def entropy(weights: tuple[int, ...]) -> tuple[float, float]:
    """Mean and standard deviation of the information of an amplitude in bits, rounded to be the same on every machine.

    Args:
        weights: of the amplitudes, proportional to their probabilities.
    """
    total = sum(weights)
    information = [math.log2(total / weight) for weight in weights]
    mean = sum(weight * one for weight, one in zip(weights, information, strict=True)) / total
    square = sum(weight * one * one for weight, one in zip(weights, information, strict=True)) / total
    return round(mean, 9), round(math.sqrt(max(square - mean * mean, 0.0)), 9)


def matched_bits(amplitudes: int, weights: tuple[int, ...]) -> int:
    """Message bits that so many amplitudes carry: whole words of 32 bits, 0 where there is room for none.

    Args:
        amplitudes: their number.
        weights: see :func:`entropy`.
    """
    mean, spread = entropy(weights)
    return max(0, 32 * math.floor((amplitudes * mean - _SLACK_DEVIATIONS * spread * math.sqrt(amplitudes) - 64) / 32))


def scrambler(bits: int, number: int = 0) -> np.ndarray:
    """A fixed pseudo-random sequence of bits: raw output of PCG64, which NumPy keeps the same over versions.

    Args:
        bits: its length.
        number: which one.
    """
    words = np.random.PCG64(38212 + number).random_raw(-(-bits // 64)).astype("<u8")
    return np.unpackbits(words.view(np.uint8))[:bits]


def shape(message: np.ndarray, amplitudes: int, weights: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Bits to amplitudes.

    Args:
        message: as many bits as :func:`matched_bits` says.
        amplitudes: their number.
        weights: see :func:`entropy`.

    Returns:
        Amplitudes as indices, and the :data:`SIDE_BITS` that must be sent beside them.
    """
    padding, model = _padding(amplitudes, weights), _model(weights)
    for number in range(SCRAMBLERS):
        words = _to_words(message ^ scrambler(len(message), number))
        coder = constriction.stream.stack.AnsCoder(np.concatenate([padding, words]), True)
        indices = coder.decode(model, amplitudes)
        left = coder.get_compressed()
        if 2 < len(left) <= len(padding) + 2:  # the whole message was consumed, and not all of the padding
            side = [
                _to_bits(np.array([number], dtype=np.uint32))[-4:],
                _to_bits(np.array([len(left)], np.uint32))[-16:],
            ]
            return np.asarray(indices), np.concatenate([*side, _to_bits(left[-2:])])
    raise AssertionError("no scrambler of 16 fits, which has a probability under 1e-15")


def unshape(indices: np.ndarray, side: np.ndarray, weights: tuple[int, ...]) -> np.ndarray | None:
    """Amplitudes back to bits: the inverse of :func:`shape`; None where the parts do not belong together.

    Args:
        indices: of the amplitudes.
        side: the bits that came beside them.
        weights: see :func:`entropy`.
    """
    padding, count = _padding(len(indices), weights), matched_bits(len(indices), weights)
    number, left = (int(_to_words(np.pad(part, (32 - len(part), 0)))[0]) for part in (side[:4], side[4:20]))
    if not 2 < left <= len(padding) + 2:
        return None
    coder = constriction.stream.stack.AnsCoder(np.concatenate([padding[: left - 2], _to_words(side[20:])]))
    coder.encode_reverse(indices.astype(np.int32), _model(weights))
    try:
        words = coder.get_compressed(unseal=True)
    except (AssertionError, ValueError):
        return None
    return (
        None if len(words) != len(padding) + count // 32 else _to_bits(words[len(padding) :]) ^ scrambler(count, number)
    )


def _model(weights: tuple[int, ...]) -> object:
    return constriction.stream.model.Categorical(np.array(weights) / sum(weights), perfect=False)


def _padding(amplitudes: int, weights: tuple[int, ...]) -> np.ndarray:
    """Words that both ends know, more than the spread of consumption can use up."""
    spread = entropy(weights)[1]
    count = min(16 + math.ceil(8 * (spread + 0.1) * math.sqrt(amplitudes) / 32), 65000)
    return _to_words(scrambler(32 * count, _PADDING_SEED))


def _to_words(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits.astype(np.uint8)).view(">u4").astype(np.uint32)


def _to_bits(words: np.ndarray) -> np.ndarray:
    return np.unpackbits(np.asarray(words).astype(">u4").view(np.uint8))

"""The systems that commands and the page take where the user names none."""

HYBRID, UNIVERSAL = "hybrid", "universal-s"
QUICK_HYBRID = "jpeg2000+ldpc-fine+hybrid"
HYBRID_CHANNELS = ("awgn", "rayleigh", "rician", "clipped")
MAX_PIXELS = 178_000_000  # of a picture that is opened; just under the number at which Pillow itself refuses
LARGE_PIXELS = 8_000_000  # a picture of more goes in pieces, by a quick codec where none is named


def default_system(channel: str, coherence: str | None, pixels: int = 0) -> str:
    """The system for a channel.

    A hybrid gives the best image over AWGN, where it knows the SNR, and over slow fading, where it plans for the
    distribution of the gain. Over fast fading and OFDM `universal-s` needs no block error rates.

    Args:
        channel: name of the channel, such as awgn.
        coherence: of the fading, "image" or "symbol"; None: the channel's own.
        pixels: of the picture; for a large one a hybrid takes a quick codec, since HEVC takes seconds a megapixel.
    """
    if channel not in HYBRID_CHANNELS or coherence == "symbol":
        return UNIVERSAL
    return QUICK_HYBRID if pixels > LARGE_PIXELS else HYBRID

"""The systems that commands and the page take where the user names none."""

HYBRID, UNIVERSAL = "hybrid", "universal-s"
HYBRID_CHANNELS = ("awgn", "rayleigh", "rician", "clipped")


def default_system(channel: str, coherence: str | None) -> str:
    """The system for a channel.

    A hybrid gives the best image over AWGN, where it knows the SNR, and over slow fading, where it plans for the
    distribution of the gain. Over fast fading and OFDM `universal-s` needs no block error rates.

    Args:
        channel: name of the channel, such as awgn.
        coherence: of the fading, "image" or "symbol"; None: the channel's own.
    """
    return HYBRID if channel in HYBRID_CHANNELS and coherence != "symbol" else UNIVERSAL

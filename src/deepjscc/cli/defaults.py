"""What commands take where the user names no system: the strongest one for what the transmitter knows."""

HYBRID, UNIVERSAL = "hybrid", "universal-s"


def default_system(channel: str) -> str:
    """The system for a channel.

    A hybrid gives the best picture where the transmitter knows the SNR, which over AWGN it does. Over fading it does
    not, and `universal-s` degrades gracefully.

    Args:
        channel: name of the channel, such as awgn.
    """
    return HYBRID if channel == "awgn" else UNIVERSAL

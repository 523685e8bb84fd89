"""AWGN: the channel that only adds noise."""

from deepjscc.channels.base import Channel


class AWGN(Channel):
    """y = z + n, n ~ CN(0, N0)."""

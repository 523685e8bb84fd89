"""Samples over ZeroMQ as GNU Radio's PUB and SUB blocks speak: messages of raw cf32, nothing else."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.radio.pulse import Samples

MESSAGE = 8192  # samples of a message that is sent
IDLE_S = 1.0  # without a message after which a frame will not go on
QUEUE = 1000  # messages held on either side


def endpoint(address: str, *, public: bool, binds: bool) -> str:
    """ZeroMQ's name of ``zmq://HOST:PORT``.

    Raises:
        UsageError: not such an address, or one that would let other machines in without being told to.
    """
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "zmq" or not parts.hostname or port is None or parts.path:
        raise UsageError(f"{address!r} is no address; write zmq://127.0.0.1:5555")
    if binds and not public and not _is_loopback(parts.hostname):
        raise UsageError(f"{address} would let other machines in; say --public if they may, or use 127.0.0.1")
    return f"tcp://{parts.netloc.replace('localhost', '127.0.0.1')}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Publisher:
    """Sends samples to whoever listens; waits for the first listener, and for slow ones.

    Args:
        address: ``zmq://HOST:PORT`` to bind to.
        public: whether it may be one that other machines reach.
        wait_s: how long to wait for a listener.

    Raises:
        UsageError: no such address.
        DeepJSCCError: pyzmq is missing, the port is taken, or nobody came.
    """

    def __init__(self, address: str, *, public: bool = False, wait_s: float = 60.0) -> None:
        zmq = _zmq()
        self._socket = zmq.Context.instance().socket(zmq.XPUB)  # a PUB that hears of its listeners
        self._socket.setsockopt(zmq.SNDHWM, QUEUE)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        self._socket.setsockopt(zmq.SNDTIMEO, round(1000 * wait_s))
        self._socket.setsockopt(zmq.LINGER, 10_000)
        try:
            self._socket.bind(endpoint(address, public=public, binds=True))
        except zmq.ZMQError as error:
            self._socket.close()
            raise DeepJSCCError(f"{address}: {zmq.strerror(error.errno)}") from None
        if not self._socket.poll(round(1000 * wait_s)):
            self._socket.close(0)
            raise DeepJSCCError(f"{address}: nobody listened within {wait_s:g} s")
        self._address, self._again = address, zmq.Again

    def send(self, samples: Samples) -> None:
        """Send samples.

        Raises:
            DeepJSCCError: listeners do not take them.
        """
        raw = samples.astype("<c8")
        try:
            for start in range(0, len(raw), MESSAGE):
                self._socket.send(raw[start : start + MESSAGE].tobytes())
        except self._again:
            raise DeepJSCCError(f"{self._address}: the listener takes no more samples") from None

    def close(self) -> None:
        """Send what is still queued, within ten seconds, and close."""
        self._socket.close()


class Subscriber:
    """Receives samples from a publisher until it is closed.

    Args:
        address: ``zmq://HOST:PORT`` to connect to.

    Attributes:
        left_over: bytes of messages that made no whole sample: probably not cf32.

    Raises:
        UsageError: no such address.
        DeepJSCCError: pyzmq is missing.
    """

    def __init__(self, address: str) -> None:
        zmq = _zmq()
        self.left_over = 0
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, QUEUE)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.connect(endpoint(address, public=True, binds=False))

    def __iter__(self) -> Iterator[Samples | None]:
        heard = False
        while True:
            if not self._socket.poll(1000 * IDLE_S):
                if heard:
                    yield None
                heard = False
                continue
            heard, message = True, self._socket.recv()
            whole = len(message) // 8 * 8
            self.left_over += len(message) - whole
            yield np.frombuffer(message[:whole], "<c8").astype(np.complex64)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def note(self) -> str | None:
        """What is to be said of it at the end."""
        return f"{self.left_over} bytes of messages were no whole samples: not cf32?" if self.left_over else None


def _zmq():  # type: ignore[no-untyped-def]
    try:
        import zmq
    except ImportError:
        raise DeepJSCCError("ZeroMQ needs pyzmq: pip install 'deepjscc[radio]'") from None
    return zmq

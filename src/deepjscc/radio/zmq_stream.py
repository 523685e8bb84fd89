"""Samples over ZeroMQ in the format of GNU Radio's PUB and SUB blocks: messages of raw cf32."""

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import numpy as np

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.radio.pulse import Samples

MESSAGE = 8192  # samples of a transmitted message
IDLE_S = 1.0  # seconds without a message after which the current frame is taken as ended
SEND_QUEUE = 1000  # messages of our own that wait for a slow subscriber
RECEIVE_QUEUE = 128  # received messages that wait to be read
MAX_MESSAGE_BYTES = 1 << 20  # larger messages are refused, so that at most 128 MiB wait


def endpoint(address: str, *, public: bool, binds: bool) -> str:
    """ZeroMQ's endpoint of the address ``zmq://HOST:PORT``.

    Raises:
        UsageError: an invalid address, or one that would admit other machines without ``public``.
    """
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "zmq" or not parts.hostname or port is None or parts.path:
        raise UsageError(f"{address!r} is not an address; an example is zmq://127.0.0.1:5555")
    if binds and not public and not _is_loopback(parts.hostname):
        raise UsageError(f"{address} would admit other machines; add --public to allow that, or use 127.0.0.1")
    return f"tcp://{parts.netloc.replace('localhost', '127.0.0.1')}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Publisher:
    """Sends samples to its subscribers; waits for the first subscriber, and for slow ones.

    Args:
        address: ``zmq://HOST:PORT`` to bind to.
        public: whether other machines may connect.
        wait_s: seconds to wait for a subscriber.

    Raises:
        UsageError: an invalid address.
        DeepJSCCError: pyzmq is missing, the port is taken, or no subscriber has connected.
    """

    def __init__(self, address: str, *, public: bool = False, wait_s: float = 60.0) -> None:
        zmq, place = _zmq(), endpoint(address, public=public, binds=True)
        self._context = zmq.Context()  # its own, so that close() can wait until the messages have left
        self._socket = self._context.socket(zmq.XPUB)  # a PUB socket that is informed of its subscribers
        self._socket.setsockopt(zmq.SNDHWM, SEND_QUEUE)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        self._socket.setsockopt(zmq.SNDTIMEO, round(1000 * wait_s))
        self._socket.setsockopt(zmq.LINGER, 10_000)
        try:
            self._socket.bind(place)
        except zmq.ZMQError as error:
            self._context.destroy(0)
            raise DeepJSCCError(f"{address}: {zmq.strerror(error.errno)}") from None
        if not self._socket.poll(round(1000 * wait_s)):
            self._context.destroy(0)
            raise DeepJSCCError(f"{address}: no subscriber connected within {wait_s:g} s")
        self._address, self._again = address, zmq.Again

    def send(self, samples: Samples) -> None:
        """Send samples.

        Raises:
            DeepJSCCError: a subscriber does not accept them in time.
        """
        raw = samples.astype("<c8")
        try:
            for start in range(0, len(raw), MESSAGE):
                self._socket.send(raw[start : start + MESSAGE].tobytes())
        except self._again:
            raise DeepJSCCError(f"{self._address}: the subscriber accepts no more samples") from None

    def close(self) -> None:
        """Close the socket, and wait until queued messages have been sent, for at most ten seconds."""
        self._socket.close()
        self._context.term()  # the end of the process alone would drop what is queued


class Subscriber:
    """Receives samples from a publisher until it is closed; the memory of waiting messages is bounded.

    Args:
        address: ``zmq://HOST:PORT`` to connect to.

    Attributes:
        left_over: number of bytes of messages that make no whole sample.
        messages: number of messages received.
        disconnects: how often the connection has ended, once the socket is closed.

    Raises:
        UsageError: an invalid address.
        DeepJSCCError: pyzmq is missing.
    """

    def __init__(self, address: str) -> None:
        zmq = _zmq()
        self.left_over = self.messages = self.disconnects = 0
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, RECEIVE_QUEUE)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._endpoint = endpoint(address, public=True, binds=False)
        self._socket.connect(self._endpoint)

    def __iter__(self) -> Iterator[Samples | None]:
        zmq, active = _zmq(), False
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(1000 * IDLE_S))
            if self._monitor in ready:
                self._count_disconnects()
                self._connect_again()
            if self._socket not in ready and self._monitor in ready:
                continue
            if self._socket not in ready:
                if active:
                    yield None
                active = False
                continue
            active, message = True, self._socket.recv()
            self.messages += 1
            whole = len(message) // 8 * 8
            self.left_over += len(message) - whole
            yield np.frombuffer(message[:whole], "<c8").astype(np.complex64)

    def close(self) -> None:
        """Close the socket."""
        self._count_disconnects()
        self._socket.disable_monitor()
        self._socket.close()

    def _count_disconnects(self) -> None:
        while self._monitor.poll(0):
            self._monitor.recv_multipart()
            self.disconnects += 1

    def _connect_again(self) -> None:
        """Connect anew: after a message that is too large ZeroMQ does not do that by itself."""
        with suppress(_zmq().ZMQError):
            self._socket.disconnect(self._endpoint)
        self._socket.connect(self._endpoint)

    def note(self) -> str | None:
        """A warning at the end; None where there is none."""
        if self.disconnects and not self.messages:
            return f"the sender's messages were refused; they may have at most {MAX_MESSAGE_BYTES >> 20} MiB"
        return f"{self.left_over} bytes of messages are no whole samples; are they cf32?" if self.left_over else None


def _zmq():  # type: ignore[no-untyped-def]
    try:
        import zmq
    except ImportError:
        raise DeepJSCCError("ZeroMQ needs pyzmq: pip install 'deepjscc[radio]'") from None
    return zmq

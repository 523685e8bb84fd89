"""The codings made last, in memory and up to so many bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class ByteCache:
    """Codings by key, the least recently used dropped first: a sweep over SNRs asks for the same again and again."""

    ENTRY_OVERHEAD = 200

    def __init__(self, max_bytes: int = 64 * 2**20) -> None:
        self.max_bytes, self.bytes = max_bytes, 0
        self._entries: OrderedDict[Hashable, bytes | None] = OrderedDict()
        self._lock = threading.Lock()  # not held while an entry is made

    def get_or_make(self, key: Hashable, make: Callable[[], bytes | None]) -> bytes | None:
        """The entry of this key, made now if it is not there."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        data = make()
        with self._lock:
            self.bytes += self._size(data) - (self._size(self._entries[key]) if key in self._entries else 0)
            self._entries[key] = data
            while self.bytes > self.max_bytes:
                self.bytes -= self._size(self._entries.popitem(last=False)[1])
        return data

    def _size(self, data: bytes | None) -> int:
        return len(data or b"") + self.ENTRY_OVERHEAD

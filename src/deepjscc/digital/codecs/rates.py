"""Rate points on disk: what a slow codec has coded once need not be coded again in the next run."""

import hashlib
from pathlib import Path

from deepjscc.errors import DeepJSCCError
from deepjscc.files import cache_folder, write_atomically

MAX_BYTES = 2**30  # of all files together; a curve of 24 Kodak pictures over 10 SNRs takes about 30 MB
_DIGEST = 16


def rates_folder() -> Path | None:
    """``rates`` in the user's cache folder of this program; None for a user without a home."""
    folder = cache_folder()
    return None if folder is None else folder / "rates"


class RateStore:
    """Coded pictures in the user's cache folder; without a folder that can be written it forgets, and nothing fails.

    Every file holds one picture at one rate behind the first bytes of its SHA-256; a file that does not agree with them
    counts as missing. Whoever opens the store when it holds more than ``max_bytes`` removes the oldest files, down to
    three quarters. The folder may be deleted at any time.

    Args:
        codec: name of the codec.
        settings: all that its bytes depend on beside picture, variant and level, such as versions.
        max_bytes: of all codecs together.
    """

    def __init__(self, codec: str, settings: str, max_bytes: int = MAX_BYTES) -> None:
        root = rates_folder()
        self._folder = root and root / f"{codec}-{hashlib.sha256(settings.encode()).hexdigest()[:16]}"
        if root is not None:
            _trim(root, max_bytes)

    def _path(self, folder: Path, picture: bytes, variant: int, level: int) -> Path:
        return folder / picture.hex()[:32] / f"{variant}-{level}"

    def get(self, picture: bytes, variant: int, level: int) -> bytes | None:
        """Return what was coded before, or None.

        Args:
            picture: hash of the picture.
            variant: index of the variant.
            level: of quality.
        """
        if self._folder is None:
            return None
        try:
            digest_and_data = self._path(self._folder, picture, variant, level).read_bytes()
        except OSError:
            return None
        digest, data = digest_and_data[:_DIGEST], digest_and_data[_DIGEST:]
        return data if hashlib.sha256(data).digest()[:_DIGEST] == digest else None

    def put(self, picture: bytes, variant: int, level: int, data: bytes) -> None:
        """Keep it, where that can be done; see :meth:`get`."""
        if self._folder is None:
            return
        path = self._path(self._folder, picture, variant, level)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda file: file.write(hashlib.sha256(data).digest()[:_DIGEST] + data))
        except (OSError, DeepJSCCError):
            self._folder = None  # read-only or full: one attempt is enough


def _trim(root: Path, max_bytes: int) -> None:
    """Remove the oldest files when all together are too many bytes."""
    try:
        found = [(path, path.stat()) for path in root.rglob("*") if path.is_file()]
        total = sum(stat.st_size for _, stat in found)
        if total <= max_bytes:
            return
        for path, stat in sorted(found, key=lambda entry: entry[1].st_mtime):
            path.unlink(missing_ok=True)
            total -= stat.st_size
            if total <= max_bytes * 3 // 4:
                return
    except OSError:  # another process trims too
        return

"""Folders and buckets by one door, fsspec: a local path, or a URL such as s3://bucket/folder."""

import io
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import locked, write_atomically
from deepjscc.images import SUFFIXES


class Store:
    """A folder on any file system that fsspec knows; names in it are relative, with slashes.

    Args:
        url: a local path, or a URL.

    Raises:
        UsageError: no such kind of file system, or what it takes is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            files, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise UsageError(f"{url}: {error}") from None
        self._files: Any = files
        self._root: str = root.rstrip("/")
        self._local = isinstance(files, LocalFileSystem)

    def pictures(self) -> Iterator[str]:
        """Names of all pictures below, sorted folder by folder; no more than one folder's names are held at a time.

        Raises:
            DeepJSCCError: no such folder, or it cannot be read.
        """
        try:
            if not self._files.isdir(self._root):
                raise DeepJSCCError(f"{self.url}: no such folder")
            yield from self._below("")
        except OSError as error:
            raise DeepJSCCError(f"{self.url}: cannot be read: {error.strerror or error}") from None

    def _below(self, folder: str) -> Iterator[str]:
        entries = self._files.ls(self._path(folder), detail=True)
        for entry in sorted(entries, key=lambda entry: entry["name"]):
            name = posixpath.join(folder, posixpath.basename(entry["name"].rstrip("/")))
            if entry["type"] == "directory":
                yield from self._below(name)
            elif posixpath.splitext(name)[1].lower() in SUFFIXES:
                yield name

    def lies_in(self, other: "Store") -> bool:
        """Return whether this is the other folder, or one below it."""
        return type(self._files) is type(other._files) and f"{self._root}/".startswith(f"{other._root}/")

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        return bool(self._files.isfile(self._path(name)))

    def read(self, name: str) -> bytes:
        """A file's bytes.

        Raises:
            DeepJSCCError: it cannot be read.
        """
        try:
            data = self._files.cat_file(self._path(name))
        except OSError as error:
            raise DeepJSCCError(f"{name}: cannot be read: {error.strerror or error}") from None
        return bytes(data)

    def write(self, name: str, data: bytes) -> None:
        """Write a file, whole or not at all, with the folders that it takes.

        Raises:
            DeepJSCCError: it cannot be written.
        """
        path = self._path(name)
        try:
            self._files.makedirs(posixpath.dirname(path), exist_ok=True)
            if self._local:
                write_atomically(Path(path), lambda file: file.write(data))
            else:
                self._files.pipe_file(path, data)  # an object store shows an object when all of it is there
        except OSError as error:
            raise DeepJSCCError(f"{self.url}/{name}: cannot be written: {error.strerror or error}") from None

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of a file among processes of this machine; a store that is not local is not locked.

        Raises:
            DeepJSCCError: another process holds it, or the folder cannot be written.
        """
        if not self._local:
            yield
            return
        path = Path(self._path(name))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeepJSCCError(f"{self.url}/{name}: cannot be written: {error.strerror or error}") from None
        with locked(path):
            yield

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root


def as_file(data: bytes, name: str) -> io.BytesIO:
    """Bytes as a file that errors can name."""
    file = io.BytesIO(data)
    file.name = name
    return file

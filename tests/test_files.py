"""Files that several processes write: nothing half written, nothing lost, and no lock outlives its holder."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deepjscc import files
from deepjscc.errors import DeepJSCCError, UsageError
from deepjscc.files import cache_folder, locked, refuse_folder, write_atomically


def test_outputs_have_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "x", lambda file: file.write(b"all"))
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "x").read_bytes() == b"all"


def test_an_interrupted_write_leaves_nothing_beside(tmp_path: Path) -> None:
    def interrupted(file: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "x", interrupted)
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_place_of_a_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="Is a directory"):
        write_atomically(tmp_path, lambda file: file.write(b""))
    with pytest.raises(UsageError, match="is a folder"):
        refuse_folder(tmp_path)
    assert refuse_folder(tmp_path / "x") == tmp_path / "x"


def test_no_update_is_lost(tmp_path: Path) -> None:
    """Six threads count in one file; without the lock most of their counts are overwritten."""
    path = tmp_path / "count"
    write_atomically(path, lambda file: file.write(b"0"))

    def count() -> None:
        for _ in range(10):
            with locked(path):
                value = int(path.read_bytes()) + 1
                write_atomically(path, lambda file, value=value: file.write(str(value).encode()))

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == b"60"
    assert list(tmp_path.iterdir()) == [path]  # the lock is gone with its last holder


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    script = f"""
import time
from deepjscc.files import locked
with locked({str(tmp_path / "x")!r}):
    print("held", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(DeepJSCCError, match="another process is writing it"), locked(tmp_path / "x", 0.0):
                pass
        finally:
            holder.kill()
    with locked(tmp_path / "x", 0.0):
        pass


def test_a_lock_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DeepJSCCError, match="does not exist"), locked(tmp_path / "absent" / "x"):
        pass


def test_the_cache_folder_is_the_platform_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setattr(files, "user_cache_path", lambda *_, **__: Path("~/.cache"))
    assert cache_folder() is None

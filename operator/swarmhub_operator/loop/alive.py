"""Tells at once that an operator's process is no more, however it ended.

Each process keeps a file of its own beside the store locked for as long as it lives. The kernel
lets go of the lock when the process ends, also by SIGKILL, and not while it is paused: whoever
gets the lock of another one's file knows that its process will never act again. Processes that
share a SQLite file share the kernel, so this holds between containers too.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from swarmhub_operator.logs import get_logger

log = get_logger()


class SignOfLife:
    """The file of one process; without it (a folder that cannot be written) others wait longer."""

    def __init__(self, store: Path) -> None:
        self._prefix = f"{store.name}.alive-"
        self._folder = store.parent
        self._shown: dict[Path, int] = {}

    def show(self, holder: str) -> None:
        """Make the sign of this process, which is known as `holder`; a second call does nothing."""
        path = self._path(holder)
        if path in self._shown:
            return
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            log.warning("no sign of life", error=str(error))
            return
        if _lock(descriptor):
            self._shown[path] = descriptor
        else:
            os.close(descriptor)

    def is_gone(self, holder: str) -> bool:
        """Return whether the process known as `holder` has certainly ended; else nobody knows."""
        return self._is_left_over(self._path(holder))

    def tidy(self) -> None:
        """Remove what processes that have ended left behind."""
        for path in self._folder.glob(f"{self._prefix}*"):
            if path not in self._shown and self._is_left_over(path):
                with suppress(OSError):
                    path.unlink()

    def close(self) -> None:
        """Let go, as the end of the process does."""
        for descriptor in self._shown.values():
            os.close(descriptor)
        self._shown.clear()

    def _path(self, holder: str) -> Path:
        return self._folder / f"{self._prefix}{sha256(holder.encode()).hexdigest()[:16]}"

    def _is_left_over(self, path: Path) -> bool:
        if path in self._shown:
            return False
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            return _lock(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

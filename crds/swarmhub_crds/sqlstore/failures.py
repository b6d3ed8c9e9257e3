"""The one table from what SQLite and the file system raise to a reason and a sentence."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from swarmhub_crds.errors import Reason, StoreUnavailable

BUSY_SECONDS: Final = 5.0  # how long a statement waits for another process's lock

_SENTENCES: Final = {
    Reason.LOCKED: (
        "The state database {path} was locked by another process for {busy:g} s; it is tried "
        "again, and if this lasts, end the process that `fuser {path}` names"
    ),
    Reason.FULL: "The disk of the state database {path} is full; free some space on it",
    Reason.READ_ONLY: (
        "The state database {path} is read-only for this process; "
        "make it and its folder writable or remount the volume read-write"
    ),
    Reason.MISSING: (
        "The state database {path} is missing; mount the state volume or put the file back or, if "
        "it is lost, run `swarmhub state rebuild`"
    ),
    Reason.CORRUPT: (
        "The state database {path} is damaged ({detail}); "
        "restore it, with hub and operator stopped, from a backup or, without one, "
        "move it away and run `swarmhub state rebuild`"
    ),
    Reason.UNREADABLE: (
        "The state database {path} cannot be read ({detail}); "
        "check its owner, its permissions and its disk"
    ),
}

# By SQLite's primary result code; what is not here is Unreadable.
_REASONS: Final = {
    sqlite3.SQLITE_BUSY: Reason.LOCKED,
    sqlite3.SQLITE_LOCKED: Reason.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Reason.LOCKED,
    sqlite3.SQLITE_FULL: Reason.FULL,
    sqlite3.SQLITE_READONLY: Reason.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Reason.CORRUPT,
    sqlite3.SQLITE_NOTADB: Reason.CORRUPT,
}
# Extended codes that say more than their primary one. SQLite looks the database up by its name to
# give the mode of it to the -wal and -shm files, and says FSTAT if the name is not there
# (findCreateFileMode in its os_unix.c): by now it may be back, so that a look would find nothing.
_GONE: Final = frozenset({sqlite3.SQLITE_IOERR_FSTAT, sqlite3.SQLITE_READONLY_DBMOVED})
# Codes that say only "the file system refused": what it refused must be looked up.
_VAGUE: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM})

_ERRNOS: Final = {
    errno.ENOENT: Reason.MISSING,
    errno.ENOTDIR: Reason.MISSING,
    errno.ENOSPC: Reason.FULL,
    errno.EDQUOT: Reason.FULL,
    errno.EROFS: Reason.READ_ONLY,
}


def unavailable(reason: Reason, path: Path, detail: str = "") -> StoreUnavailable:
    """Return the error for `reason`, with its sentence."""
    sentence = _SENTENCES[reason].format(path=path, busy=BUSY_SECONDS, detail=detail)
    return StoreUnavailable(reason, sentence)


def translate(error: Exception, path: Path) -> StoreUnavailable:
    """Return what `error`, raised while the database at `path` was used, means to a person."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OSError):
        return unavailable(_ERRNOS.get(cause.errno or 0, Reason.UNREADABLE), path, str(cause))
    if isinstance(cause, PoolTimeout):
        return unavailable(Reason.LOCKED, path)
    detail = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    extended = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if extended in _GONE:
        return unavailable(Reason.MISSING, path)
    code = extended & 0xFF
    reason = _look(path) if code in _VAGUE else _REASONS.get(code, Reason.UNREADABLE)
    return unavailable(reason, path, detail)


def refuses_writes(path: Path) -> bool:
    """Tell whether the file is read-only for this process; one that is away for a moment is not.

    `access` says no to both, so a file that is there is asked for a second time.
    """
    return not os.access(path, os.W_OK) and path.exists() and not os.access(path, os.W_OK)


def _look(path: Path) -> Reason:
    """Find out what the file system holds against `path`."""
    try:
        if not path.exists():
            return Reason.MISSING
        disk = os.statvfs(path.parent)
    except OSError:
        return Reason.UNREADABLE
    if disk.f_flag & os.ST_RDONLY or refuses_writes(path):
        return Reason.READ_ONLY
    if disk.f_bavail == 0:
        return Reason.FULL
    return Reason.UNREADABLE if os.access(path.parent, os.W_OK) else Reason.READ_ONLY

"""SQLite connections to one state file: never created, decoded leniently, bound to one inode."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from swarmhub_crds.errors import Reason, StoreError
from swarmhub_crds.sqlstore.failures import BUSY_SECONDS, refuses_writes, unavailable

_SCHEME = "sqlite:///"
_WRITING = "swarmhub_writing"


class FileIdentity(NamedTuple):
    """What tells a file from another one of the same name."""

    device: int
    inode: int


def path_of(url: str) -> Path:
    """Return the file that a state URL names.

    Raises:
        StoreError: the URL is not of the form sqlite:////absolute/path.
    """
    path = Path(url.removeprefix(_SCHEME))
    if not url.startswith(_SCHEME) or not path.is_absolute() or "?" in url:
        raise StoreError(
            f"The state URL {url!r} is not understood; "
            "write sqlite:/// and an absolute path, as in sqlite:////srv/swarmhub/state/state.db"
        )
    return path


def identify(path: Path) -> FileIdentity:
    """Return which file `path` names at this moment, without opening it.

    Raises:
        StoreUnavailable: there is none, or it is empty. SQLite would take an empty file for a
            new database, and delete the write-ahead log beside it.
        OSError: it cannot be looked at.
    """
    found = os.stat(path)  # noqa: PTH116 - half the time of Path.stat, and done at every call
    if found.st_size == 0:
        raise unavailable(Reason.CORRUPT, path, "the file is empty")
    return FileIdentity(found.st_dev, found.st_ino)


def require_identity(path: Path, expected: FileIdentity) -> None:
    """Make sure that `path` still names the file that the open connections use.

    Raises:
        StoreUnavailable: it does not: what they write would be lost with the unlinked file.
        OSError: it cannot be looked at.
    """
    if identify(path) != expected:
        raise unavailable(Reason.MISSING, path)


def connect(path: Path, expected: FileIdentity, busy: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open the file `expected`, and no other that may have taken its name meanwhile.

    A read-only file is refused. SQLite would open it for reading, and as long as that connection
    lives, no other one of this process could write either, even after a remount.

    Raises:
        StoreUnavailable, OSError: it is read-only, or as `require_identity`.
        sqlite3.Error: it cannot be opened.
    """
    read_only = refuses_writes(path)
    require_identity(path, expected)
    if read_only:
        raise unavailable(Reason.READ_ONLY, path)
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=busy,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.text_factory = _lenient_text
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        require_identity(path, expected)
    except BaseException:
        connection.close()
        raise
    return connection


def engine_for(path: Path, identity: FileIdentity) -> Engine:
    """Return an engine whose connections all use the file `identity`."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: connect(path, identity),
        poolclass=QueuePool,
        max_overflow=-1,  # a thread never waits for a connection, only for the database
    )
    event.listen(engine, "begin", _begin)
    return engine


def enable_wal(engine: Engine) -> None:
    """Put the file in WAL mode; a backup may have come back in another one."""
    with closing(engine.raw_connection()) as connection:  # no SQLAlchemy one: it would BEGIN first
        connection.cursor().execute("PRAGMA journal_mode=WAL")


def writing(connection: Connection) -> Connection:
    """Return `connection` such that its transactions take the write lock at once."""
    return connection.execution_options(**{_WRITING: True})


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _lenient_text(raw: bytes) -> str:
    """Let undecodable bytes through as surrogates: one bad row must not fail a whole list."""
    return raw.decode("utf-8", "surrogateescape")

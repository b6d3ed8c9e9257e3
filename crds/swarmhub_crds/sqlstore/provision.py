"""Making and migrating the state file, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, insert
from sqlalchemy.exc import SQLAlchemyError

from swarmhub_crds.errors import Reason, StoreUnavailable
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.failures import translate, unavailable
from swarmhub_crds.sqlstore.header import schema_version
from swarmhub_crds.sqlstore.sqlite import enable_wal, engine_for, identify, writing
from swarmhub_crds.sqlstore.tables import APPLICATION_ID, SCHEMA_VERSION, meta

LOCK_SECONDS: Final = 15.0
SIDE_FILES = ("-wal", "-shm")


def provision(path: Path, uid: str | None = None) -> None:
    """Make the database if there is none, and migrate it if it is older than this code.

    Args:
        path: where it is, or will be.
        uid: the identity of a new one; None gives one that no other store has.

    Raises:
        StoreUnavailable: neither can be done, or the folder does not exist.
    """
    try:
        with folder_lock(path):
            if path.exists():
                migrate_if_older(path)
            else:
                _create(path, uid or str(uuid4()))
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translate(error, path) from error


@contextmanager
def folder_lock(path: Path) -> Iterator[None]:
    """Hold the folder's advisory lock; a lock on the database itself would upset SQLite's own.

    Raises:
        StoreUnavailable: somebody else holds it for long, or there is no such folder.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise StoreUnavailable(
            Reason.MISSING,
            f"The folder {path.parent} of the state database does not exist; "
            "create it or mount the state volume",
        ) from None
    try:
        _wait_for_lock(folder, path)
        yield
    finally:
        os.close(folder)


def _wait_for_lock(folder: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    Reason.LOCKED,
                    f"Another process has been creating or migrating {path} for "
                    f"{LOCK_SECONDS:g} s; end it if it hangs, then try again",
                ) from None
            time.sleep(0.02)
        else:
            return


def _create(path: Path, uid: str) -> None:
    """Build the database under another name and link it into place whole, or not at all."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        make_private_file(draft)
        _fill(draft, uid)
        _set_leftovers_aside(path)
        os.link(draft, path)
    finally:
        for end in ("", *SIDE_FILES):
            with suppress(OSError):
                draft.with_name(draft.name + end).unlink(missing_ok=True)
    sync_folder(path.parent)


def _set_leftovers_aside(path: Path) -> None:
    """Rename what a removed database left beside it: SQLite would replay that into the new one.

    It is not deleted, since it may hold the last changes of a file that was only moved away.
    """
    for end in SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(f"{path}.left-{time.time_ns()}{end}")


def make_private_file(draft: Path) -> None:
    """Make a database, without tables, that its owner alone may use: the folder's, if by root.

    Raises:
        OSError: it cannot be made, or is there already.
    """
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        if os.geteuid() == 0:  # made by root for the user who owns the folder
            owner = draft.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)
    # SQLite writes a proper header, so that the file is no longer empty.
    connection = sqlite3.connect(draft)
    try:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    finally:
        connection.close()


def _fill(draft: Path, uid: str) -> None:
    engine = engine_for(draft, identify(draft))
    try:
        enable_wal(engine)
        with writing(engine.connect()) as connection, connection.begin():
            _migrate(connection, draft)
            row = {"id": 1, "uid": uid, "revision": 0, "created_at": to_text(utc_now())}
            connection.execute(insert(meta).values(row))
    finally:
        engine.dispose()  # the last connection folds the log into the file and removes it


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder.

    Raises:
        OSError: it cannot.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def migrate_if_older(path: Path) -> None:
    """Bring a store's file up to date if it is older than this code.

    Raises:
        StoreUnavailable, SQLAlchemyError: that cannot be done; nothing has been changed.
    """
    engine = engine_for(path, identify(path))
    try:
        with engine.connect() as connection:
            older = schema_version(connection, path) < SCHEMA_VERSION
        if older:
            with writing(engine.connect()) as connection, connection.begin():
                _migrate(connection, path)
    finally:
        engine.dispose()


def _migrate(connection: Connection, path: Path) -> None:
    # Imported here, because most opens find nothing to migrate and alembic takes long to load.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option(
        "script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%")
    )
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise unavailable(Reason.CORRUPT, path, str(error)) from error

"""A store's file as a whole: brought up to date after a backup, or replaced by one.

Both hold the folder's lock, as making and migrating do; who has the old file open notices.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from swarmhub_crds.errors import Reason, StoreError, StoreUnavailable
from swarmhub_crds.sqlstore.failures import translate
from swarmhub_crds.sqlstore.header import check_header, check_integrity, schema_version
from swarmhub_crds.sqlstore.provision import (
    SIDE_FILES,
    folder_lock,
    make_private_file,
    migrate_if_older,
    sync_folder,
)
from swarmhub_crds.sqlstore.recovery import copy
from swarmhub_crds.sqlstore.sqlite import engine_for, identify
from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION

STDIN: Final = "-"


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translate(error, path) from error


def version_of(path: Path) -> int:
    """Return the schema version of a store's file, which stays as it is.

    Raises:
        StoreUnavailable: it cannot be read, is no store, or is newer than this code.
    """
    with _mapped(path):
        engine = engine_for(path, identify(path))
        try:
            with engine.connect() as connection:
                version = schema_version(connection, path)
                if version > SCHEMA_VERSION:
                    check_header(connection, path)
                return version
        finally:
            engine.dispose()


def migrate(path: Path, backup: Path) -> None:
    """Bring a store that is older than this code up to date, after a copy of it was made.

    Args:
        path: of the store; one that is up to date stays as it is, and no copy is made.
        backup: a new file.

    Raises:
        StoreUnavailable: the store cannot be read, or is newer.
        StoreError: the copy cannot be made; the store stays as it is then.
    """
    with _mapped(path), folder_lock(path):
        if version_of(path) == SCHEMA_VERSION:
            return
        engine = engine_for(path, identify(path))
        try:
            with engine.connect() as connection, connection.begin():
                copy(connection, backup)
        finally:
            engine.dispose()
        migrate_if_older(path)


@contextmanager
def draft_of(source: str, path: Path) -> Iterator[Path]:
    """Copy a backup beside a store for a block: checked, and up to date. It is removed afterwards.

    Args:
        source: a store's file, which stays as it is, or - for standard input.
        path: of the store that it may replace.

    Raises:
        StoreUnavailable: it is no store, is damaged, or newer than this code.
        StoreError: it cannot be copied.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with _mapped(path):
            make_private_file(draft)
        _fill(draft, source)
        named = Path("standard input" if source == STDIN else source)
        with _mapped(named):
            _check(draft, named)
            migrate_if_older(draft)
        yield draft
    finally:
        for end in ("", *SIDE_FILES, "-journal"):
            with suppress(OSError):
                draft.with_name(draft.name + end).unlink(missing_ok=True)


def _fill(draft: Path, source: str) -> None:
    """Copy a store's file; of one that is in use the log beside it, too."""
    try:
        if source == STDIN:
            with draft.open("wb") as target:
                while chunk := sys.stdin.buffer.read(2**20):
                    target.write(chunk)
            return
        with (
            closing(sqlite3.connect(f"file:{quote(source)}?mode=ro", uri=True)) as found,
            closing(sqlite3.connect(draft)) as target,
        ):
            found.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The backup {source} cannot be read ({error}); name one that `swarmhub state backup` "
            "has made."
        ) from error


def _check(draft: Path, named: Path) -> None:
    engine = engine_for(draft, identify(draft))
    try:
        with engine.connect() as connection:
            check_integrity(connection, named)
            if schema_version(connection, named) >= SCHEMA_VERSION:
                check_header(connection, named)
    finally:
        engine.dispose()


def put_in_place(draft: Path, path: Path, aside: Path) -> bool:
    """Put a draft in the place of a store; return whether there was one, which is kept as `aside`.

    Whoever has the old file open fails at its next call, and the one after that opens the new one.

    Raises:
        StoreUnavailable: that cannot be done; the store is as it was.
    """
    with _mapped(path), folder_lock(path):
        if aside.exists():
            raise StoreUnavailable(Reason.UNREADABLE, f"{aside} is there already; move it away.")
        there = path.exists()
        ends = [end for end in ("", *SIDE_FILES) if path.with_name(path.name + end).exists()]
        for end in ends:  # the database first: nobody opens a log without it
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
        try:
            os.link(draft, path)
        except OSError:
            for end in reversed(ends):
                aside.with_name(aside.name + end).rename(path.with_name(path.name + end))
            raise
        sync_folder(path.parent)
        return there

"""The open database: transactions on the right file, re-opened by itself when it comes back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from swarmhub_crds.errors import Reason, StoreError, StoreUnavailable
from swarmhub_crds.sqlstore.failures import BUSY_SECONDS, translate, unavailable
from swarmhub_crds.sqlstore.header import check_header, check_integrity
from swarmhub_crds.sqlstore.sqlite import (
    FileIdentity,
    enable_wal,
    engine_for,
    identify,
    require_identity,
    writing,
)
from swarmhub_crds.sqlstore.tables import meta

_UID = select(meta.c.uid)

# After any other failure the connections are suspect, and are opened anew by the next call.
_HARMLESS = frozenset({Reason.LOCKED, Reason.FULL})


class Database:
    """Reads and writes one state file, from any thread.

    A file that is removed or replaced is noticed before each transaction, and before each commit.
    Every failure is a `StoreUnavailable`; the next call after one starts afresh, so that nothing
    needs to be re-opened by hand. A file of another store is never used in place of ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.uid = ""  # known once attached
        self._engine: Engine | None = None
        self._identity: FileIdentity | None = None
        self._attaching = threading.Lock()
        self._writer = threading.Lock()
        self._closed = False

    def attach(self) -> None:
        """Open the file now rather than at the first transaction.

        Raises:
            StoreUnavailable: it cannot be used.
        """
        with self.read():
            pass

    def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True
        self.let_go()

    def let_go(self) -> None:
        """Close every connection that is not in use; the next transaction opens the file anew."""
        with self._attaching:
            self._drop()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run a block on one snapshot.

        Raises:
            StoreUnavailable: the database cannot be used.
        """
        with self._mapped():
            engine, _ = self._attached()
            with self._connection(engine) as connection, connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run a block as one write transaction: all of it or, if it raises, nothing.

        Raises:
            StoreUnavailable: the database cannot be used; nothing was written.
        """
        # Threads queue here, in turn, instead of polling SQLite's lock against each other.
        if not self._writer.acquire(timeout=BUSY_SECONDS):
            raise unavailable(Reason.LOCKED, self.path)
        try:
            with self._mapped():
                engine, identity = self._attached()
                with self._connection(engine) as connection, writing(connection).begin():
                    self._recognise(connection)
                    yield connection
                    require_identity(self.path, identity)
        finally:
            self._writer.release()

    def _recognise(self, connection: Connection) -> None:
        """Notice that the store has taken over the identity of one that was lost."""
        if connection.execute(_UID).scalar() not in {self.uid, None}:
            self.uid = check_header(connection, self.path, self.uid)

    @contextmanager
    def _connection(self, engine: Engine) -> Iterator[Connection]:
        pool = engine.pool
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            if engine is not self._engine:  # let go of meanwhile: nobody else would close this one
                pool.dispose()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as error:
            self._suspect(error)
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            known = translate(error, self.path)
            self._suspect(known)
            raise known from error

    def _suspect(self, error: StoreUnavailable) -> None:
        if error.reason not in _HARMLESS:
            self.let_go()

    def _attached(self) -> tuple[Engine, FileIdentity]:
        identity = identify(self.path)
        with self._attaching:
            if self._closed:
                raise StoreError(f"The store at {self.path} was closed; open it again")
            if self._engine is None or identity != self._identity:
                self._drop()
                self._engine = self._open(identity)
            return self._engine, identity

    def _open(self, identity: FileIdentity) -> Engine:
        engine = engine_for(self.path, identity)
        try:
            with engine.connect() as connection:
                uid = check_header(connection, self.path, self.uid)
                if self._identity not in {None, identity}:
                    check_integrity(connection, self.path)
            enable_wal(engine)
        except BaseException:
            engine.dispose()
            raise
        self.uid = uid
        self._identity = identity
        return engine

    def _drop(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

"""Watching the store: which names changed, told within the polling interval.

`PRAGMA data_version` is a number in shared memory that the commits of other connections change;
asking for it reads no table. A watch therefore holds a connection of its own, which never writes,
and asks it every 20 ms. Beside it stands one stat of the file, since a connection goes on for
ever with a file that was removed or replaced.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.sqlstore.codec import HOME, NOTEBOOK
from swarmhub_crds.sqlstore.database import Database
from swarmhub_crds.sqlstore.failures import translate
from swarmhub_crds.sqlstore.news import NODE, news
from swarmhub_crds.sqlstore.read import revision
from swarmhub_crds.sqlstore.revisions import KEPT_REVISIONS
from swarmhub_crds.sqlstore.sqlite import FileIdentity, connect, identify, path_of

INTERVAL: Final = 0.02  # seconds between two looks
FIRST_BACK_OFF: Final = 0.1  # seconds
LONGEST_BACK_OFF: Final = 2.0


@dataclass(frozen=True)
class Changes:
    """What changed since the last result.

    With `full` the names are not known and left empty, and everything should be looked at: the
    first result, the first one after a failure, and after a very long absence. `nodes` are the ids
    of those about which something was ordered.
    """

    revision: int
    notebooks: frozenset[str] = frozenset()
    homes: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    full: bool = False


class StoreWatch:
    """A watch on one store, waited on by one thread; `wake` and `close` may come from others.

    Attributes:
        interval: seconds between two looks; it may be changed at any time.
    """

    def __init__(self, url: str, *, interval: float = INTERVAL) -> None:
        self.interval = interval
        self._path = path_of(url)
        self._database = Database(self._path)
        self._pulse: sqlite3.Connection | None = None
        self._identity: FileIdentity | None = None
        self._data_version = -1
        self._revision: int | None = None  # None: the next result is a full one
        self._looking = threading.Lock()
        self._woken = threading.Event()
        self._closed = False
        self._failure: StoreUnavailable | None = None
        self._back_off = FIRST_BACK_OFF
        self._retry_at = 0.0

    def wait(self, timeout: float) -> Changes | None:
        """Return the next changes, or None if there are none within `timeout` seconds.

        The first result comes at once. None is also the answer to `wake`, and to `close`.

        Raises:
            StoreUnavailable: the store cannot be read. The next call tries again after a pause
                that doubles from 0.1 s to 2 s, so that a caller may simply call again; if its
                timeout ends before the pause does, it gets the same error once more.
            StoreError: the watch was closed before the call.
        """
        if self._closed:
            raise StoreError(f"The watch on {self._path} was closed; make a new one")
        deadline = time.monotonic() + timeout
        if self._failure is not None and self._hold_off(self._failure, deadline):
            return None
        while not self._closed:
            changes = self._look()
            left = deadline - time.monotonic()
            if changes is not None or left <= 0 or self._sleep(min(self.interval, left)):
                return changes
        return None

    def wake(self) -> None:
        """Make the wait that is under way, or else the next one, return early."""
        self._woken.set()

    def close(self) -> None:
        """End the watch and any wait that is under way."""
        self._closed = True
        self._woken.set()
        with self._looking:
            self._disconnect()
            self._database.close()

    def _hold_off(self, failure: StoreUnavailable, deadline: float) -> bool:
        """Let the pause after a failure pass; True if woken in it."""
        until = min(self._retry_at, deadline)
        if self._sleep(max(0.0, until - time.monotonic())):
            return True
        if time.monotonic() < self._retry_at:
            raise StoreUnavailable(failure.reason, str(failure))
        return False

    def _sleep(self, seconds: float) -> bool:
        """Wait that long; True if woken."""
        woken = self._woken.wait(seconds)
        if woken:
            self._woken.clear()
        return woken

    def _look(self) -> Changes | None:
        with self._looking:
            if self._closed:
                return None
            try:
                changes = self._changes()
            except StoreUnavailable as error:
                self._note(error)
                raise
            except (sqlite3.Error, OSError) as error:
                known = translate(error, self._path)
                self._note(known)
                raise known from error
            self._failure = None
            self._back_off = FIRST_BACK_OFF
            return changes

    def _note(self, failure: StoreUnavailable) -> None:
        self._disconnect()
        self._database.let_go()
        self._failure = failure
        self._retry_at = time.monotonic() + self._back_off
        self._back_off = min(2 * self._back_off, LONGEST_BACK_OFF)

    def _changes(self) -> Changes | None:
        pulse = self._connected()
        (version,) = pulse.execute("PRAGMA data_version").fetchone()
        if version == self._data_version:
            return None
        with self._database.read() as connection:
            changes = _changes_since(connection, self._revision)
        self._data_version = version  # read before the changes: a commit between them shows again
        if changes is not None:
            self._revision = changes.revision
        return changes

    def _connected(self) -> sqlite3.Connection:
        identity = identify(self._path)
        if self._pulse is None or identity != self._identity:
            self._disconnect()
            self._pulse = connect(self._path, identity)
            self._identity = identity
        return self._pulse

    def _disconnect(self) -> None:
        if self._pulse is not None:
            self._pulse.close()
        self._pulse = None
        self._data_version = -1
        self._revision = None


def _changes_since(connection: Connection, since: int | None) -> Changes | None:
    """Return what changed after revision `since`; None if only the lease or secrets did."""
    if since is None:
        return Changes(revision(connection), full=True)
    now, names = news(connection, since)
    if now < since or now - since >= KEPT_REVISIONS:
        return Changes(now, full=True)
    if now == since:
        return None
    notebooks, homes, nodes = (names.get(k, frozenset()) for k in (NOTEBOOK.name, HOME.name, NODE))
    return Changes(now, notebooks, homes, nodes)

"""The one thread of a hub process that follows the store, for all its spawners."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from swarmhub_crds.errors import StoreError
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Broken, Store
from swarmhub_crds.watch import INTERVAL, Changes, StoreWatch
from tornado.log import app_log

Record = Notebook | Broken

THREAD_NAME: Final = "swarmhub-watch"
_URGENT: Final = 0.005  # seconds between two looks while somebody waits
_WAIT: Final = 5.0  # seconds; only how long a close may go unnoticed
_PAUSE_AFTER_TROUBLE: Final = 0.2  # seconds
_PAUSE_AFTER_SURPRISE: Final = 2.0  # seconds


@dataclass(frozen=True)
class Update:
    """What was read: None stands for a record that is gone. `full`: nothing else exists."""

    records: Mapping[str, Record | None]
    revision: int
    full: bool


class Watcher:
    """Reads each changed record once and hands it to `publish`.

    Both callbacks are called in the watcher's thread. `trouble` is called with the error while
    the store cannot be read, and with None once it can again.
    """

    def __init__(
        self,
        url: str,
        open_store: Callable[[], Store],
        *,
        publish: Callable[[Update], None],
        trouble: Callable[[StoreError | None], None],
    ) -> None:
        self._url = url
        self._open_store = open_store
        self._publish = publish
        self._trouble = trouble
        self._closed = threading.Event()
        self._interval = INTERVAL
        self._watch: StoreWatch | None = None
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def hurry(self, *, urgent: bool) -> None:
        """Look more often from now on, or as usual: somebody waits for a change, or nobody."""
        self._interval = _URGENT if urgent else INTERVAL
        if self._watch is not None:
            self._watch.interval = self._interval

    def close(self) -> None:
        """Ask the thread to end; it does so at once."""
        self._closed.set()
        if self._watch is not None:
            self._watch.wake()

    def join(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for the thread to end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        resync = True
        while not self._closed.is_set():
            try:
                resync = self._look(resync=resync)
            except StoreError as error:
                resync = True
                self._trouble(error)
                self._closed.wait(_PAUSE_AFTER_TROUBLE)
            except Exception:  # noqa: BLE001  # a dead thread would leave every start waiting
                resync = True
                app_log.exception("The state database cannot be followed; trying again")
                self._closed.wait(_PAUSE_AFTER_SURPRISE)
        if self._watch is not None:
            self._watch.close()

    def _look(self, *, resync: bool) -> bool:
        """Wait for a change and publish it; `resync`: the last change could not be read."""
        store = self._open_store()
        if self._watch is None:
            self._watch = StoreWatch(self._url, interval=self._interval)
        changes = self._watch.wait(0.0 if resync else _WAIT)
        if resync:
            self._publish(_read_all(store))
            self._trouble(None)
        elif changes is not None:
            self._publish(_read(store, changes))
        return False


def _read(store: Store, changes: Changes) -> Update:
    if changes.full:
        return _read_all(store)
    found = store.get_notebooks(changes.notebooks)
    records = {name: found.get(name) for name in changes.notebooks}
    return Update(records, changes.revision, full=False)


def _read_all(store: Store) -> Update:
    revision = store.revision()  # before the list: a record in it may be newer, never older
    return Update({n: r for r in store.list_notebooks() if (n := name_of(r))}, revision, full=True)


def name_of(record: Record) -> str:
    """Return a record's name, readable or not."""
    return record.name if isinstance(record, Broken) else record.metadata.name


def version_of(record: Record) -> int:
    """Return a record's resource version, 0 when it cannot be read."""
    if isinstance(record, Broken):
        return record.resource_version or 0
    return record.metadata.resource_version

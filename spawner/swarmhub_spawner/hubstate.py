"""What a hub process knows of the store, shared by all its spawners.

All of it lives on the hub's event loop, but for the calls to the store: these run in threads of
their own, so that a slow disk never stops the hub.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final, TypeVar

from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.store import Store

from swarmhub_spawner.activity import ActivityLog
from swarmhub_spawner.watcher import Record, Update, Watcher, version_of

T = TypeVar("T")

_SEEN_FOR: Final = 2.0  # seconds that an answer of operator_seen_at is kept
_FEW: Final = 3  # servers
_FIRST_PAUSE: Final = 0.1  # seconds, doubling
_LONGEST_PAUSE: Final = 2.0  # seconds


class HubState:
    """The cache of records, the watcher that fills it, and the threads that talk to the store.

    Make it on the event loop that will use it. `activity` takes when servers were last in use.
    """

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.trouble: StoreError | None = None
        self._url = url
        self._loop = loop
        self._records: dict[str, Record] = {}
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._store: Store | None = None
        self._opening = threading.Lock()
        # One writer: the order of writes is the order of calls, also when a start is cancelled.
        self._writer = ThreadPoolExecutor(1, "swarmhub-write")
        self._reader = ThreadPoolExecutor(1, "swarmhub-read")
        self._seen: datetime | None = None
        self._seen_asked = -_SEEN_FOR
        self.activity = ActivityLog(self._note_activity)
        self._watcher = Watcher(
            url,
            self.open_store,
            publish=lambda update: self._post(self._take, update),
            trouble=lambda error: self._post(self._set_trouble, error),
        )
        self._watcher.start()

    def open_store(self) -> Store:
        """Return the store, opened by the first call; blocks, so never call it on the loop.

        Raises:
            StoreUnavailable: it cannot be opened now.
        """
        with self._opening:
            if self._store is None:
                self._store = Store.open(self._url)
            return self._store

    async def close(self) -> None:
        """End the threads and close the store."""
        self.activity.close()
        self._watcher.close()
        await asyncio.to_thread(self._watcher.join, 10)
        self._writer.shutdown(wait=False)
        self._reader.shutdown(wait=False)
        if self._store is not None:
            self._store.close()

    async def write(self, act: Callable[[Store], T], *, patience: float = 0.0) -> T:
        """Run `act` on the store, after all writes asked for before.

        For `patience` seconds a store that is unavailable is tried again.

        Raises:
            StoreError: what the store said, StoreUnavailable once patience is over.
        """
        return await self._patiently(self._writer, act, patience)

    async def read(self, act: Callable[[Store], T]) -> T:
        """Run `act`, which only reads, on the store.

        Raises:
            StoreError: what the store said.
        """
        return await self._patiently(self._reader, act, 0.0)

    async def fresh(self, name: str, *, after_writes: bool = False) -> Record | None:
        """Read a record from the store itself and remember it.

        With `after_writes`, what was asked to be written before has been written by then, even
        if whoever asked was cancelled.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        pool = self._writer if after_writes else self._reader
        record = await self._patiently(pool, lambda store: store.get_notebook(name), 0.0)
        if record is not None:
            self.remember(name, record)
        return record

    def latest(self, name: str) -> Record | None:
        """Return the newest record seen; None: unknown, ask `fresh`."""
        return self._records.get(name)

    def remember(self, name: str, record: Record) -> None:
        """Take a record into the cache, unless a newer one is there, and wake its listeners."""
        known = self._records.get(name)
        if known is None or version_of(known) <= version_of(record):
            self._records[name] = record
            self._wake(name)

    @contextmanager
    def listening(self, name: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at every change of the record and of the store's health."""
        event = asyncio.Event()
        listeners = self._listeners.setdefault(name, set())
        listeners.add(event)
        self._set_pace()
        try:
            yield event
        finally:
            listeners.discard(event)
            if not listeners:
                self._listeners.pop(name, None)
            self._set_pace()

    def _set_pace(self) -> None:
        """A few who wait hear sooner; many who do have other worries than milliseconds."""
        self._watcher.hurry(urgent=0 < len(self._listeners) <= _FEW)

    async def operator_seen_at(self) -> datetime | None:
        """Return the operator's last sign of life, at most two seconds old; None: never."""
        if self._loop.time() - self._seen_asked >= _SEEN_FOR:
            self._seen_asked = self._loop.time()
            with suppress(StoreError):
                self._seen = await self.read(lambda store: store.operator_seen_at())
        return self._seen

    async def _note_activity(self, seen: Mapping[str, datetime]) -> None:
        await self.write(lambda store: store.note_activity(seen))

    async def _patiently(
        self, pool: ThreadPoolExecutor, act: Callable[[Store], T], patience: float
    ) -> T:
        until = self._loop.time() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._loop.run_in_executor(pool, lambda: act(self.open_store()))
            except StoreUnavailable:
                if self._loop.time() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _post(self, act: Callable[[T], None], value: T) -> None:
        """Hand a value from the watcher's thread to the loop; nobody listens on a closed one."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act, value)

    def _take(self, update: Update) -> None:
        gone = {name for name, record in update.records.items() if record is None}
        if update.full:
            gone |= self._records.keys() - update.records.keys()
        for name in gone:
            known = self._records.get(name)
            # A record that is newer than the look came after it: the next change tells.
            if known is not None and version_of(known) <= update.revision:
                del self._records[name]
                self._wake(name)
        for name, record in update.records.items():
            if record is not None:
                self.remember(name, record)

    def _set_trouble(self, error: StoreError | None) -> None:
        changed = (self.trouble is None) != (error is None)
        self.trouble = error
        if changed:
            for name in self._listeners:
                self._wake(name)

    def _wake(self, name: str) -> None:
        for event in self._listeners.get(name, ()):
            event.set()

"""Follows the store in one thread, for all who look at the page."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TypeVar

from swarmhub_crds.errors import StoreError
from swarmhub_crds.event import Event
from swarmhub_crds.home import Home
from swarmhub_crds.node import NodeOrder, SeenNode
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Broken, Store
from swarmhub_crds.watch import Changes, StoreWatch
from tornado.log import app_log

from swarmhub_spawner.page.history import History
from swarmhub_spawner.page.memory import MemoryHistory, reading
from swarmhub_spawner.page.rows import home_row, node_rows, server_row
from swarmhub_spawner.page.views import Snapshot
from swarmhub_spawner.watcher import name_of

T = TypeVar("T")

THREAD_NAME: Final = "swarmhub-page"
_INTERVAL: Final = 0.1  # seconds between two looks at the file
_PAUSE: Final = 0.5  # seconds between two snapshots, however busy the store is
_ASIDE: Final = 2.0  # seconds between two looks at what wakes nobody: events, nodes, the lease
_AGES: Final = 30.0  # seconds after which ages are told anew
_NOBODY: Final = 30.0  # seconds after which who does not ask is not there
_IDLE: Final = 5.0  # seconds between two snapshots while nobody is there
_EVENTS: Final = 1000  # kept to show
_ONE_BY_ONE: Final = 8  # with more changes than this, one list is cheaper than single reads


class Feed:
    """The newest snapshot, and who waits for the next one.

    Make it on the event loop that will use it; `start` begins to follow the store.
    """

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.snapshot = Snapshot(0, datetime.now(UTC), trouble="The store has not been read yet.")
        self._url = url
        self._loop = loop
        self._next: asyncio.Future[None] = loop.create_future()
        self._store: Store | None = None
        self._opening = threading.Lock()
        self._closed = threading.Event()
        self._watch: StoreWatch | None = None
        self._asked_at = time.monotonic()
        self._hurry = threading.Event()
        self._reader = _Reader()
        self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Follow the store from now on."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and close the store."""
        self._closed.set()
        self._hurry.set()
        if self._watch is not None:
            self._watch.wake()
        self._thread.join(10)
        if self._store is not None:
            self._store.close()

    async def call(self, act: Callable[[Store], T]) -> T:
        """Run `act` on the store, in a thread, and return what it returns.

        Raises:
            StoreError: what the store said.
        """
        return await asyncio.to_thread(lambda: act(self._open()))

    async def after(self, version: int, seconds: float) -> Snapshot:
        """Return the newest snapshot once it is another than `version`, or after so long."""
        self._asked_at = time.monotonic()
        self._hurry.set()
        if self.snapshot.version == version:
            await asyncio.wait({self._next}, timeout=seconds)
        return self.snapshot

    def _open(self) -> Store:
        with self._opening:
            if self._store is None:
                self._store = Store.open(self._url, create=False)
            return self._store

    def _publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        told, self._next = self._next, self._loop.create_future()
        told.set_result(None)

    def _run(self) -> None:
        while not self._closed.is_set():
            snapshot = None
            try:
                if self._watch is None:
                    self._watch = StoreWatch(self._url, interval=_INTERVAL)
                snapshot = self._reader.look(self._open(), self._watch)
            except StoreError as error:
                snapshot = self._reader.troubled(f"{error}")
                self._closed.wait(_ASIDE)
            except Exception:  # noqa: BLE001 - a dead thread would show old news for ever
                app_log.exception("The state database cannot be followed; trying again")
                snapshot = self._reader.troubled(
                    "The page failed to read the store; its log says why."
                )
                self._closed.wait(_ASIDE)
            if snapshot is not None:
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._publish, snapshot)
            self._rest()
        if self._watch is not None:
            self._watch.close()

    def _rest(self) -> None:
        """Wait before the next look, longer while nobody is there to see it."""
        self._closed.wait(_PAUSE)
        self._hurry.clear()
        if not self._closed.is_set() and time.monotonic() - self._asked_at > _NOBODY:
            self._hurry.wait(_IDLE)


class _Reader:
    """What the thread knows of the store."""

    def __init__(self) -> None:
        self._notebooks: dict[str, Notebook | Broken] = {}
        self._homes: dict[str, Home | Broken] = {}
        self._nodes: list[SeenNode] = []
        self._orders: list[NodeOrder] = []
        self._events: dict[int, Event] = {}  # by position
        self._history = History()
        self._memory = MemoryHistory()
        self._since = datetime.now(UTC)
        self._seen: datetime | None = None
        self._trouble = ""
        self._full = True  # everything is to be read
        self._version = 0
        self._told_at = self._aside_at = 0.0  # time.monotonic

    def look(self, store: Store, watch: StoreWatch) -> Snapshot | None:
        """Wait a little for a change; return what is shown from now on, None: as before.

        Raises:
            StoreError: the store cannot be read.
        """
        changes = watch.wait(0.0 if self._full else 1.0)
        now = time.monotonic()
        is_news = self._full or changes is not None or bool(self._trouble)
        if self._full or changes is not None:
            full, self._full = self._full or changes is None or changes.full, True
            self._read(store, None if full else changes)
            self._full = False
        self._trouble = ""
        if is_news or now - self._aside_at >= _ASIDE:
            self._aside_at = now
            is_news = self._look_aside(store) or is_news
        if not is_news and now - self._told_at < _AGES:
            return None
        return self._made()

    def troubled(self, why: str) -> Snapshot | None:
        """Return what is shown while the store cannot be read, None: as before."""
        self._full = True
        if why == self._trouble:
            return None
        self._trouble = why
        return self._made()

    def _read(self, store: Store, changes: Changes | None) -> None:
        if changes is None or len(changes.notebooks) > _ONE_BY_ONE:
            notebooks = {name_of(one): one for one in store.list_notebooks()}
            gone = self._notebooks.keys() - notebooks.keys()
        else:
            read = {name: store.get_notebook(name) for name in sorted(changes.notebooks)}
            notebooks = {name: one for name, one in read.items() if one is not None}
            gone = read.keys() - notebooks.keys()
        for name, new in notebooks.items():
            old = self._notebooks.get(name)
            if isinstance(new, Notebook) and new is not old:
                self._history.note(old if isinstance(old, Notebook) else None, new)
            self._notebooks[name] = new
        for name in gone:
            self._notebooks.pop(name, None)
            self._history.forget(name)
        if changes is None or changes.homes:
            homes = store.list_homes()
            self._homes = {h.name if isinstance(h, Broken) else h.metadata.name: h for h in homes}

    def _look_aside(self, store: Store) -> bool:
        """Read what wakes nobody; whether any of it is news."""
        after = max(self._events, default=0)
        new = store.list_events(after=after)
        for event in new:
            self._events[event.position] = event
        if new:
            self._drop_events()
        nodes, orders = store.list_nodes(), store.list_node_orders()
        seen = store.operator_seen_at()
        silent, self._seen = self._is_silent(), seen
        known = (self._nodes, self._orders, silent)
        changed = (nodes, orders, self._is_silent()) != known
        self._nodes, self._orders = nodes, orders
        return bool(new) or changed

    def _drop_events(self) -> None:
        """Keep of each repeated event its last position, and of all so many."""
        newest: dict[tuple[str, ...], int] = {}
        for position in sorted(self._events):
            one = self._events[position]
            newest[(one.kind, one.name, one.reason, one.message)] = position
        kept = sorted(newest.values())[-_EVENTS:]
        self._events = {position: self._events[position] for position in kept}

    def _is_silent(self) -> bool:
        return Snapshot(0, datetime.now(UTC), operator_seen_at=self._seen).silent

    def _made(self) -> Snapshot:
        now = datetime.now(UTC)
        self._version += 1
        self._told_at = time.monotonic()
        notebooks, homes = self._notebooks, self._homes
        if not self._trouble and not self._is_silent():  # else it would be old news
            self._memory.note(now, reading(notebooks.values(), self._nodes))
        return Snapshot(
            version=self._version,
            at=now,
            servers=tuple(server_row(notebooks[n], now, self._seen) for n in sorted(notebooks)),
            homes=tuple(home_row(homes[name]) for name in sorted(homes)),
            nodes=node_rows(self._nodes, notebooks.values(), homes.values(), self._orders),
            events=tuple(self._events[p] for p in sorted(self._events, reverse=True)),
            operator_seen_at=self._seen,
            trouble=self._trouble,
            buckets=self._history.buckets(now),
            memory=self._memory.told(now),
            since=self._since,
        )

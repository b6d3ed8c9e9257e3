"""Events on their way into the store: told where things happen, written a little later, together.

Nobody waits for them, and nothing fails because of them: what the store does not take is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from swarmhub_crds.errors import StoreError
from swarmhub_crds.event import Event
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_crds.notebook import NotebookStatus
from swarmhub_crds.store import Store

from swarmhub_operator.decide import events, homeevents
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.leadership import Leadership

MOST: Final = 1000  # events that wait to be written
EVERY: Final = 1.0  # seconds between two writes
log = get_logger()


class Recorder:
    """Keeps what is told until it is written. Thread-safe."""

    def __init__(
        self,
        store: Store,
        leadership: Leadership,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        most: int = MOST,
    ) -> None:
        """Nothing waits yet.

        Args:
            store: that events are written into.
            leadership: under which they are.
            now: the time.
            clock: monotonic seconds.
            most: how many events may wait; further ones are dropped.
        """
        self._store = store
        self._leadership = leadership
        self._now = now
        self._clock = clock
        self._wrote = float("-inf")  # when it last did
        self._most = most
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, ...], Event] = {}
        self._dropped = 0

    def status(self, name: str, old: NotebookStatus, new: NotebookStatus) -> None:
        """Tell that a notebook's status was written."""
        self._tell(events.of_status(name, old, new, self._now()))

    def carried_out(self, name: str, action: Action) -> None:
        """Tell that an action was carried out for a notebook."""
        self._tell(events.carried_out(name, action, self._now()))

    def refused(self, name: str, action: Action, error: EngineError) -> None:
        """Tell that the engine did not carry out an action for a notebook."""
        self._tell(events.refused(name, action, error, self._now()))

    def home(self, home: Home, status: HomeStatus) -> None:
        """Tell that a home's status was written; `home` is as it was before."""
        self._tell(homeevents.of_home(home, status, self._now()))

    def home_removed(self, home: Home) -> None:
        """Tell that a home is no more."""
        self._tell((homeevents.removed(home, self._now()),))

    def leads(self) -> None:
        """Tell that this operator acts from now on."""
        self._tell((events.leads(self._leadership.host, self._now()),))

    def orphan_removed(self, what: str) -> None:
        """Tell that something was removed whose notebook is no more."""
        self._tell((events.orphan_removed(self._leadership.host, what, self._now()),))

    def held_back(self, why: str) -> None:
        """Tell that nothing is removed, and why."""
        self._tell((events.held_back(self._leadership.host, why, self._now()),))

    def node_order(self, event: Event) -> None:
        """Tell what has come of an order about a node."""
        self._tell((event,))

    def _tell(self, told: Iterable[Event]) -> None:
        with self._lock:
            for event in told:
                key = (event.kind, event.name, event.reason, event.message)
                before = self._waiting.pop(key, None)
                if before is None and len(self._waiting) >= self._most:
                    self._dropped += 1
                    continue
                self._waiting[key] = event if before is None else _again(before, event)

    def write(self, *, at_once: bool = False) -> None:
        """Write what waits, in one transaction, or drop it if the store refuses.

        Not more often than every second, unless it is to be `at_once`.
        """
        if not at_once and self._clock() - self._wrote < EVERY:
            return
        self._wrote = self._clock()
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning("events", outcome="dropped", count=dropped, error="Too many at once.")
        if not waiting:
            return
        try:
            self._store.put_events(tuple(waiting.values()), fence=self._leadership.fence)
        except StoreError as error:
            log.warning("events", outcome="dropped", count=len(waiting), error=str(error))


def _again(before: Event, event: Event) -> Event:
    update = {"count": before.count + event.count, "first_seen": before.first_seen}
    return event.model_copy(update=update)

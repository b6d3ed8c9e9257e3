"""The periodic pass over what belongs to no single notebook: garbage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from swarmhub_crds.held import Held
from swarmhub_crds.notebook import Notebook

from swarmhub_operator.decide.sweep import Known, Orphan, strangers, sweep
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.rest import name_of

log = get_logger()


class Housekeeping:
    """Sweeps garbage."""

    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._engine = parts.engine
        self._observer = parts.observer
        self._leadership = parts.leadership
        self._events = parts.events
        self._policy = parts.policy
        self._now = parts.now
        self._seen: Mapping[str, datetime] = {}
        self._told: Sequence[Held] | None = None
        self._is_behind = False  # the store seems to know less than the Swarm
        self.brake: str | None = None  # one sentence on what is held back

    def collect_garbage(self, asked: float, beat: Callable[[], None]) -> None:
        """Remove orphans, under the safety rules of `sweep`.

        Args:
            asked: monotonic seconds; the look must not be older.
            beat: called before each removal.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read: nothing is removed then.
        """
        snapshot = self._observer.look(asked)
        known = self._known()
        found = sweep(snapshot, known, self._seen, self._now(), self._policy.sweep)
        self._seen = found.seen
        self._is_behind = found.behind
        others = strangers(self._engine.services(""), self._store.uid)
        self._publish((*found.held, *others), known.confirmed)
        alone = () if snapshot.services else (one.message for one in others)
        brake = " ".join(filter(None, (found.brake, *alone))) or None
        if brake and brake != self.brake:
            log.error("sweep", outcome="held", message=brake)
            self._events.held_back(brake)
        self.brake = brake
        for orphan in found.remove:
            beat()
            self._remove(orphan)

    def _known(self) -> Known:
        records = self._store.list_notebooks()
        return Known(
            {name_of(r): r.metadata if isinstance(r, Notebook) else None for r in records},
            self._store.removed_uids(),
            self._store.confirmed_removals(),
        )

    def _publish(self, held: Sequence[Held], confirmed: AbstractSet[str]) -> None:
        """Say in the store what is held back; a confirmation ends with what it was about."""
        if self._told is None:
            self._told = self._store.list_held()
        held = sorted(held, key=lambda h: h.id)
        if held != self._told or confirmed - {h.id for h in held}:
            self._store.put_held(held, fence=self._leadership.fence)
            self._told = held

    def _remove(self, orphan: Orphan) -> None:
        try:
            if orphan.kind == "service":
                self._engine.remove_service(orphan.id)
            else:
                self._engine.remove_secret(orphan.id)
        except EngineError as error:
            log.warning("sweep", kind=orphan.kind, name=orphan.name, outcome=error.kind.value)
            return
        log.info("sweep", kind=orphan.kind, name=orphan.name, outcome="removed")
        self._events.orphan_removed(f"{orphan.kind} {orphan.name}")

    @property
    def is_behind(self) -> bool:
        """Whether the store seems to know less than the Swarm; no home goes then."""
        return self._is_behind

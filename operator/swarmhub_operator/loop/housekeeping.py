"""The periodic pass over everything that belongs to no single notebook: garbage and homes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from swarmhub_crds.errors import Conflict
from swarmhub_crds.home import Home, HomePhase, Reclaim
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.decide.homes import HomeStep, step
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.sweep import Orphan, sweep
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.leadership import Leadership

log = get_logger()


class Housekeeping:
    """Sweeps garbage and removes volumes whose time has come."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        observer: Observer,
        leadership: Leadership,
        policy: Policy,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._engine = engine
        self._observer = observer
        self._leadership = leadership
        self._policy = policy
        self._now = now
        self._seen: Mapping[str, datetime] = {}
        self.brake: str | None = None

    def collect_garbage(self, asked: float) -> None:
        """Remove orphans, under the safety rules of `sweep`.

        Args:
            asked: monotonic seconds; the look must not be older.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read: nothing is removed then.
        """
        snapshot = self._observer.look(asked)
        records = frozenset(_name(r) for r in self._store.list_notebooks())
        found = sweep(snapshot, records, self._seen, self._now(), self._policy.sweep)
        self._seen = found.seen
        if found.brake and found.brake != self.brake:
            log.error("sweep", outcome="braked", message=found.brake)
        self.brake = found.brake
        for orphan in found.remove:
            self._remove(orphan)

    def _remove(self, orphan: Orphan) -> None:
        self._leadership.check()
        try:
            if orphan.kind == "service":
                self._engine.remove_service(orphan.id)
            else:
                self._engine.remove_secret(orphan.id)
        except EngineError as error:
            log.warning("sweep", kind=orphan.kind, name=orphan.name, outcome=error.kind.value)
            return
        log.info("sweep", kind=orphan.kind, name=orphan.name, outcome="removed")

    def look_after_homes(self) -> None:
        """Remove the volumes of released homes with reclaim policy Delete, after their grace.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read or written.
        """
        leaving = [h for h in self._store.list_homes() if isinstance(h, Home) and _leaves(h)]
        if not leaving:
            return
        own_node = self._engine.own_node_id()
        for home in leaving:
            try:
                self._look_after(home.metadata.name, own_node)
            except (EngineError, Conflict) as error:  # of one home: the others go on
                name = home.metadata.name
                log.warning("home", home=name, outcome="postponed", error=str(error))

    def _look_after(self, name: str, own_node: str) -> None:
        """Decide from what the store says now: its user may be back since the list was read."""
        home = self._store.get_home(name)
        records = self._store.list_notebooks()
        if not isinstance(home, Home):
            return
        if any(isinstance(r, Broken) for r in records):
            log.warning("home", home=name, outcome="waiting", error="A record cannot be read.")
            return
        mounted = {m.volume for r in records if isinstance(r, Notebook) for m in r.spec.mounts}
        decision = step(
            home,
            mounted=name in mounted,
            own_node=own_node,
            now=self._now(),
            grace=self._policy.home_grace,
        )
        if decision is HomeStep.REMOVE:
            self._remove_home(home)
        elif decision is HomeStep.ELSEWHERE:
            self._say(
                home,
                f"Its volume lies on {home.status.node}; remove it there with "
                f"`docker volume rm {name}`.",
            )

    def _remove_home(self, home: Home) -> None:
        name = home.metadata.name
        self._leadership.check()
        try:
            found = self._engine.volume_labels(name)
            if found is not None:
                if found.get(labels.UID) != home.metadata.uid:
                    self._say(
                        home,
                        "The volume of this name was not made for this home and is kept; "
                        f"remove it with `docker volume rm {name}` if nobody needs it.",
                    )
                    return
                self._engine.remove_volume(name)
        except EngineError as error:
            if error.kind is Kind.IN_USE or error.kind is Kind.TAKEN:
                self._say(home, "Its volume is still in use; trying again shortly.")
                return
            raise
        meta, fence = home.metadata, self._leadership.fence
        self._store.remove_home(meta.name, meta.uid, meta.resource_version, fence=fence)
        log.info("home", home=name, outcome="removed")

    def _say(self, home: Home, message: str) -> None:
        if home.status.message == message:
            return
        meta, fence = home.metadata, self._leadership.fence
        status = home.status.model_copy(update={"message": message, "phase": HomePhase.DELETING})
        try:
            self._store.put_home_status(
                meta.name, meta.uid, meta.resource_version, status, fence=fence
            )
        except Conflict:
            log.info("home", home=meta.name, outcome="conflict")


def _leaves(home: Home) -> bool:
    """Whether the home is on its way out at all; most are not, and are to cost nothing."""
    gone = home.status.phase in (HomePhase.RELEASED, HomePhase.DELETING)
    return gone and home.spec.reclaim is Reclaim.DELETE


def _name(record: Notebook | Broken) -> str:
    return record.metadata.name if isinstance(record, Notebook) else record.name

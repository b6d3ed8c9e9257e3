"""One reconciliation of one notebook: observe, plan, record, apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from swarmhub_crds.errors import StoreError
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import ConditionType, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Broken

from swarmhub_operator.decide.actions import RemoveRecord, UpdateService
from swarmhub_operator.decide.behind import MESSAGE, leavings
from swarmhub_operator.decide.binding import bindings
from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.plan import in_line
from swarmhub_operator.decide.verdict import Verdict, failed
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.logs import get_logger, note_request
from swarmhub_operator.loop.apply import Applier
from swarmhub_operator.loop.deciding import Decider
from swarmhub_operator.loop.judged import Judged
from swarmhub_operator.loop.metrics import Step
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.sight import Sight, Sources, is_settled, is_to_run
from swarmhub_operator.loop.starting import Starting
from swarmhub_operator.loop.waits import Waits

NEVER = float("-inf")
log = get_logger()


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What was decided on one notebook, and by what."""

    wanted: Wanted
    snapshot: Snapshot
    observed: Observed
    verdict: Verdict


class Reconciler:
    """Brings one notebook at a time closer to its record. Thread-safe for different names."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._starting = Starting(parts)
        self._judged = Judged()
        self._decider = Decider(parts.engine, parts.observer, parts.store.uid, parts.clock)
        places = parts.inventories
        sources = Sources(parts.store.get_home, parts.store.removed_uids, places.known, places.find)
        self._sight = Sight(sources, parts.policy)
        self._events = parts.events
        self._applier = Applier(parts)
        self._waits = Waits(parts.metrics)
        self._changed: dict[str, float] = {}  # when we last changed the Swarm for a notebook
        self._repaired: dict[str, float] = {}  # when we last put its service right
        self._wrote: dict[str, int | None] = {}  # resource version of our own last write

    def reconcile(self, name: str) -> float | None:
        """Look at one notebook, and return the seconds until it wants another look, or None.

        Raises:
            EngineError: transient; to be retried with back-off.
            StoreError: the store cannot be read or written.
            LeaseLost: another operator acts now.
        """
        record = self._parts.store.get_notebook(name)
        if record is None:
            self._forget(name)
            return None
        if isinstance(record, Broken):
            self._let_go(name)
            if record.deletion_requested_at is not None:
                return self._delete_broken(record)
            self._report_broken(record)
            return None
        note_request(record.metadata.request)
        place = self._starting.place(record)
        return self._tell_place(record, place) if place else self._look_into(record)

    def _tell_place(self, record: Notebook, place: int) -> float | None:
        """Say to one that only waits for its turn how many are before it."""
        verdict = in_line(record.status, place, self._parts.now())
        self._put(record, verdict.status)
        return verdict.look_again

    def _look_into(self, record: Notebook) -> float | None:
        name = record.metadata.name
        wanted = Wanted(record, self._parts.store.uid, self._sight.homes(record))
        try:
            return self._step(wanted)
        except EngineError as error:
            self._starting.leave(name)  # whoever waits for another attempt keeps no one from his
            if not self._explain(wanted.notebook, error):
                return 0.0
            if error.kind is Kind.REFUSED and wanted.notebook.status.phase is not Phase.RUNNING:
                self._decider.drop(name)
                return None
            raise
        except Exception:
            self._starting.leave(name)
            raise

    def is_own_write(self, name: str) -> bool:
        """Return whether the record's last change is our own: nothing new to look at."""
        written = self._wrote.get(name)
        if written is None:
            return False
        try:
            record = self._parts.store.get_notebook(name)
        except StoreError:
            return False
        return record is not None and _version(record) == written

    def is_right(
        self, record: Notebook | Broken, homes: Mapping[str, Home], snapshot: Snapshot
    ) -> bool:
        """Return whether a server was found to be right by what a look shows still.

        Args:
            record: its record.
            homes: all that can be read, by volume.
            snapshot: the look.
        """
        return isinstance(record, Notebook) and self._judged.holds(record, homes, snapshot)

    def _step(self, wanted: Wanted) -> float | None:
        # What is to go is not judged by a look that is older: see below.
        seen = self._parts.seen(wanted.name) if is_to_run(wanted.notebook) else None
        found = self._judge(wanted, seen)
        if seen is not None and not found.verdict.adds_only:
            # What was there some time ago may hold a home by now that only its tasks can tell of.
            found = self._judge(found.wanted, None, found)
        wanted, observed, verdict = found.wanted, found.observed, found.verdict
        self._judged.note(wanted, found.snapshot, verdict)
        with self._parts.metrics.measure(Step.APPLY, self._parts.clock):
            self._carry_out(wanted, observed, verdict)
        self._starting.follow_up(wanted.name, observed, verdict)
        return verdict.look_again

    def _judge(
        self, wanted: Wanted, seen: float | None, before: _Judgement | None = None
    ) -> _Judgement:
        """Decide on one notebook by a look at it.

        Args:
            wanted: the notebook.
            seen: since when what is seen of it is new enough; None: it is to be seen anew.
            before: stands if the look is none that began later.
        """
        measure, clock = self._parts.metrics.measure, self._parts.clock
        with measure(Step.OBSERVE, clock):
            snapshot = self._look(wanted.name, seen)
            if before is not None and snapshot.started <= before.snapshot.started:
                return before
            observed = self._observe(wanted, snapshot)
        wanted = self._bind_homes(wanted, snapshot)
        context = Context(self._parts.policy, self._parts.network, self._parts.now())
        with measure(Step.DECIDE, clock):
            verdict = self._decider.decide(wanted, observed, snapshot, context)
        return _Judgement(wanted, snapshot, observed, verdict)

    def _look(self, name: str, seen: float | None = None) -> Snapshot:
        """Look at one notebook; what we have changed of it is only judged by what came after."""
        return self._parts.observer.look_at(name, self._changed.get(name, NEVER), seen)

    def _observe(self, wanted: Wanted, snapshot: Snapshot) -> Observed:
        since_repair = self._parts.clock() - self._repaired.get(wanted.name, NEVER)
        observed = replace(self._sight.observe(wanted, snapshot), since_repair=since_repair)
        if not is_to_run(wanted.notebook):
            return observed
        observed = self._sight.complete(wanted, observed, snapshot)
        if observed.service is None:
            return self._starting.before(wanted, observed, snapshot)
        return self._starting.after(wanted, observed)

    def _carry_out(self, wanted: Wanted, observed: Observed, verdict: Verdict) -> None:
        if not verdict.act_first:
            self._put(wanted.notebook, verdict.status)
        try:
            self._applier.apply(wanted, observed, verdict.actions)
        finally:
            self._remember(wanted.name, verdict)
        removed = any(isinstance(a, RemoveRecord) for a in verdict.actions)
        if verdict.act_first and not removed:
            self._put(wanted.notebook, verdict.status)

    def _remember(self, name: str, verdict: Verdict) -> None:
        """What we change is only judged by a look that began after the change."""
        if verdict.actions:
            self._changed[name] = self._parts.clock()
        if any(isinstance(a, UpdateService) and a.repair for a in verdict.actions):
            self._repaired[name] = self._parts.clock()

    def _put(self, record: Notebook, status: NotebookStatus) -> None:
        if status == record.status:
            return
        meta = record.metadata
        fence = self._parts.leadership.fence
        written = self._parts.store.put_notebook_status(
            meta.name, meta.uid, meta.resource_version, status, fence=fence
        )
        self._wrote[meta.name] = _version(written)
        self._events.status(meta.name, record.status, status)
        self._waits.note(record, status, self._parts.now())
        if status.phase is not record.status.phase:
            log.info("phase", notebook=meta.name, phase=status.phase, message=status.message)

    def _bind_homes(self, wanted: Wanted, snapshot: Snapshot) -> Wanted:
        """Write down where the homes lie, before a service goes that alone can tell."""
        known, fence = dict(wanted.homes), self._parts.leadership.fence
        for name, status in bindings(wanted, snapshot, self._parts.now()):
            home = wanted.homes[name]
            meta = home.metadata
            written = self._parts.store.put_home_status(
                name, meta.uid, meta.resource_version, status, fence=fence
            )
            self._events.home(home, status)
            known[name] = written if isinstance(written, Home) else home
        return replace(wanted, homes=known)

    def _forget(self, name: str) -> None:
        self._let_go(name)
        self._waits.forget(name)
        for memory in (self._changed, self._repaired, self._wrote):
            memory.pop(name, None)

    def _let_go(self, name: str) -> None:
        self._judged.forget(name)
        self._decider.drop(name)
        self._starting.forget(name)

    def _delete_broken(self, record: Broken) -> float | None:
        """End a deletion whose record cannot be read; its homes, which nobody can tell, stay."""
        name = record.name
        left = leavings(record, self._look(name))
        if left is None:
            log.warning("notebook", notebook=name, outcome="held", error=MESSAGE)
            return None
        services, secrets = left
        if services:
            self._applier.remove(name, services, ())
            self._changed[name] = self._parts.clock()
            return 0.0
        self._applier.remove(name, (), secrets)
        fence = self._parts.leadership.fence
        self._parts.store.remove_notebook(name, record.uid, record.resource_version, fence=fence)
        self._events.carried_out(name, RemoveRecord())
        log.info("notebook", notebook=name, outcome="removed unread")
        return None

    def _report_broken(self, record: Broken) -> None:
        """Say on the record itself that it cannot be read; what runs is left alone."""
        old = record.status if isinstance(record.status, NotebookStatus) else NotebookStatus()
        now = self._parts.now()
        status = failed(old, ConditionType.VALID, "InvalidRecord", record.message, now).status
        if status.conditions == old.conditions and status.message == old.message:
            return
        fence = self._parts.leadership.fence
        written = self._parts.store.put_notebook_status(
            record.name, record.uid, record.resource_version, status, fence=fence
        )
        self._wrote[record.name] = _version(written)
        self._events.status(record.name, old, status)

    def _explain(self, record: Notebook, error: EngineError) -> bool:
        """Write down what a person should know of a failed call.

        A refusal ends a start, which would fail again; a server that runs is left running.
        Returns False if the record's spec was written anew meanwhile: then nothing is known of it.
        """
        if error.kind in (Kind.STALE, Kind.GONE):  # the Swarm moved on: no news for a person
            return True
        fresh = self._parts.store.get_notebook(record.metadata.name)
        if not isinstance(fresh, Notebook) or _start_of(fresh) != _start_of(record):
            return False
        if error.kind is Kind.REFUSED and fresh.status.phase is not Phase.RUNNING:
            self._put(fresh, self._refused(fresh, error))
        elif not is_settled(fresh):  # else its reason would be lost for good
            self._put(fresh, fresh.status.model_copy(update={"message": error.sentence}))
        return True

    def _refused(self, record: Notebook, error: EngineError) -> NotebookStatus:
        update = {"observed_generation": record.metadata.generation}
        status = record.status.model_copy(update=update)
        now = self._parts.now()
        return failed(status, ConditionType.READY, "EngineRefused", error.sentence, now).status


def _version(record: Notebook | Broken) -> int | None:
    return (
        record.metadata.resource_version
        if isinstance(record, Notebook)
        else record.resource_version
    )


def _start_of(record: Notebook) -> tuple[str, int]:
    return record.metadata.uid, record.metadata.generation

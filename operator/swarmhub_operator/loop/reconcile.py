"""One reconciliation of one notebook: observe, plan, record, apply."""

from __future__ import annotations

from dataclasses import replace

from swarmhub_crds.errors import StoreError
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Broken

from swarmhub_operator.decide import homes
from swarmhub_operator.decide.actions import RemoveRecord, UpdateService
from swarmhub_operator.decide.behind import MESSAGE, is_later
from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.inventories import Found
from swarmhub_operator.decide.mounting import Owners
from swarmhub_operator.decide.owners import owners
from swarmhub_operator.decide.placing import needs_place
from swarmhub_operator.decide.plan import plan, was_unreadable
from swarmhub_operator.decide.verdict import Verdict, failed
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Snapshot
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.apply import Applier
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.starting import Starting

MAX_AGE = 0.05  # seconds that a shared look may be old
NEVER = float("-inf")
log = get_logger()


class Reconciler:
    """Brings one notebook at a time closer to its record. Thread-safe for different names."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._starting = Starting(parts)
        refused = parts.policy.refused_environment
        self._applier = Applier(parts.engine, parts.store, parts.leadership, parts.now, refused)
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
            self._starting.forget(name)
            if record.deletion_requested_at is not None:
                return self._delete_broken(record)
            self._report_broken(record)
            return None
        wanted = Wanted(record, self._parts.store.uid, self._homes(record))
        try:
            return self._step(wanted)
        except EngineError as error:
            self._starting.leave(name)  # whoever waits for another attempt keeps no one from his
            if not self._explain(wanted.notebook, error):
                return 0.0
            if error.kind is Kind.REFUSED and wanted.notebook.status.phase is not Phase.RUNNING:
                self._starting.drop(name)
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

    def _homes(self, record: Notebook) -> dict[str, Home]:
        found = (self._parts.store.get_home(m.volume) for m in record.spec.mounts if m.home)
        return {h.metadata.name: h for h in found if isinstance(h, Home)}

    def _step(self, wanted: Wanted) -> float | None:
        snapshot = self._look(wanted.name)
        observed = self._observe(wanted, snapshot)
        wanted = self._bind_homes(wanted, snapshot)
        verdict = self._decide(wanted, observed, snapshot)
        self._carry_out(wanted, observed, verdict)
        self._starting.follow_up(wanted.name, observed, verdict)
        return verdict.look_again

    def _look(self, name: str) -> Snapshot:
        oldest = max(self._changed.get(name, NEVER), self._parts.clock() - MAX_AGE)
        return self._parts.observer.look(oldest)

    def _observe(self, wanted: Wanted, snapshot: Snapshot) -> Observed:
        service = snapshot.services.get(wanted.name)
        strays = (s for s in snapshot.strays if s.labels.get(labels.NOTEBOOK) == wanted.name)
        task = snapshot.current_task(service) if service else None
        down = snapshot.down(task)
        observed = Observed(
            service=service,
            strays=tuple(strays),
            task=task,
            secrets=snapshot.secrets.get(wanted.name, ()),
            nodes=snapshot.nodes,
            removed=self._removed(wanted, snapshot),
            unchanged=snapshot.unchanged(service) if service else 0.0,
            down_for=snapshot.started - down.seen if down else 0.0,
            down_since=down.since if down else None,
            since_repair=self._parts.clock() - self._repaired.get(wanted.name, NEVER),
        )
        if wanted.spec.desired is not Desired.RUNNING or _is_settled(wanted.notebook):
            return observed
        observed = replace(observed, owners=self._owners(wanted, snapshot))
        if service is None:
            ending = snapshot.ending.get(wanted.name, ())
            observed = replace(observed, ending=ending, found=self._found(wanted, snapshot))
            return self._starting.before(wanted, observed)
        return self._starting.after(wanted, observed)

    def _owners(self, wanted: Wanted, snapshot: Snapshot) -> Owners:
        """Find out whose the volumes are, also those that the record calls nobody's home."""
        stored: dict[str, Home | None] = dict(wanted.homes)
        for volume in {m.volume for m in wanted.spec.mounts} - stored.keys():
            home = self._parts.store.get_home(volume)
            if home is not None:
                stored[volume] = home if isinstance(home, Home) else None
        inventories = self._parts.inventories.known()
        services = snapshot.all_services()
        return owners(wanted.spec, stored, inventories, services)

    def _found(self, wanted: Wanted, snapshot: Snapshot) -> dict[str, Found]:
        """Find the homes that are bound to no node, and may yet be somewhere."""
        if not self._parts.policy.adopt_volumes:
            return {}
        unbound = (h for h in wanted.homes.values() if h.node_local and not h.status.node_id)
        find = self._parts.inventories.find
        return {home.metadata.name: find(home, snapshot.nodes) for home in unbound}

    def _decide(self, wanted: Wanted, observed: Observed, snapshot: Snapshot) -> Verdict:
        context = Context(self._parts.policy, self._parts.network, self._parts.now())
        runs = wanted.spec.desired is Desired.RUNNING and not _is_settled(wanted.notebook)
        if runs and needs_place(wanted, observed):
            return self._starting.decide(wanted, observed, snapshot, context)
        if not runs:
            self._starting.drop(wanted.name)
        return plan(wanted, observed, context)

    def _removed(self, wanted: Wanted, snapshot: Snapshot) -> frozenset[str]:
        """Ask the store of which records the services under this name are left over, if any."""
        first = snapshot.services.get(wanted.name)
        found = (*((first,) if first else ()), *snapshot.strays)
        others = {s.labels.get(labels.UID, "") for s in found} - {wanted.notebook.metadata.uid}
        return self._parts.store.removed_uids() & others if others else frozenset()

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
        if status.phase is not record.status.phase:
            log.info("phase", notebook=meta.name, phase=status.phase, message=status.message)

    def _bind_homes(self, wanted: Wanted, snapshot: Snapshot) -> Wanted:
        """Write down where the homes lie, before a service goes that alone can tell.

        Its newest task may not have begun; that of an earlier one, which no operator saw run, is
        then what tells.
        """
        service = snapshot.services.get(wanted.name)
        task = snapshot.last_begun(service) if service else None
        if service is None or task is None:
            return wanted
        node, runs = snapshot.nodes.get(task.node_id or ""), wanted.spec.desired is Desired.RUNNING
        known = dict(wanted.homes)
        # That service may be of an earlier start, which had other homes.
        for name, home in wanted.homes.items():
            status = homes.bound(home, task, node, self._parts.now())
            if status is None or name not in service.volumes:
                continue
            if runs or home.status.phase is HomePhase.PENDING:
                meta, fence = home.metadata, self._parts.leadership.fence
                written = self._parts.store.put_home_status(
                    name, meta.uid, meta.resource_version, status, fence=fence
                )
                known[name] = written if isinstance(written, Home) else home
        return replace(wanted, homes=known)

    def _forget(self, name: str) -> None:
        self._starting.forget(name)
        for memory in (self._changed, self._repaired, self._wrote):
            memory.pop(name, None)

    def _delete_broken(self, record: Broken) -> float | None:
        """End a deletion whose record cannot be read; its homes, which nobody can tell, stay."""
        name = record.name
        snapshot = self._look(name)
        services = [s for s in snapshot.all_services() if s.labels.get(labels.NOTEBOOK) == name]
        if any(is_later(s, record.uid, record.deletion_requested_at) for s in services):
            log.warning("notebook", notebook=name, outcome="held", error=MESSAGE)
            return None
        if services:
            self._applier.remove(name, services, ())
            self._changed[name] = self._parts.clock()
            return 0.0
        self._applier.remove(name, (), snapshot.secrets.get(name, ()))
        fence = self._parts.leadership.fence
        self._parts.store.remove_notebook(name, record.uid, record.resource_version, fence=fence)
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
        elif not _is_settled(fresh):  # else its reason would be lost for good
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


def _is_settled(record: Notebook) -> bool:
    """Whether this generation has been given up or has ended by itself.

    One that was unreadable begins afresh, by the gate, the owners and the quotas like any other.
    """
    status = record.status
    over = status.phase in (Phase.FAILED, Phase.STOPPED) and not was_unreadable(status)
    return over and status.observed_generation == record.metadata.generation

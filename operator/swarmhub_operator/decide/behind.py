"""A store that went back in time, as by an older backup, knows less than what runs. Pure.

What was started after its record was last written is neither removed, replaced nor stopped: it
is held until the record is written anew, by its user or by `swarmhub state rebuild`.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime

from swarmhub_crds.base import Metadata
from swarmhub_crds.notebook import ConditionType, Phase
from swarmhub_crds.sqlstore.codec import Broken

from swarmhub_operator.decide.build import Wanted, address
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.verdict import Verdict, mark
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Secret, Service, TaskState
from swarmhub_operator.engine.snapshot import Snapshot

REASON = "StoreBehind"
MESSAGE = (
    "Its server was started after this record was last written: the store is older than what "
    "runs. The server is left alone; `swarmhub state rebuild` writes its record anew."
)


def is_behind(record: Metadata, service: Service, removed: AbstractSet[str]) -> bool:
    """Return whether the service was made from a later record than this one of its name.

    Args:
        record: the record that the store holds.
        service: a service of its name.
        removed: uids of records whose removal is remembered; what carries one is garbage.
    """
    uid = service.labels.get(labels.UID, "")
    if uid in removed or (uid == record.uid and service.generation <= record.generation):
        return False
    return service.created_at > (record.spec_written_at or record.created_at)


def is_later(service: Service, uid: str | None, marked: datetime | None) -> bool:
    """Return whether the service is of another record, made after that of `uid` was marked."""
    other = uid is not None and service.labels.get(labels.UID) != uid
    return other and marked is not None and service.created_at > marked


def leavings(
    record: Broken, snapshot: Snapshot
) -> tuple[tuple[Service, ...], tuple[Secret, ...]] | None:
    """Return what is left of a deleted notebook whose record cannot be read.

    None if it is held: one of the services was made after the record was marked.
    """
    name = record.name
    found = snapshot.all_services()
    services = tuple(s for s in found if s.labels.get(labels.NOTEBOOK) == name)
    if any(is_later(s, record.uid, record.deletion_requested_at) for s in services):
        return None
    return services, snapshot.secrets.get(name, ())


def hold(wanted: Wanted, observed: Observed, now: datetime) -> Verdict | None:
    """Return the decision to leave a later start alone, or None if there is none.

    The status says which generation was seen, so that the next one is above it.
    """
    found = (observed.service, *observed.strays)
    own = wanted.notebook.metadata
    later = [s for s in found if s is not None and is_behind(own, s, observed.removed)]
    if not later:
        return None
    generation = max(own.generation, *(s.generation for s in later))
    task = observed.task
    runs = task is not None and task.state is TaskState.RUNNING
    status = mark(wanted.notebook.status, ConditionType.READY, None, REASON, MESSAGE, now)
    update = {
        "observed_generation": generation,
        "phase": Phase.RUNNING if runs else Phase.PENDING,
        "message": MESSAGE,
        "address": address(later[0].alias, wanted.spec.port) if runs else None,
        "service_id": later[0].id,
        "next_restart_at": None,
    }
    return Verdict(status.model_copy(update=update))

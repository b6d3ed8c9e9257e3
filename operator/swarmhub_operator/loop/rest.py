"""Which records the periodic pass need not look at: there is nothing to do for them."""

from __future__ import annotations

from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Broken


def name_of(record: Notebook | Broken) -> str:
    """Return the record's name, whether or not the record can be read."""
    return record.metadata.name if isinstance(record, Notebook) else record.name


def is_at_rest(record: Notebook | Broken) -> bool:
    """Whether the record alone, with nothing of it in the Swarm, leaves nothing to be done.

    Most records of a large hub are of people who are not there, and shall cost nothing.
    """
    if isinstance(record, Broken):
        return record.deletion_requested_at is None and _is_reported(record)
    meta, status = record.metadata, record.status
    return (
        meta.deletion_requested_at is None
        and record.spec.desired is Desired.STOPPED
        and status.observed_generation == meta.generation
        and status.phase in (Phase.STOPPED, Phase.FAILED)
        and status.service_id is None
    )


def seems_right(record: Notebook) -> bool:
    """Whether all is as wanted by the record's own word; the Swarm may tell otherwise."""
    status = record.status
    return (
        record.metadata.deletion_requested_at is None
        and record.spec.desired is Desired.RUNNING
        and status.observed_generation == record.metadata.generation
        and status.phase is Phase.RUNNING
    )


def _is_reported(record: Broken) -> bool:
    """Whether the record's own status says already why it cannot be read."""
    if not isinstance(record.status, NotebookStatus) or record.status.message != record.message:
        return False
    valid = find_condition(record.status.conditions, ConditionType.VALID)
    return valid is not None and valid.status is ConditionStatus.FALSE

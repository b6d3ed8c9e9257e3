"""What a record means for the hub: pure answers to "has it started, stopped, died?"."""

from __future__ import annotations

from dataclasses import dataclass

from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, NotebookStatus, Phase

from swarmhub_spawner.messages import Text, failure_text

HTTP_REFUSED = 403
HTTP_FAILED = 500


@dataclass(frozen=True)
class Ready:
    """The notebook answers at `address`."""

    address: str


@dataclass(frozen=True)
class Ended:
    """The start is over without a server; `status_code` is the HTTP status for the page."""

    text: Text
    status_code: int = HTTP_FAILED


def current(notebook: Notebook) -> bool:
    """Whether the status speaks about the latest spec."""
    return notebook.status.observed_generation >= notebook.metadata.generation


def start_verdict(notebook: Notebook) -> Ready | Ended | None:
    """Return how a start ended, or None while it goes on (back-off is going on)."""
    if notebook.metadata.deletion_requested_at is not None:
        return Ended(Text("The server is being deleted; start it again in a moment."))
    if notebook.spec.desired is not Desired.RUNNING:
        return Ended(Text("The server was stopped while it started; start it again."))
    return _status_verdict(notebook.status) if current(notebook) else None


def _status_verdict(status: NotebookStatus) -> Ready | Ended | None:
    if refused(status):
        return Ended(failure_text(status), HTTP_REFUSED)
    if status.phase is Phase.FAILED:
        return Ended(failure_text(status))
    ready = find_condition(status.conditions, ConditionType.READY)
    if ready is not None and ready.status is ConditionStatus.TRUE and status.address:
        return Ready(status.address)
    return None


def refused(status: NotebookStatus) -> bool:
    """Whether the operator's policy forbids the spec or cannot read it."""
    kinds = (ConditionType.ACCEPTED, ConditionType.VALID)
    found = (find_condition(status.conditions, kind) for kind in kinds)
    return any(c is not None and c.status is ConditionStatus.FALSE for c in found)


def failed(notebook: Notebook) -> bool:
    """Whether the operator has given up the notebook although it should run."""
    return (
        notebook.spec.desired is Desired.RUNNING
        and current(notebook)
        and notebook.status.phase is Phase.FAILED
    )


def exit_code(notebook: Notebook | None) -> int | None:
    """Return the answer of `poll`: None while the notebook should run and was not given up.

    A notebook in back-off counts as running: the operator owns its restarts. So does one of which
    the operator has seen a later start than the record knows: the store is an older one.
    """
    if notebook is not None and notebook.status.observed_generation > notebook.metadata.generation:
        return None
    if notebook is None or notebook.spec.desired is not Desired.RUNNING:
        return 0
    if not current(notebook):
        return None
    if notebook.status.phase is Phase.FAILED:
        return notebook.status.exit_code or 1
    return 0 if notebook.status.phase is Phase.STOPPED else None


def has_stopped(notebook: Notebook | None) -> bool:
    """Whether nothing of the notebook runs any more, as far as its record says."""
    if notebook is None:
        return True
    ended = notebook.status.phase in (Phase.STOPPED, Phase.FAILED)
    return notebook.spec.desired is Desired.STOPPED and current(notebook) and ended

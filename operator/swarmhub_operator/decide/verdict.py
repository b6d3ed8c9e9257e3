"""What a decision consists of, and how a status is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from swarmhub_crds.base import Condition, ConditionStatus, find_condition, set_condition
from swarmhub_crds.notebook import ConditionType, NotebookStatus, Phase

from swarmhub_operator.decide.actions import Action, CreateSecret, CreateService
from swarmhub_operator.decide.build import Wanted

SOON = 0.1  # seconds until the next look at a notebook that is on its way
UNDERWAY = 0.25  # seconds until the next look at one that its node prepares
SLOW = 2.0  # seconds until the next look at one that waits for something outside


@dataclass(frozen=True, slots=True)
class Verdict:
    """The status to write, the actions to apply, and when to look again (None: when it changes).

    The status is written before the actions are applied, so that what was counted stays counted
    after a crash in between; `act_first` turns that round where the status says that all is done.
    """

    status: NotebookStatus
    actions: tuple[Action, ...] = ()
    look_again: float | None = None
    act_first: bool = False

    @property
    def adds_only(self) -> bool:
        """Whether no action changes or removes anything."""
        return all(isinstance(action, CreateSecret | CreateService) for action in self.actions)


def fresh(wanted: Wanted) -> NotebookStatus:
    """Return the status with which a new generation begins."""
    return NotebookStatus(observed_generation=wanted.notebook.metadata.generation)


def mark(
    status: NotebookStatus,
    kind: ConditionType,
    truth: bool | None,
    reason: str,
    message: str,
    now: datetime,
) -> NotebookStatus:
    """Return `status` with one condition set; `truth` None is Unknown."""
    if truth is None:
        answer = ConditionStatus.UNKNOWN
    else:
        answer = ConditionStatus.TRUE if truth else ConditionStatus.FALSE
    condition = Condition(
        type=kind, status=answer, reason=reason, message=message, last_transition_time=now
    )
    return status.model_copy(update={"conditions": set_condition(status.conditions, condition)})


def pending(status: NotebookStatus, message: str, now: datetime) -> NotebookStatus:
    """Return the status of a notebook of which nothing runs yet, or not any more."""
    for kind in (ConditionType.STARTED, ConditionType.READY):
        if kind is ConditionType.READY or find_condition(status.conditions, kind):
            status = mark(status, kind, False, "Waiting", message, now)
    return status.model_copy(update={"phase": Phase.PENDING, "message": message, "address": None})


def failed(
    status: NotebookStatus, kind: ConditionType, reason: str, message: str, now: datetime
) -> Verdict:
    """Give up until the spec changes, for a reason that a person can act on."""
    status = mark(status, kind, False, reason, message, now)
    if kind is not ConditionType.READY:
        status = mark(status, ConditionType.READY, False, reason, "", now)
    return Verdict(
        status.model_copy(
            update={
                "phase": Phase.FAILED,
                "message": message,
                "address": None,
                "next_restart_at": None,
            }
        )
    )

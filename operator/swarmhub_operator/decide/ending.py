"""A service is made only once the container of the one before has ended. Pure.

Whether somebody removed that one, or the user stopped it and starts it again: both have one home,
and two servers would write into the same files. Of one start both have one address too, and the old
one would be asked in the new one's stead.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from swarmhub_crds.base import find_condition
from swarmhub_crds.notebook import ConditionType, NotebookStatus

from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.verdict import SOON, Verdict, mark, pending
from swarmhub_operator.engine.observed import Task

END_WITHIN = timedelta(seconds=15)  # the grace of a stop is ten
_REASON = "Ending"


def await_end(observed: Observed, status: NotebookStatus, now: datetime) -> Verdict | None:
    """Return the decision to wait for what is left of the removed service, or None to go on."""
    if not any(_is_alive(task, observed) for task in observed.ending):
        return None
    message = "Waiting for the server before it to end."
    status = mark(pending(status, message, now), ConditionType.SCHEDULED, False, _REASON, "", now)
    since = find_condition(status.conditions, ConditionType.SCHEDULED)
    if since is None or abs(now - since.last_transition_time) > END_WITHIN:
        return None
    return Verdict(status, look_again=SOON)


def _is_alive(task: Task, observed: Observed) -> bool:
    """Whether the task may still have a container; that of a dead node is not waited for."""
    node = observed.nodes.get(task.node_id or "")
    return not task.ended and node is not None and node.state != "down"

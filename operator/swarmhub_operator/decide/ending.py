"""A service is made only once the container of the one before has ended. Pure.

Whether somebody removed that one, or the user stopped it and starts it again: both have one home,
and two servers would write into the same files. Of one start both have one address too, and the old
one would be asked in the new one's stead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from swarmhub_crds.base import find_condition
from swarmhub_crds.notebook import ConditionType, NotebookStatus

from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.verdict import SOON, Verdict, mark, pending
from swarmhub_operator.engine.observed import Node, Task
from swarmhub_operator.engine.snapshot import Snapshot

GRACE = 10.0  # seconds that a container has to end, unless its notebook asks for more
LATE = 5.0  # seconds that its end may take beyond that
ENDING = "Ending"


def await_end(
    observed: Observed, status: NotebookStatus, now: datetime, grace: float | None = None
) -> Verdict | None:
    """Return the decision to wait for what is left of the removed service, or None to go on.

    Args:
        observed: of the notebook.
        status: that it has.
        now: the time.
        grace: seconds that its containers have to end, if it asks for any number of its own.
    """
    if not any(is_alive(task, observed.nodes) for task in observed.ending):
        return None
    message = "Waiting for the server before it to end."
    status = mark(pending(status, message, now), ConditionType.SCHEDULED, False, ENDING, "", now)
    since = find_condition(status.conditions, ConditionType.SCHEDULED)
    within = timedelta(seconds=max(GRACE, grace or 0) + LATE)
    if since is None or abs(now - since.last_transition_time) > within:
        return None
    return Verdict(status, look_again=SOON)


def still_ending(snapshot: Snapshot) -> frozenset[str]:
    """Return the notebooks whose service is gone, and a container of which may still run."""
    nodes = snapshot.nodes
    return frozenset(
        name
        for name, tasks in snapshot.ending.items()
        if any(is_alive(task, nodes) for task in tasks)
    )


def is_alive(task: Task, nodes: Mapping[str, Node]) -> bool:
    """Whether the task may still have a container; that of a dead node is not waited for."""
    node = nodes.get(task.node_id or "")
    return not task.ended and node is not None and node.state != "down"

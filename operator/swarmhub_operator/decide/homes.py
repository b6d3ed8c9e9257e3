"""What becomes of homes: bound where they were first used, released with their user."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from swarmhub_crds.base import Condition, ConditionStatus, find_condition, set_condition
from swarmhub_crds.home import Home, HomePhase, HomeStatus, Reclaim
from swarmhub_crds.notebook import Desired, Notebook

from swarmhub_operator.engine.observed import Node, Task, TaskState

RELEASED = "Released"
# In these states the container has existed on the task's node, and so the volume does.
_MADE = frozenset({TaskState.STARTING, TaskState.RUNNING, TaskState.COMPLETE, TaskState.FAILED})


class HomeStep(StrEnum):
    """What is to be done about a released home."""

    KEEP = "keep"
    WAIT = "wait"
    REMOVE = "remove"
    ELSEWHERE = "elsewhere"  # to be removed, but on a node that this engine cannot reach


def bound(home: Home, task: Task, node: Node | None, now: datetime) -> HomeStatus | None:
    """Return the status of a home whose notebook has a task on a node, or None if nothing changes.

    A home that had been released is bound again: its user is back.
    """
    if task.node_id is None or task.state not in _MADE:
        return None
    status = home.status
    update: dict[str, object] = {}
    if status.phase is not HomePhase.BOUND:
        update |= {"phase": HomePhase.BOUND, "message": "", "last_used_at": now}
        update["conditions"] = tuple(c for c in status.conditions if c.type != RELEASED)
    if status.node_id is None and home.node_local:
        update |= {"node_id": task.node_id, "node": node.hostname if node else None}
    if not update:
        return None
    update["observed_generation"] = home.metadata.generation
    return status.model_copy(update=update)


def released(home: Home, now: datetime) -> HomeStatus:
    """Return the status of a home whose user or server the hub has deleted."""
    kept = "it is kept" if home.spec.reclaim is Reclaim.RETAIN else "it will be removed"
    message = f"Its user or server was deleted in the hub; {kept}."
    condition = Condition(
        type=RELEASED,
        status=ConditionStatus.TRUE,
        reason="OwnerDeleted",
        message=message,
        last_transition_time=now,
    )
    return home.status.model_copy(
        update={
            "phase": HomePhase.RELEASED,
            "message": message,
            "conditions": set_condition(home.status.conditions, condition),
            "last_used_at": home.status.last_used_at or now,
        }
    )


def step(home: Home, *, mounted: bool, own_node: str, now: datetime, grace: float) -> HomeStep:
    """Decide about a home. Only one that was released by a deletion is ever removed.

    Args:
        home: the record.
        mounted: whether a notebook record mounts the volume.
        own_node: id of the node whose volumes this engine can remove.
        now: the time.
        grace: seconds between the release and the removal.
    """
    release = find_condition(home.status.conditions, RELEASED)
    if (
        mounted
        or release is None
        or home.status.phase
        not in (
            HomePhase.RELEASED,
            HomePhase.DELETING,
        )
    ):
        return HomeStep.KEEP
    if home.spec.reclaim is not Reclaim.DELETE:
        return HomeStep.KEEP
    if now - release.last_transition_time < timedelta(seconds=grace):
        return HomeStep.WAIT
    if home.node_local and home.status.node_id not in (None, own_node):
        return HomeStep.ELSEWHERE
    return HomeStep.REMOVE


def losing(home: Home, leaving: Notebook, others: Iterable[Notebook]) -> bool:
    """Return whether a home loses its user with the notebook `leaving`.

    It does not when it belongs to another server, as a named server may share the home of the
    default one, nor while another notebook that should run mounts it. One that is stopped does not
    count: the hub deletes a user's servers one after the other, and `step` waits for the last.
    """
    if (home.spec.user, home.spec.server) != (leaving.spec.user, leaving.spec.server):
        return False
    return not any(
        m.volume == home.metadata.name
        for other in others
        if other.metadata.uid != leaving.metadata.uid and other.spec.desired is Desired.RUNNING
        for m in other.spec.mounts
    )

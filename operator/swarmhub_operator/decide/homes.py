"""What becomes of homes: bound where they were first used, released with their user. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from shlex import quote

from swarmhub_crds.base import Condition, ConditionStatus, find_condition, set_condition
from swarmhub_crds.home import Home, HomePhase, HomeStatus, Place, Reclaim
from swarmhub_crds.notebook import Desired, Notebook

from swarmhub_operator.engine.observed import Node, Task

RELEASED = "Released"
NOTED_EVERY = timedelta(days=1)  # a home in use is not written down more often


class HomeStep(StrEnum):
    """What is to be done about a released home."""

    KEEP = "keep"
    WAIT = "wait"
    REMOVE = "remove"
    ELSEWHERE = "elsewhere"  # to be removed on a node that this engine cannot reach


def bound(home: Home, task: Task, node: Node | None, now: datetime) -> HomeStatus | None:
    """Return the status of a home whose notebook has a task on a node, or None if nothing changes.

    A home that had been released is bound again: its user is back.
    """
    if not task.begun:
        return None
    status = home.status
    update: dict[str, object] = {}
    if status.last_used_at and now - status.last_used_at > NOTED_EVERY:
        update["last_used_at"] = now
    if status.phase in (HomePhase.MOVING, HomePhase.LOST):
        return None
    if status.phase is not HomePhase.BOUND:
        update |= {"phase": HomePhase.BOUND, "message": "", "last_used_at": now}
        update["conditions"] = tuple(c for c in status.conditions if c.type != RELEASED)
    if status.node_id is None and home.node_local:
        update |= {"node_id": task.node_id, "node": node.hostname if node else None}
    if not update:
        return None
    update["observed_generation"] = home.metadata.generation
    return status.model_copy(update=update)


def is_held(home: Home, now: datetime) -> bool:
    """Whether a command works on what is in the home, so that nothing else may be done with it."""
    until = home.spec.orders.held_until
    return until is not None and now < until


def adopted(home: Home, node: Node, now: datetime, *, own: bool) -> HomeStatus:
    """Return the status of a home whose volume was found on a node, before its record was used.

    Args:
        home: the record, bound to no node.
        node: that holds the volume.
        now: the time; its notebook starts right after.
        own: whether the volume is labelled with this very record; it is never labelled anew.
    """
    update = {
        "phase": HomePhase.BOUND,
        "node_id": node.id,
        "node": node.hostname,
        "adopted": not own,
        "last_used_at": now,
        "message": "" if own else f"It was on {node.hostname} already, and is kept as it is.",
        "observed_generation": home.metadata.generation,
    }
    return home.status.model_copy(update=update)


def lost(home: Home) -> HomeStatus:
    """Return the status of a home whose volume is no longer on its node."""
    message = (
        f"Its volume is no longer on {home.status.node}: somebody removed it there. Put it back, "
        f"or run `swarmhub homes forget {home.metadata.name}` to go on with an empty one."
    )
    return home.status.model_copy(update={"phase": HomePhase.LOST, "message": message})


def found_again(home: Home) -> HomeStatus:
    """Return the status of a lost home whose volume is back."""
    return home.status.model_copy(update={"phase": HomePhase.BOUND, "message": ""})


def forgotten(home: Home) -> HomeStatus | None:
    """Return the status of a home that an administrator has just given up, or None."""
    given_up, status = home.spec.orders.forgotten, home.status
    if len(given_up) <= status.forgotten:
        return None
    update: dict[str, object] = {"forgotten": len(given_up)}
    if status.node_id == given_up[-1]:
        update |= {
            "phase": HomePhase.PENDING,
            "node_id": None,
            "node": None,
            "size": None,
            "adopted": False,
            "message": f"What was on {status.node} is given up; the next start begins anew.",
        }
    return status.model_copy(update=update)


def without_leftover(home: Home, place: Place) -> HomeStatus:
    """Return the status of a home of which one copy is no more."""
    left = tuple(p for p in home.status.leftovers if p.node_id != place.node_id)
    return home.status.model_copy(update={"leftovers": left})


def awaiting_leftovers(home: Home) -> str:
    """Say what a home waits for of which a move has left copies on some nodes."""
    hosts = ", ".join(place.node for place in home.status.leftovers)
    return (
        f"It waits until an older copy on {hosts} is removed; if that node never comes back, "
        f"remove it from the Swarm with `docker node rm {quote(home.status.leftovers[0].node)}`."
    )


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


def released_later(home: Home, now: datetime) -> HomeStatus | None:
    """Return the status of a home that is said to be released later than now, else None.

    The clock was ahead then and has been set right; the grace begins now.
    """
    release = find_condition(home.status.conditions, RELEASED)
    if release is None or release.last_transition_time <= now:
        return None
    others = tuple(c for c in home.status.conditions if c.type != RELEASED)
    anew = release.model_copy(update={"last_transition_time": now})
    return home.status.model_copy(update={"conditions": (*others, anew)})


def deleting(home: Home) -> HomeStatus:
    """Return the status of a home whose volume is about to be removed: nobody may mount it."""
    update = {"phase": HomePhase.DELETING, "message": "Its volume is being removed."}
    return home.status.model_copy(update=update)


def kept(home: Home, message: str) -> HomeStatus:
    """Return the status of a released home whose volume is not removed now."""
    return home.status.model_copy(update={"phase": HomePhase.RELEASED, "message": message})


def step(home: Home, *, mounted: bool, own_node: str, now: datetime, grace: float) -> HomeStep:
    """Decide about a home. Only one that was released by a deletion is ever removed.

    It goes by its policy, or because an administrator asks for it.

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
    pruned = home.metadata.deletion_requested_at is not None
    if home.spec.reclaim is not Reclaim.DELETE and not pruned:
        return HomeStep.KEEP
    if now - release.last_transition_time < timedelta(seconds=grace) and not pruned:
        return HomeStep.WAIT
    if home.node_local and home.status.node_id not in (None, own_node):
        return HomeStep.ELSEWHERE
    return HomeStep.REMOVE


def disowned(home: Home) -> bool:
    """Return whether the hub has deleted the user of a home that has not been released yet."""
    unreleased = (HomePhase.PENDING, HomePhase.BOUND, HomePhase.LOST)
    return home.spec.ownerless and home.status.phase in unreleased


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

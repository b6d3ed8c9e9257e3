"""A first start whose node is of no use before its home is there: another node is chosen. Pure.

In two steps: first the service is tied to no node at all, and only when nothing of it can begin any
more where it was to, to the new node. A node that takes tasks again in between would else begin it
beside the other, and what the user wrote in one of the two homes would be missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from swarmhub_crds.notebook import NotebookStatus

from swarmhub_operator.decide.build import NO_NODE, Wanted
from swarmhub_operator.decide.follow import TASK_WITHIN, follow
from swarmhub_operator.decide.inputs import Context
from swarmhub_operator.decide.placing import choose, is_adrift, waiting
from swarmhub_operator.decide.renewing import Seen, force_update, superseded
from swarmhub_operator.decide.verdict import SOON, Verdict, pending
from swarmhub_operator.engine.observed import UNPLACED, Node, Task

SETTLE_AFTER = 10.0  # seconds for which the service has been as it is


def resettle(
    wanted: Wanted, seen: Seen, status: NotebookStatus, context: Context
) -> Verdict | None:
    """Return what becomes of a service whose node cannot or will not take its task, or None.

    A notebook that nothing ties to its node may also only wait for Swarm to find one: then it is
    followed, with our own words for why that takes long.
    """
    task = seen.observed.task
    adrift = is_adrift(wanted, seen.service, seen.observed)
    if not adrift and (task is None or not task.stuck):
        return None
    if task is not None and superseded(task, seen):
        return Verdict(pending(status, "Starting again.", context.now), look_again=SOON)
    choice = choose(wanted, seen.observed, context.now)
    if choice.node is None and (task is None or not task.stuck):
        status = status.model_copy(update={"service_id": seen.service.id})
        nodes = seen.observed.nodes
        return waiting(seen.service.pin, nodes, choice.explain(), status, context.now)
    if choice.node is None:
        return follow(wanted, replace(seen, nowhere=choice.explain()), status, context)
    if not adrift or _is_young(seen) or choice.node.id == seen.service.pin:
        return None
    message = f"It cannot start where it was to; {choice.node.hostname} takes it instead."
    return _move(seen, choice.node, pending(status, message, context.now))


def _is_young(seen: Seen) -> bool:
    """Whether the task may have begun since the look: it would be taken away from its user.

    Swarm makes a task at once, and a node that takes none for a moment may take it in the next.
    """
    return seen.service.pin != NO_NODE and seen.observed.unchanged < SETTLE_AFTER


def _move(seen: Seen, node: Node, status: NotebookStatus) -> Verdict:
    service, pin, why = seen.service, NO_NODE, "its node does not take it, and is not to any more"
    if service.pin == NO_NODE:
        if not _may_begin(seen):
            pin, why = node.id, "its node does not take it"
        elif seen.observed.unchanged < TASK_WITHIN:
            return Verdict(status, look_again=SOON)
    chosen = replace(seen, placement=replace(seen.placement, pin=pin))
    task = seen.observed.task
    return force_update(chosen, task.id if task else "", status, why)


def _may_begin(seen: Seen) -> bool:
    """Whether a task of before the service was tied to no node may yet begin.

    Until Swarm has made the task that is tied to none, that holds for the one before it.
    """
    newest, nodes = seen.observed.task, seen.observed.nodes
    if newest is None or newest.force_update != seen.service.force_update:
        return True
    return any(_begins(task, nodes) for task in seen.observed.earlier)


def _begins(task: Task, nodes: Mapping[str, Node]) -> bool:
    """Whether Swarm may yet begin a task; a node that is down learns first what it shall not."""
    if task.ended or task.wanted:
        return not task.ended
    node = nodes.get(task.node_id or "")
    return task.state not in UNPLACED and node is not None and node.state != "down"

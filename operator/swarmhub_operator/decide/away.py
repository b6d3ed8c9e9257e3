"""A notebook whose node is down, or is being emptied: it waits or moves. Pure.

One that is tied to its node by a home waits: elsewhere the home would be empty, and the node may
only be cut off. One that is tied to nothing goes on elsewhere. What a node that is down still
claims to run counts as nothing, and Swarm ends it if the node comes back.
"""

from __future__ import annotations

from datetime import datetime

from swarmhub_crds.base import find_condition
from swarmhub_crds.notebook import ConditionType, NotebookStatus

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.filters import clock
from swarmhub_operator.decide.inputs import Context
from swarmhub_operator.decide.placing import choose, settles
from swarmhub_operator.decide.renewing import Seen, move
from swarmhub_operator.decide.verdict import SLOW, Verdict, mark, pending
from swarmhub_operator.engine.observed import UNBEGUN, Node, Task

NODE_DOWN = "NodeDown"


def away(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node | None,
    status: NotebookStatus,
    context: Context,
) -> Verdict | None:
    """Return what becomes of a task on a node that is down or being emptied, else None."""
    if node is None:
        return None
    if node.state == "down":
        return _down(wanted, seen, task, node, status, context)
    if was_away(task, status) and task.desired_state == "shutdown":
        message = (
            f"Its node {node.hostname} is back; what ran there is ended, then it starts again."
        )
        return _wait(task, node, status, message, context.now)
    if node.emptied and not settles(wanted) and not _is_newer(task, node):
        if choose(wanted, seen.observed, context.now).node is None:
            return None  # what runs is not given up for nothing
        message = f"Its node {node.hostname} is being emptied; it moves to another node."
        return move(seen, task, pending(status, message, context.now), "its node is drained")
    return None


def _is_newer(task: Task, node: Node) -> bool:
    """Whether it was put there after all we know of the node, which then took tasks again."""
    return node.updated_at is not None and task.created_at > node.updated_at


def was_away(task: Task, status: NotebookStatus) -> bool:
    """Return whether the status says that this task's node went down."""
    ready = find_condition(status.conditions, ConditionType.READY)
    return bool(ready and ready.reason == NODE_DOWN and status.task_id == task.id)


def _down(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node,
    status: NotebookStatus,
    context: Context,
) -> Verdict:
    if seen.placement.pin is None and task.state in UNBEGUN:
        message = f"Its node {node.hostname} went down before it began; moving it elsewhere."
        return move(seen, task, pending(status, message, context.now), "its node is down")
    since = seen.observed.down_since
    what = f"Its node {node.hostname} is down"
    if since:
        what = f"{what} since {clock(since, context.now)}"
    if settles(wanted):
        message = f"{what}; it waits for the node to come back, since its home lies there."
        return _wait(task, node, status, message, context.now)
    choice = choose(wanted, seen.observed, context.now)
    if choice.node is None:
        return _wait(task, node, status, f"{what}. {choice.explain()}", context.now)
    message = f"{what}; it is started on another node unless the node comes back at once."
    waiting = _wait(task, node, status, message, context.now)
    if seen.observed.down_for < context.policy.node_grace:
        return waiting
    return move(seen, task, waiting.status, "its node is down")


def _wait(task: Task, node: Node, status: NotebookStatus, message: str, now: datetime) -> Verdict:
    status = pending(status, message, now)
    status = mark(status, ConditionType.READY, False, NODE_DOWN, message, now)
    update = {"task_id": task.id, "node_id": node.id, "node": node.hostname}
    return Verdict(status.model_copy(update=update), look_again=SLOW)

"""What the newest task of a right service means: on its way, running, or ended. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, NotebookStatus, Phase

from swarmhub_operator.decide import sentences
from swarmhub_operator.decide.away import away, was_away
from swarmhub_operator.decide.build import Wanted, address, alias
from swarmhub_operator.decide.inputs import Context
from swarmhub_operator.decide.placing import nowhere
from swarmhub_operator.decide.renewing import Seen, force_update, move, superseded
from swarmhub_operator.decide.verdict import SLOW, SOON, UNDERWAY, Verdict, failed, mark, pending
from swarmhub_operator.engine.observed import UNPLACED, Node, Service, Task, TaskState

REJOIN_WITHIN = timedelta(seconds=20)  # in which a restarted engine tells what it has lost
# How a server ends that its engine stops: at SIGTERM, or unknown to the engine that comes back.
STOPPED_WITH = (None, 0, 143, 255)
# An address is found within milliseconds, so a task without one by then waits for it.
ADDRESS_WITHIN = timedelta(seconds=10)
TASK_WITHIN = 60.0  # seconds after which a service without any task is asked for one again


def follow(wanted: Wanted, seen: Seen, status: NotebookStatus, context: Context) -> Verdict:
    """Decide by the newest task."""
    task = seen.observed.task
    status = _known(seen.service, status)
    if task is None:
        return _taskless(seen, status, context.now)
    node = seen.observed.nodes.get(task.node_id or "")
    if task.ended:
        if superseded(task, seen):
            return Verdict(pending(status, "Starting again.", context.now), look_again=SOON)
        return _ended(wanted, seen, task, node, status, context)
    return _alive(wanted, seen, task, node, status, context)


def _known(service: Service, status: NotebookStatus) -> NotebookStatus:
    """Write down the service; a list that came late may know fewer restarts than were made."""
    known = status.restarts if status.service_id == service.id else 0
    update = {"service_id": service.id, "restarts": max(known, service.force_update)}
    return status.model_copy(update=update)


def _alive(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node | None,
    status: NotebookStatus,
    context: Context,
) -> Verdict:
    if _is_misplaced(seen, task):
        message = "It was placed on a node that does not hold its home; moving it there."
        status = pending(status, message, context.now)
        return move(seen, task, status, "its home lies elsewhere")
    left = away(wanted, seen, task, node, status, context)
    if left is not None:
        return left
    if wanted.notebook.metadata.restart_of == task.id and task.desired_state != "shutdown":
        status = pending(status, "It is restarted, as an administrator asked.", context.now)
        return move(seen, task, status, "an administrator asked for a restart")
    if task.state is TaskState.RUNNING:
        return _running(wanted, seen, task, node, status, context.now)
    return _on_its_way(seen, task, node, status, context.now)


def _is_misplaced(seen: Seen, task: Task) -> bool:
    """Whether a task is where its home is not, or can only be placed there."""
    pin, bound_for = seen.placement.pin, task.node_id or seen.service.pin
    return pin is not None and bound_for not in (None, pin)


def _taskless(seen: Seen, status: NotebookStatus, now: datetime) -> Verdict:
    """A task is made at once; one that is not there was cleared away with the Swarm's history."""
    status = pending(status, "Waiting for Swarm to make a task.", now)
    if seen.observed.unchanged < TASK_WITHIN:
        return Verdict(status, look_again=SOON)
    return force_update(seen, "", status, "Swarm has no task of it")


def is_recent(moment: datetime, now: datetime, within: timedelta) -> bool:
    """Whether the engine's `moment` is near to our `now`; one of the two clocks may be wrong."""
    return abs(now - moment) < within


def _on_its_way(
    seen: Seen, task: Task, node: Node | None, status: NotebookStatus, now: datetime
) -> Verdict:
    waiting = task.state in UNPLACED
    stuck = task.stuck
    message = sentences.step(task, node, now)
    if stuck:
        message = seen.nowhere or sentences.unplaceable(task)
        status = nowhere(seen.placement.pin, seen.observed.nodes, message, status, now)
    elif task.state is TaskState.NEW and not is_recent(task.changed_at, now, ADDRESS_WITHIN):
        stuck, message = True, sentences.NO_ADDRESS
        status = mark(status, ConditionType.SCHEDULED, False, "NoAddress", message, now)
    elif not waiting and node:
        status = _placed(seen, node, status, now)
    status = mark(status, ConditionType.READY, False, "Starting", message, now)
    status = status.model_copy(
        update={
            "phase": Phase.PENDING if waiting else Phase.STARTING,
            "message": message,
            "task_id": task.id,
            "address": None,
            "ready_at": _answered_at(task, status),
            "node_id": node.id if node else None,
            "node": node.hostname if node else None,
        }
    )
    if stuck:
        return Verdict(status, look_again=SLOW)
    return Verdict(status, look_again=SOON if waiting else UNDERWAY)


def _placed(seen: Seen, node: Node, status: NotebookStatus, now: datetime) -> NotebookStatus:
    if seen.placement.pin:
        status = mark(status, ConditionType.HOME_READY, True, "NodeReady", "", now)
    message = f"Placed on {node.hostname}."
    return mark(status, ConditionType.SCHEDULED, True, "Placed", message, now)


def is_ready(status: NotebookStatus, task: Task) -> bool:
    """Return whether the status already says that this very task answers."""
    ready = find_condition(status.conditions, ConditionType.READY)
    return bool(ready and ready.status == ConditionStatus.TRUE and status.task_id == task.id)


def _answered_at(task: Task, status: NotebookStatus) -> datetime | None:
    """Return when this very task first answered; a list that came late does not make it unsaid.

    That it did tells what its end means, though it has been silent since.
    """
    return status.ready_at if status.task_id == task.id else None


def _running(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node | None,
    status: NotebookStatus,
    now: datetime,
) -> Verdict:
    dying = task.desired_state == "shutdown"  # one that was ready stays so until it has ended
    ready = is_ready(status, task) or (seen.observed.answering and not dying)
    first = ready and not is_ready(status, task)
    if node:
        status = _placed(seen, node, status, now)
    status = mark(status, ConditionType.STARTED, True, "ContainerRunning", "", now)
    waiting = "" if ready else "Started; waiting for the server to answer."
    reason = "Answering" if ready else "NotAnswering"
    status = mark(status, ConditionType.READY, ready, reason, waiting, now)
    status = status.model_copy(
        update={
            "phase": Phase.RUNNING if ready else Phase.STARTING,
            "message": waiting,
            "task_id": task.id,
            "node_id": task.node_id,
            "node": node.hostname if node else None,
            "image": seen.placement.image,
            "address": address(alias(wanted.notebook), wanted.spec.port),
            "started_at": task.changed_at,
            "ready_at": now if first else _answered_at(task, status),
            "next_restart_at": None,
        }
    )
    return Verdict(status, look_again=None if ready else SLOW)


def _ended(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node | None,
    status: NotebookStatus,
    context: Context,
) -> Verdict:
    lost = _lost(task, node, status)
    if task.state is TaskState.COMPLETE and is_ready(status, task) and not lost:
        return _completed(status, context.now)
    if task.id != status.failed_task_id:
        status = _count(wanted, seen, task, node, status, context)
    if sentences.image_missing(task):
        reason = "ImageNotFound"
        return failed(status, ConditionType.READY, reason, status.message, context.now)
    budget = context.policy.restart.budget
    if status.failures > budget:
        message = f"{status.message} It failed {status.failures} times in a row and was given up."
        return failed(status, ConditionType.READY, "CrashLoop", message, context.now)
    return _restart(seen, task, status, context)


def _completed(status: NotebookStatus, now: datetime) -> Verdict:
    message = "The server ended by itself with exit code 0."
    status = mark(status, ConditionType.READY, False, "Completed", message, now)
    update = {"phase": Phase.STOPPED, "message": message, "exit_code": 0, "address": None}
    return Verdict(status.model_copy(update=update))


def _count(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node | None,
    status: NotebookStatus,
    context: Context,
) -> NotebookStatus:
    """Write down one failure; its restart may only follow once this has been stored."""
    policy, log = context.policy.restart, seen.observed.log
    what = sentences.failure(task, node, wanted.spec.image, seen.observed.registry)
    if was_away(task, status):
        failures, delay = status.failures, 0.0
        what = sentences.was_away(node)
    elif node is not None and node.availability == "drain":  # one killed for it may say "failed"
        failures, delay = status.failures, 0.0
        what = sentences.drained(node)
    elif task.state in (TaskState.SHUTDOWN, TaskState.REMOVE, TaskState.ORPHANED):
        failures, delay = status.failures, 0.0
    elif sentences.turned_away(task):
        failures, delay = status.failures, SLOW
    elif _lost(task, node, status):
        failures, delay = status.failures, 0.0
        what = sentences.lost(node)
    elif sentences.hub_unreachable(log):
        failures, delay = status.failures, policy.hub_delay
        what = "The server ended because it could not reach the hub."
    else:
        failures = 1 if _was_stable(task, status, policy.stable_after) else status.failures + 1
        delay = policy.delay(failures)
    status = mark(status, ConditionType.READY, False, "Ended", what, context.now)
    status = mark(status, ConditionType.STARTED, False, "Ended", what, context.now)
    return status.model_copy(
        update={
            "failed_task_id": task.id,
            "failures": failures,
            "exit_code": task.exit_code,
            "last_log": log,
            "message": what,
            "next_restart_at": context.now + timedelta(seconds=delay),
        }
    )


def _lost(task: Task, node: Node | None, status: NotebookStatus) -> bool:
    """Whether a task that had answered was ended by a restart of its node's engine.

    A server that obeys SIGTERM ends with exit code 0 then, as one that was shut down by its user
    does. But an engine tells the end of its tasks when it has just joined the Swarm again.
    """
    if status.task_id != task.id or status.ready_at is None:
        return False
    if sentences.container_lost(task):
        return True
    if node is None or node.updated_at is None or task.updated_at is None:
        return False
    if task.exit_code not in STOPPED_WITH:
        return False
    return abs(task.updated_at - node.updated_at) < REJOIN_WITHIN


def _was_stable(task: Task, status: NotebookStatus, stable_after: float) -> bool:
    if status.ready_at is None or status.task_id != task.id:
        return False
    return task.changed_at - status.ready_at >= timedelta(seconds=stable_after)


def _restart(seen: Seen, task: Task, status: NotebookStatus, context: Context) -> Verdict:
    due = status.next_restart_at or context.now
    wait = (due - context.now).total_seconds()
    status = status.model_copy(update={"phase": Phase.BACK_OFF})
    if 0 < wait <= context.policy.restart.longest_delay:  # longer only if the clock was set back
        return Verdict(status, look_again=wait)
    return force_update(seen, task.id, status, "restart")

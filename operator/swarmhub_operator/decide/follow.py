"""What the newest task of a right service means: on its way, running, or ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, NotebookStatus, Phase

from swarmhub_operator.decide import actions, sentences
from swarmhub_operator.decide.build import Placement, Wanted, address
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.placing import unusable
from swarmhub_operator.decide.verdict import SLOW, SOON, Verdict, failed, mark, pending
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Service, Task, TaskState

SUPERSEDE_WITHIN = 15.0  # seconds that Swarm may take to make the new task of an update
TASK_WITHIN = 60.0  # seconds after which a service without any task is asked for one again
UNPLACED = (TaskState.NEW, TaskState.PENDING)


@dataclass(frozen=True, slots=True)
class Seen:
    """A service that is as wanted, and what else one look told."""

    service: Service
    placement: Placement
    observed: Observed


def follow(wanted: Wanted, seen: Seen, status: NotebookStatus, context: Context) -> Verdict:
    """Decide by the newest task."""
    task = seen.observed.task
    status = status.model_copy(
        update={"service_id": seen.service.id, "restarts": seen.service.force_update}
    )
    if task is None:
        return _taskless(seen, status, context.now)
    node = seen.observed.nodes.get(task.node_id or "")
    if task.ended:
        if _superseded(task, seen.service, context.now):
            return Verdict(pending(status, "Starting again.", context.now), look_again=SOON)
        return _ended(wanted, seen, task, node, status, context)
    return _alive(wanted, seen, task, node, status, context)


def _alive(
    wanted: Wanted,
    seen: Seen,
    task: Task,
    node: Node | None,
    status: NotebookStatus,
    context: Context,
) -> Verdict:
    if seen.placement.pin and task.node_id not in (None, seen.placement.pin):
        message = "It was placed on a node that does not hold its home; moving it there."
        status = pending(status, message, context.now)
        if _superseded(task, seen.service, context.now):
            return Verdict(status, look_again=SOON)
        return _force_update(seen, task.id, status, "its home lies elsewhere")
    if node is not None and node.state == "down":
        return _node_down(task, node, status, context.now)
    if task.state is TaskState.RUNNING:
        return _running(wanted, seen, task, node, status, context.now)
    return _on_its_way(seen, task, node, status, context.now)


def _taskless(seen: Seen, status: NotebookStatus, now: datetime) -> Verdict:
    """A task is made at once; one that is not there was cleared away with the Swarm's history."""
    status = pending(status, "Waiting for Swarm to make a task.", now)
    if is_recent(seen.service.updated_at, now, timedelta(seconds=TASK_WITHIN)):
        return Verdict(status, look_again=SOON)
    return _force_update(seen, "", status, "Swarm has no task of it")


def is_recent(moment: datetime, now: datetime, within: timedelta) -> bool:
    """Whether the engine's `moment` is near to our `now`; one of the two clocks may be wrong."""
    return abs(now - moment) < within


def _superseded(task: Task, service: Service, now: datetime) -> bool:
    """Whether an update of ours has already asked for a task in place of this one."""
    recent = is_recent(service.updated_at, now, timedelta(seconds=SUPERSEDE_WITHIN))
    return recent and service.labels.get(labels.SUPERSEDES) == task.id


def _node_down(task: Task, node: Node, status: NotebookStatus, now: datetime) -> Verdict:
    """A dead node's task still claims to run; it is not counted as running."""
    message = f"Its node {node.hostname} is down; it waits for the node to come back."
    status = mark(
        pending(status, message, now), ConditionType.READY, False, "NodeDown", message, now
    )
    update = {"task_id": task.id, "node_id": node.id, "node": node.hostname}
    return Verdict(status.model_copy(update=update), look_again=SLOW)


def _on_its_way(
    seen: Seen, task: Task, node: Node | None, status: NotebookStatus, now: datetime
) -> Verdict:
    waiting = task.state in UNPLACED
    stuck = task.state is TaskState.PENDING and bool(task.error)
    message = sentences.unplaceable(task) if stuck else sentences.step(task, node)
    if stuck:
        at_home = unusable(seen.placement.pin, seen.observed.nodes)
        if at_home:
            message = at_home
            status = mark(status, ConditionType.HOME_READY, False, "NodeUnusable", message, now)
        status = mark(status, ConditionType.SCHEDULED, False, "Unschedulable", message, now)
    elif not waiting and node:
        status = _placed(seen, node, status, now)
    status = mark(status, ConditionType.READY, False, "Starting", message, now)
    status = status.model_copy(
        update={
            "phase": Phase.PENDING if waiting else Phase.STARTING,
            "message": message,
            "task_id": task.id,
            "address": None,
            "ready_at": None,
            "node_id": node.id if node else None,
            "node": node.hostname if node else None,
        }
    )
    return Verdict(status, look_again=SLOW if stuck else SOON)


def _placed(seen: Seen, node: Node, status: NotebookStatus, now: datetime) -> NotebookStatus:
    if seen.placement.pin:
        status = mark(status, ConditionType.HOME_READY, True, "NodeReady", "", now)
    message = f"Placed on {node.hostname}."
    return mark(status, ConditionType.SCHEDULED, True, "Placed", message, now)


def is_ready(status: NotebookStatus, task: Task) -> bool:
    """Return whether the status already says that this very task answers."""
    ready = find_condition(status.conditions, ConditionType.READY)
    return bool(ready and ready.status == ConditionStatus.TRUE and status.task_id == task.id)


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
            "address": address(wanted.spec, wanted.name, wanted.notebook.metadata.generation),
            "started_at": task.changed_at,
            "ready_at": now if first else status.ready_at if ready else None,
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
    if task.state is TaskState.COMPLETE and is_ready(status, task):
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
    what = sentences.failure(task, node, wanted.spec.image)
    if task.state in (TaskState.SHUTDOWN, TaskState.REMOVE, TaskState.ORPHANED):
        failures, delay = status.failures, 0.0
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
    return _force_update(seen, task.id, status, "restart")


def _force_update(seen: Seen, supersedes: str, status: NotebookStatus, why: str) -> Verdict:
    raised = seen.service.force_update + 1
    placement = replace(seen.placement, force_update=raised, supersedes=supersedes)
    update = actions.UpdateService(seen.service.id, seen.service.version, placement, why)
    return Verdict(status, (update,), look_again=SOON)

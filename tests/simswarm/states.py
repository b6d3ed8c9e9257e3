"""Task states, and what the Swarm's parts write about a task."""

from __future__ import annotations

from typing import Any

from simswarm.raw import Raw
from simswarm.world import World

ORDER = (
    "new",
    "pending",
    "assigned",
    "accepted",
    "preparing",
    "ready",
    "starting",
    "running",
    "complete",
    "shutdown",
    "failed",
    "rejected",
    "remove",
    "orphaned",
)
RANK = {state: number for number, state in enumerate(ORDER)}


def state(task: Raw) -> str:
    """Return what a task is, as far as the managers know."""
    return str(task["Status"]["State"])


def ended(task: Raw) -> bool:
    """Return whether a task will never run again."""
    return RANK[state(task)] > RANK["running"]


def wanted(task: Raw) -> bool:
    """Return whether a task is still meant to run."""
    return RANK[task["DesiredState"]] <= RANK["running"]


def occupies(task: Raw) -> bool:
    """Return whether a task holds its address and its share of a node."""
    return not ended(task)


def tell(world: World, task: Raw, new: str, message: str, **status: Any) -> Raw:
    """Write a task's new state."""
    kept = {"ContainerStatus": task["Status"]["ContainerStatus"]} if _has_container(task) else {}
    written = {"Timestamp": world.stamp(), "State": new, "Message": message, **kept, **status}
    return world.put(world.tasks, {**task, "Status": {**written, "PortStatus": {}}})


def _has_container(task: Raw) -> bool:
    return "ContainerStatus" in task["Status"]


def desire(world: World, task: Raw, wish: str) -> Raw:
    """Write what a task is meant to become."""
    return world.put(world.tasks, {**task, "DesiredState": wish})


def container_status(ident: str, pid: int = 0, exit_code: int = 0) -> Raw:
    """Return what a node tells about a task's container."""
    return {"ContainerID": ident, "PID": pid, "ExitCode": exit_code}


def slot(task: Raw) -> int:
    """Return the number of the replica that a task is an attempt at."""
    return int(task["Slot"])

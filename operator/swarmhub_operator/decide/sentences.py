"""The sentences that a person reads about a notebook's task."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from swarmhub_operator.engine.observed import Node, Task, TaskState

TOLD_EVERY = 10  # seconds; each new sentence is a write to the store
KILLED = 137  # 128 + SIGKILL
_NO_HUB = re.compile(r"failed to connect to my hub|error connecting to .{0,80}hub", re.IGNORECASE)
_NO_IMAGE = re.compile(
    r"no such image|manifest unknown|pull access denied|not found: manifest", re.IGNORECASE
)
_TURNED_AWAY = re.compile(r"no longer meets constraints|missing network attachments", re.IGNORECASE)
_NO_CONTAINER = re.compile(r"no such container", re.IGNORECASE)

# What the engine itself says of it stands in its daemon's log alone (moby#43052).
NO_ADDRESS = (
    "The notebooks' network has no free address left; the server starts when another one stops, or "
    "when the administrator gives the network a larger block (SWARMHUB_SUBNET)."
)

_STEPS = {
    TaskState.NEW: "Waiting for a network address.",
    TaskState.PENDING: "Waiting for a node.",
    TaskState.ASSIGNED: "Placed on {node}.",
    TaskState.ACCEPTED: "Accepted by {node}.",
    TaskState.PREPARING: "Preparing on {node}: pulling the image if it is not there yet.",
    TaskState.READY: "Ready to start on {node}.",
    TaskState.STARTING: "Starting on {node}.",
    TaskState.UNKNOWN: "In a state that this operator does not know.",
}


def step(task: Task, node: Node | None, now: datetime | None = None) -> str:
    """Return what a task that does not run yet is doing; with `now`, for how long it pulls."""
    name = node.hostname if node else "a node"
    if now is not None and task.state is TaskState.PREPARING:
        seconds = int((now - task.changed_at).total_seconds()) // TOLD_EVERY * TOLD_EVERY
        if seconds > 0:
            return f"Preparing on {name}: pulling the image for {seconds} s now."
    return _STEPS.get(task.state, "Starting.").format(node=name)


def unplaceable(task: Task) -> str:
    """Return why Swarm finds no node, in its own words."""
    return f"Waiting for a node: {task.error.rstrip('. ')}."


def hub_unreachable(log: Sequence[str]) -> bool:
    """Return whether a server ended because it could not reach the hub: not its own fault."""
    return any(_NO_HUB.search(line) for line in log)


def image_missing(task: Task) -> bool:
    """Return whether the node could not get the image."""
    return task.state is TaskState.REJECTED and bool(_NO_IMAGE.search(task.error))


def turned_away(task: Task) -> bool:
    """Return whether Swarm took back a task that it had placed: its node was changed.

    What holds a generic resource is taken back at each change of the node, though it fits.
    """
    return task.state is TaskState.REJECTED and bool(_TURNED_AWAY.search(task.error))


def container_lost(task: Task) -> bool:
    """Return whether the node's engine forgot the container, as it does at its start."""
    return task.state is TaskState.FAILED and bool(_NO_CONTAINER.search(task.error))


def lost(node: Node | None) -> str:
    """Return how a task ended whose engine was restarted."""
    where = f" on {node.hostname}" if node else ""
    return f"The engine{where} was restarted, and the server ended with it."


def drained(node: Node) -> str:
    """Return how a task ended whose node an administrator has Swarm drain."""
    return f"The node {node.hostname} is drained, and Swarm ended the server."


def was_away(node: Node | None) -> str:
    """Return how a task ended whose node had been down."""
    name = node.hostname if node else "of the server"
    return f"The node {name} was down for a while, and the server ended with that."


def failure(task: Task, node: Node | None, image: str, registry: str = "") -> str:
    """Return how a task ended; `registry` is a sentence on why that told no digest, if so."""
    where = f" on {node.hostname}" if node else ""
    detail = task.error.rstrip(". ") or "no reason given"
    if image_missing(task):
        name = image.partition("@")[0]
        if registry:
            return f"The image {name} could not be pulled{where}. {registry}"
        return f"The image {name} could not be found or pulled{where}; check its name and registry."
    if turned_away(task):
        return f"Swarm took the server back{where}, since that node was changed: {detail}."
    if task.exit_code is not None:
        return _exit(task.exit_code, where, task.error.rstrip(". "))
    return {
        TaskState.REJECTED: f"The node refused to run the server{where}: {detail}.",
        TaskState.ORPHANED: f"The server was lost with its node{where}.",
    }.get(task.state, f"The server was stopped{where} by the Swarm.")


def _exit(code: int, where: str, detail: str) -> str:
    if code == KILLED:
        return f"The server was killed{where} (exit code 137), likely out of memory."
    if code == 0 and detail:
        return f"The server could not start{where}: {detail}."
    if code == 0:
        return f"The server ended by itself{where} with exit code 0 before it answered."
    return f"The server failed{where} with exit code {code}."


def position(place: int) -> str:
    """Return the place in the line of starts ("3rd in line")."""
    special = {1: "st", 2: "nd", 3: "rd"}
    suffix = "th" if place % 100 in (11, 12, 13) else special.get(place % 10, "th")
    return f"{place}{suffix} in line to start."

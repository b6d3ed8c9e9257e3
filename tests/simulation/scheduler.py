"""Where tasks are placed, and why some are nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from simulation import states
from simulation.refusal import Refusal
from simulation.world import Raw, World

_REASONS = (
    "{} not available for new tasks",
    "insufficient resources on {}",
    "scheduling constraints not satisfied on {}",
)
_CONSTRAINT = re.compile(r"^\s*([\w.\-/]+)\s*(==|!=)\s*(.+?)\s*$")


class Scheduler:
    """Gives tasks that have an address a node; those without one are looked at again."""

    def __init__(
        self, world: World, assigned: Callable[[Raw], None], ended: Callable[[Raw], None]
    ) -> None:
        self._world = world
        self._assigned = assigned
        self._ended = ended
        self._waiting: dict[str, None] = {}

    def enqueue(self, task: Raw) -> None:
        """Place a pending task soon."""
        ident = task["ID"]
        delay = self._world.took(self._world.durations.schedule)
        self._world.clock.after(delay, lambda: self._place(ident))

    def retry(self) -> None:
        """Look again at the tasks that no node took, since a node or its load has changed."""
        for ident in tuple(self._waiting):
            delay = self._world.took(self._world.durations.schedule)
            self._world.clock.after(delay, partial(self._place, ident))

    def give_up(self, task: Raw) -> None:
        """End a task that no node took and that is no longer wanted."""
        ident = task["ID"]

        def end() -> None:
            found = self._world.tasks.get(ident)
            if found is not None and states.state(found) == "pending":
                message = found["Status"]["Message"]
                self._ended(states.tell(self._world, found, "shutdown", message))

        self._world.clock.after(self._world.took(self._world.durations.schedule), end)

    def _place(self, ident: str) -> None:
        task = self._world.tasks.get(ident)
        if task is None or states.state(task) != "pending" or not states.wanted(task):
            self._waiting.pop(ident, None)
            return
        fitting, why = self._candidates(task)
        if fitting:
            self._waiting.pop(ident, None)
            node = min(fitting, key=lambda n: self._load(n, task))
            message = "scheduler assigned task to node"
            placed = {**task, "NodeID": node["ID"]}
            self._assigned(states.tell(self._world, placed, "assigned", message))
            return
        self._waiting[ident] = None
        text = f"no suitable node ({why})" if why else "no suitable node"
        if task["Status"].get("Err") != text:
            states.tell(self._world, task, "pending", "pending task scheduling", Err=text)

    def _load(self, node: Raw, task: Raw) -> tuple[int, int, str]:
        here = [t for t in self._on(node) if states.wanted(t)]
        same = sum(t["ServiceID"] == task["ServiceID"] for t in here)
        return same, len(here), node["ID"]

    def _on(self, node: Raw) -> list[Raw]:
        ident = node["ID"]
        tasks = self._world.tasks.values()
        return [t for t in tasks if t.get("NodeID") == ident and states.occupies(t)]

    def _candidates(self, task: Raw) -> tuple[list[Raw], str]:
        fitting: list[Raw] = []
        counts = [0, 0, 0]
        placement = task["Spec"].get("Placement") or {}
        constraints = [parse_constraint(c) for c in placement.get("Constraints") or ()]
        for node in self._world.nodes.values():
            if not usable(node):
                counts[0] += 1
            elif not self._has_room(node, task):
                counts[1] += 1
            elif not all(_holds(c, node) for c in constraints):
                counts[2] += 1
            else:
                fitting.append(node)
        reasons = sorted(
            ((n, text) for n, text in zip(counts, _REASONS, strict=True) if n), key=lambda r: -r[0]
        )
        nodes = ((f"{n} node" if n == 1 else f"{n} nodes", text) for n, text in reasons)
        return fitting, "; ".join(text.format(count) for count, text in nodes)

    def _has_room(self, node: Raw, task: Raw) -> bool:
        asked = _reserved(task)
        if not asked:
            return True
        used = [_reserved(t) for t in self._on(node)]
        there = node["Description"]["Resources"]
        return all(
            amount <= there.get(kind, 0) - sum(u.get(kind, 0) for u in used)
            for kind, amount in asked.items()
        )


def usable(node: Raw) -> bool:
    """Return whether a node takes new tasks."""
    return bool(node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active")


def _reserved(task: Raw) -> dict[str, Any]:
    resources = task["Spec"].get("Resources") or {}
    return resources.get("Reservations") or {}


def parse_constraint(text: str) -> tuple[str, bool, str]:
    """Return what a placement constraint compares: key, whether it is to be equal, and value.

    Raises:
        Refusal: the engine does not understand it.
    """
    match = _CONSTRAINT.match(text)
    if match is None:
        raise Refusal(
            500,
            "rpc error: code = Unknown desc = constraint expected one operator from ==, !=",
        )
    return match[1], match[2] == "==", match[3]


def _holds(constraint: tuple[str, bool, str], node: Raw) -> bool:
    key, equal, value = constraint
    labels = node["Spec"].get("Labels") or {}
    known = {
        "node.id": node["ID"],
        "node.hostname": node["Description"]["Hostname"],
        "node.role": node["Spec"]["Role"],
    }
    if key.startswith("node.labels."):
        actual = labels.get(key.removeprefix("node.labels."), "")
    else:
        actual = known.get(key, "")
    return (actual.lower() == value.lower()) is equal

"""Where tasks are placed, and why some are nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address, ip_network

from simswarm import states
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simswarm.world import World

_REASONS = (
    "{} not available for new tasks",
    "insufficient resources on {}",
    "scheduling constraints not satisfied on {}",
)
_CONSTRAINT = re.compile(r"(.*?)(==|!=)(.*)", re.DOTALL)
_KEY = re.compile(r"[a-z_][a-z0-9_.-]+", re.IGNORECASE | re.ASCII)
_VALUE = re.compile(r"[a-z0-9:_\s.*()?+\[\]\\^$|/-]+", re.IGNORECASE | re.ASCII)


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
            generic = self._assigned_generic(node, task)
            own = {"GenericResources": generic} if generic else {}
            placed = {**task, "NodeID": node["ID"], **own}
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
        return [t for t in self._world.tasks.by("node", node["ID"]) if states.occupies(t)]

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
        free = self._free(node)
        return all(amount <= free.get(kind, 0) for kind, amount in _reserved(task).items())

    def _free(self, node: Raw) -> Counter[str]:
        free = amounts(node["Description"]["Resources"])
        for task in self._on(node):
            free.subtract(_reserved(task))
        return free

    def _assigned_generic(self, node: Raw, task: Raw) -> list[Raw]:
        """Give a task its generic resources: by their names, where the node has names for them."""
        taken = [
            (n["Kind"], n["Value"])
            for other in self._on(node)
            for resource in other.get("GenericResources") or ()
            if (n := resource.get("NamedResourceSpec"))
        ]
        given: list[Raw] = []
        there = node["Description"]["Resources"].get("GenericResources") or ()
        named = [r["NamedResourceSpec"] for r in there if "NamedResourceSpec" in r]
        for asked in _asked_generic(task):
            kind, amount = asked["Kind"], asked["Value"]
            free = [n for n in named if n["Kind"] == kind and (kind, n["Value"]) not in taken]
            if any(n["Kind"] == kind for n in named):
                given += [{"NamedResourceSpec": n} for n in free[:amount]]
            else:
                given.append({"DiscreteResourceSpec": asked})
        return given


def usable(node: Raw) -> bool:
    """Return whether a node takes new tasks."""
    return bool(node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active")


def _reserved(task: Raw) -> Counter[str]:
    resources = task["Spec"].get("Resources") or {}
    return amounts(resources.get("Reservations") or {})


def _asked_generic(task: Raw) -> list[Raw]:
    reserved = (task["Spec"].get("Resources") or {}).get("Reservations") or {}
    return [r["DiscreteResourceSpec"] for r in reserved.get("GenericResources") or ()]


def amounts(resources: Raw) -> Counter[str]:
    """Return how much of each kind there is: cores, memory, and generic resources."""
    found = Counter({k: resources.get(k, 0) for k in ("NanoCPUs", "MemoryBytes")})
    for resource in resources.get("GenericResources") or ():
        if "NamedResourceSpec" in resource:
            found[resource["NamedResourceSpec"]["Kind"]] += 1
        else:
            discrete = resource["DiscreteResourceSpec"]
            found[discrete["Kind"]] += discrete["Value"]
    return found


def parse_constraint(text: str) -> tuple[str, bool, str]:
    """Return what a placement constraint compares: key, whether it is to be equal, and value.

    Raises:
        Refusal: the engine does not understand it.
    """
    match = _CONSTRAINT.match(text)
    if match is None:
        raise _not_understood("constraint expected one operator from ==, !=")
    key, value = match[1].strip(), match[3].strip()
    if not _KEY.fullmatch(key):
        raise _not_understood(f"key '{key}' is invalid")
    if not _VALUE.fullmatch(value):
        raise _not_understood(f"value '{value}' is invalid")
    return key, match[2] == "==", value


def _not_understood(why: str) -> Refusal:
    return Refusal(500, f"rpc error: code = Unknown desc = {why}")


def _holds(constraint: tuple[str, bool, str], node: Raw) -> bool:
    key, equal, value = constraint
    kind = key.lower()
    if kind == "node.ip":
        return _is_at(node["Status"]["Addr"], value) is equal
    about = node["Description"]
    known = {
        "node.id": node["ID"],
        "node.hostname": about["Hostname"],
        "node.role": node["Spec"]["Role"],
        "node.platform.os": about["Platform"]["OS"],
        "node.platform.arch": about["Platform"]["Architecture"],
    }
    if kind.startswith("node.labels."):
        actual = (node["Spec"].get("Labels") or {}).get(key[len("node.labels.") :], "")
    elif kind.startswith("engine.labels."):
        actual = (about["Engine"].get("Labels") or {}).get(key[len("engine.labels.") :], "")
    elif kind in known:
        actual = known[kind]
    else:
        return False
    return (actual.lower() == value.lower()) is equal


def _is_at(address: str, wanted: str) -> bool | None:
    """Return whether an address is the wanted one or in the wanted network; None: neither is."""
    try:
        return ip_address(address) in ip_network(wanted, strict=False)
    except ValueError:
        return None

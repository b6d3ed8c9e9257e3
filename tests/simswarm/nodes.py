"""The machines of a Swarm: they join, are drained, lose their power and come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simswarm import lookup, states
from simswarm.agents import Agents
from simswarm.clock import Timer
from simswarm.orchestrator import Orchestrator
from simswarm.raw import Raw
from simswarm.refusal import OUT_OF_SEQUENCE
from simswarm.world import World

GIB = 2**30


def join(
    world: World,
    hostname: str,
    role: str,
    cpus: float = 4.0,
    memory: int = 8 * GIB,
    generic: tuple[str, ...] = (),
) -> Raw:
    """Let a machine join, with so many cores and so much memory in bytes.

    Its generic resources are given as in an engine's settings: "GPU=name" for one, "SSD=3".
    """
    number = len(world.nodes) + 2
    resources: Raw = {"NanoCPUs": round(cpus * 1e9), "MemoryBytes": memory}
    if generic:
        resources["GenericResources"] = [_generic(text) for text in generic]
    description = {
        "Hostname": hostname,
        "Platform": {"Architecture": "x86_64", "OS": "linux"},
        "Resources": resources,
        "Engine": {"EngineVersion": "20.10.24"},
    }
    address = f"10.77.0.{number}"
    raw: Raw = {
        "ID": world.new_id(),
        "Spec": {"Labels": {}, "Role": role, "Availability": "active"},
        "Description": description,
        "Status": {"State": "ready", "Addr": address},
    }
    if role == "manager":
        about = {"Leader": True, "Reachability": "reachable", "Addr": f"{address}:2377"}
        raw["ManagerStatus"] = about
    made = world.put(world.nodes, raw)
    world.journal.tell("node", "create", made["ID"], {"name": hostname})
    return made


def _generic(text: str) -> Raw:
    kind, _, value = text.partition("=")
    if value.isdecimal():
        return {"DiscreteResourceSpec": {"Kind": kind, "Value": int(value)}}
    return {"NamedResourceSpec": {"Kind": kind, "Value": value}}


class Nodes:
    """What administrators and fate do to nodes."""

    def __init__(
        self,
        world: World,
        agents: Agents,
        orchestrator: Orchestrator,
        changed: Callable[[], None],
    ) -> None:
        self._world = world
        self._agents = agents
        self._orchestrator = orchestrator
        self._changed = changed
        self._noticing: dict[str, Timer] = {}

    def update(self, reference: str, version: int, spec: Mapping[str, Any]) -> None:
        """Replace a node's spec: labels, role, and whether it takes tasks.

        Raises:
            Refusal: it is gone, or was changed meanwhile.
        """
        node = lookup.find("node", self._world.nodes, reference)
        if version != node["Version"]["Index"]:
            raise OUT_OF_SEQUENCE
        new = {"Labels": {}, **spec}
        self._world.put(self._world.nodes, {**node, "Spec": new})
        about = {"name": lookup.name_of(node)}
        before, after = node["Spec"]["Availability"], new["Availability"]
        if before != after:
            about |= {"availability.new": after, "availability.old": before}
        self._world.journal.tell("node", "update", node["ID"], about)
        if after == "drain":
            for task in [t for t in self._world.tasks.values() if t.get("NodeID") == node["ID"]]:
                self._orchestrator.replace(task["ID"])
        self._changed()

    def power_off(self, reference: str) -> None:
        """Take a node's power away; the managers notice a little later."""
        ident = lookup.find("node", self._world.nodes, reference)["ID"]
        self._agents.power_off(ident)
        durations = self._world.durations
        self._noticing[ident] = self._world.clock.after(
            self._world.took(durations.notice), lambda: self._notice(ident)
        )

    def _notice(self, ident: str) -> None:
        node = self._world.nodes[ident]
        self._set_state(node, {"State": "down", "Message": "heartbeat failure"})
        self._orchestrator.lose_node(ident)
        self._noticing[ident] = self._world.clock.after(
            self._world.durations.orphan, lambda: self._orphan(ident)
        )
        self._changed()

    def _orphan(self, ident: str) -> None:
        for task in [t for t in self._world.tasks.values() if t.get("NodeID") == ident]:
            if states.occupies(task):
                message = "node unreachable"
                self._orchestrator.ended(states.tell(self._world, task, "orphaned", message))

    def _set_state(self, node: Raw, status: Raw) -> None:
        before = node["Status"]
        written = {**status, "Addr": before["Addr"]}
        self._world.put(self._world.nodes, {**node, "Status": written})
        about = {"name": lookup.name_of(node)}
        if before["State"] != status["State"]:
            about |= {"state.new": status["State"], "state.old": before["State"]}
        self._world.journal.tell("node", "update", node["ID"], about)

    def power_on(self, reference: str) -> None:
        """Give a node its power back."""
        ident = lookup.find("node", self._world.nodes, reference)["ID"]
        if ident in self._noticing:
            self._noticing.pop(ident).cancel()
        self._set_state(self._world.nodes[ident], {"State": "ready"})
        self._agents.power_on(ident)
        self._changed()

"""What a walk knows: who has written what into which home, and what was done to which node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import homes, look
from support.fixtures import OUTPUT, throw_away_cluster
from support.hub import HubUser
from support.node import Node
from support.shell import CommandError
from support.stack import bring_up
from support.three_nodes import ThreeNodes, join_workers

NOTE = "note.txt"
_OPERATOR = "com.docker.swarm.service.name=swarmhub_operator"
_SWARM = Path(__file__).parents[1] / "swarm"
_SITE = {
    "HUB_CONFIG": str(_SWARM / "hub_config.py"),
    "OPERATOR_POLICY": str(_SWARM / "policy.yaml"),
}


@dataclass
class Person:
    """A user of the hub.

    Attributes:
        user: their login.
        floats: whether their server has no home.
        written: what their file may hold; nothing before they have written anything. More than
            one text after a write of which nobody knows whether it was done.
    """

    user: HubUser
    floats: bool = False
    written: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """Their name, which is also that of their server's record."""
        return self.user.name

    @property
    def home(self) -> str:
        """The name of their home."""
        return homes.of(self.name)


@dataclass
class Site:
    """The product on three nodes, and what a walk has done there.

    Attributes:
        nodes: the machines.
        people: who works there.
        cut: names of the nodes that are cut off.
        drained: names of the nodes that `swarmhub drain` has emptied.
        leavers: users that were deleted in the hub and whose homes nobody has pruned yet.
    """

    nodes: ThreeNodes
    people: list[Person]
    cut: set[str] = field(default_factory=set)
    drained: set[str] = field(default_factory=set)
    leavers: list[str] = field(default_factory=list)

    def swarmhub(self, *words: str, timeout: float = 60) -> str:
        """Run the command once an operator runs, again if its container ends meanwhile.

        Raises:
            CommandError: it failed.
        """
        for _ in range(3):
            container = look.stack_container(self.nodes.manager, "operator")
            try:
                return self.nodes.stack.swarmhub(*words, timeout=timeout)
            except CommandError:
                if container in look.containers(self.nodes.manager, _OPERATOR):
                    raise
        return self.nodes.stack.swarmhub(*words, timeout=timeout)

    def record(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return a record, or None if there is none."""
        listing: dict[str, Any] = json.loads(self.swarmhub("get", f"{kind}s", "-o", "json"))
        found = (item for item in listing["items"] if item["metadata"]["name"] == name)
        return next(found, None)

    def is_well(self, node: Node) -> bool:
        """Whether nothing was done to a node that keeps servers from running there."""
        return node.running and node.name not in self.cut | self.drained

    def serves(self, person: Person) -> bool:
        """Whether a server of a person has to run if they want it: their home is within reach."""
        if person.floats:
            return True
        home = self.record("home", person.home)
        if home is None or home["status"]["node"] is None:
            return all(map(self.is_well, self.nodes.all))
        settled = home["spec"]["orders"]["moves"] <= home["status"]["moves"]
        return settled and self.is_well(self.nodes.named(home["status"]["node"]))


@contextmanager
def three_nodes() -> Iterator[ThreeNodes]:
    """Have the product on three nodes of its own as long as the block lasts."""
    with throw_away_cluster("swarm") as cluster:
        engine = cluster.add("engine")
        engine.swarm_init()
        OUTPUT.mkdir(exist_ok=True)
        yield join_workers(cluster, bring_up(engine, OUTPUT / "walk-up.log", _SITE))


def ready(person: Person) -> bool:
    """Whether the hub calls a person's server ready."""
    model = person.user.server_model()
    return model is not None and bool(model["ready"])

"""A keeper of homes on a Swarm of two nodes, for tests."""

from __future__ import annotations

import json
from dataclasses import replace

from support.records import NOW, later
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus, Reclaim
from swarmhub_crds.inventory import FoundVolume
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Store
from swarmhub_operator.decide.errands import Means
from swarmhub_operator.decide.homes import released
from swarmhub_operator.decide.inventories import lines
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.removals import Outcome
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.errands import Errands
from swarmhub_operator.loop.homekeeping import HomeKeeper
from swarmhub_operator.loop.homerecords import HomeRecords
from swarmhub_operator.loop.inventories import Inventories
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.mover import Mover
from swarmhub_operator.loop.recorder import Recorder
from unit.operator.fakeswarm import NETWORK, NODE, FakeSwarm, spec

OTHER = replace(NODE, id="n2", hostname="host-n2", role="worker")
HOUR = 3600.0


class Keeper:
    """A keeper of homes on a Swarm of two nodes, at a time that the test moves.

    There is a home of somebody else, so that the nodes are asked what they hold.
    """

    def __init__(self, store: Store, image: str = "operator") -> None:
        self.store = store
        self.swarm = FakeSwarm()
        self.now = 0.0
        self.nodes: dict[str, Node] = {"n1": NODE, "n2": OTHER}
        self.volumes: list[FoundVolume] = []  # of the other node
        self.ending: frozenset[str] = frozenset()  # notebooks whose container ends only now
        self.swarm.errand = self.inventory
        self.leadership = Leadership(store, "test", SignOfLife(store.path), 15)
        assert self.leadership.acquire()
        somebody = {"jupyterhub-zoe": HomeSpec(user="zoe")}
        store.apply_notebook(spec("zoe", desired=Desired.STOPPED), homes=somebody)
        self.start(image)

    def close(self) -> None:
        """Lead no more."""
        self.leadership.release()

    def start(self, image: str = "operator") -> None:
        """Begin as an operator that has just been started."""
        means = Means(self.store.uid, image)
        self.events = Recorder(
            self.store, self.leadership, lambda: later(self.now), lambda: self.now
        )
        self.inventories = Inventories(
            self.store,
            self.swarm,
            self.leadership,
            means,
            HOUR,
            self.events,
            now=lambda: NOW,
            clock=lambda: self.now,
        )
        records = HomeRecords(self.store, self.leadership, self.events)
        errands = Errands(self.swarm, means, lambda: self.now)
        mover = Mover(
            self.swarm,
            records,
            errands,
            NETWORK,
            Policy(),
            ending=lambda: self.ending,
            now=lambda: later(self.now),
            clock=lambda: self.now,
        )
        self.keeper = HomeKeeper(
            self.swarm,
            records,
            errands,
            self.inventories,
            mover,
            60.0,
            lambda: later(self.now),
        )

    def inventory(self, node: str, command: list[str]) -> tuple[int, str] | None:
        """Do an errand: only inventories are, at once."""
        if command == ["inventory"] and node == "n2":
            return 0, "\n".join(lines(self.volumes))
        return None

    def remove_with(self, outcome: Outcome) -> None:
        """Let errands that are to remove a volume end so."""

        def errand(node: str, command: list[str]) -> tuple[int, str] | None:
            if command[0] == "remove":
                return outcome.value, json.dumps({"outcome": outcome.name.lower()})
            return self.inventory(node, command)

        self.swarm.errand = errand

    def round(self, count: int = 1, seconds: float = 1.0, *, is_behind: bool = False) -> None:
        """Look after the homes."""
        for _ in range(count):
            self.now += seconds
            self.keeper.look_after(self.nodes, is_behind=is_behind, beat=lambda: None)

    def home(self, user: str = "ada") -> Home | None:
        """Return a user's home."""
        found = self.store.get_home(f"jupyterhub-{user}")
        assert found is None or isinstance(found, Home)
        return found

    def put(self, status: HomeStatus, user: str = "ada") -> Home:
        """Write a home's status, as the operator does."""
        home = self.home(user)
        assert home is not None
        meta, fence = home.metadata, self.leadership.fence
        self.store.put_home_status(meta.name, meta.uid, meta.resource_version, status, fence=fence)
        return self.there(user)

    def there(self, user: str = "ada") -> Home:
        """Return a user's home, which is there."""
        home = self.home(user)
        assert home is not None
        return home

    def make(
        self, node: str = "n2", *, reclaim: Reclaim = Reclaim.DELETE, user: str = "ada"
    ) -> Home:
        """Make a user's home, bound to a node, with a notebook that is stopped."""
        homes = {f"jupyterhub-{user}": HomeSpec(user=user, reclaim=reclaim)}
        self.store.apply_notebook(spec(user, desired=Desired.STOPPED), homes=homes)
        where = {"node_id": node, "node": f"host-{node}", "last_used_at": NOW}
        return self.put(HomeStatus(phase=HomePhase.BOUND, **where), user)

    def give_up(self, user: str = "ada") -> Home:
        """Delete a user in the hub."""
        record = self.store.request_deletion(user)
        assert isinstance(record, Notebook)
        meta = record.metadata
        home = self.put(released(self.there(user), NOW), user)
        fence = self.leadership.fence
        self.store.remove_notebook(user, meta.uid, meta.resource_version, fence=fence)
        return home

    def removals(self) -> list[tuple[str, list[str]]]:
        """Return the removals that were sent."""
        return [(node, command) for node, command in self.swarm.sent if command[0] == "remove"]

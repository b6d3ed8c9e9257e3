"""Takes the nodes' inventories, keeps them in the store, and says which homes have gone missing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from swarmhub_crds.errors import Conflict
from swarmhub_crds.home import Home, HomePhase, HomeStatus
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.store import Store

from swarmhub_operator.decide.errands import Errand, Means, Order
from swarmhub_operator.decide.homes import found_again, lost
from swarmhub_operator.decide.inventories import Found, find, found_volume, missing, parse
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.errands import Errands
from swarmhub_operator.loop.homerecords import HomeRecords
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.recorder import Recorder

SOUGHT_FOR = 3600.0  # seconds after which a home that nobody finds is asked for anew
log = get_logger()


@dataclass(frozen=True, slots=True)
class _Question:
    """When a node was asked, and which homes were there then by their records."""

    asked_at: float
    expected: frozenset[str]


class Inventories:
    """What volumes each node holds. `find` is thread-safe, the rest is for one thread.

    Attributes:
        stir: set when somebody waits for an inventory, or for what is done about a home.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        leadership: Leadership,
        means: Means,
        interval: float,
        events: Recorder,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self.stir = threading.Event()
        self._store = store
        self._records = HomeRecords(store, leadership, events)
        self._engine = engine
        self._leadership = leadership
        self._can_ask = bool(means.image)
        self._interval = interval
        self._now = now
        self._clock = clock
        self._own: str | None = None
        self._known: Mapping[str, Inventory] | None = None
        self._due: dict[str, float] = {}  # node -> when to take the next one
        self._failed: frozenset[str] = frozenset()  # nodes that could not tell
        self._asked: dict[str, _Question] = {}  # by node
        self._told: dict[str, float] = {}  # node -> as of when its inventory is
        self._sought: dict[str, float] = {}  # uid of a home -> since when it is looked for

    def own_node(self) -> str:
        """Return the id of this engine's node, which it keeps as long as it is in the Swarm.

        Raises:
            EngineError: the engine cannot be asked.
        """
        if self._own is None:
            self._own = self._engine.own_node_id()
        return self._own

    def find(self, home: Home, nodes: Mapping[str, Node]) -> Found:
        """Find the volume of a home that is bound to no node; this engine's own is asked anew.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read.
        """
        since = self._sought.setdefault(home.metadata.uid, self._clock())
        known = {n: one for n, one in self._stored().items() if self._counts(nodes.get(n), since)}
        own = nodes.get(self.own_node())
        if own is not None:
            known[own.id] = of_own_node(self._engine, own, home, self._now())
        found = find(home, known, nodes.values(), self._silent(nodes))
        if found.asked:
            self.stir.set()
        return found

    def known(self) -> tuple[Inventory, ...]:
        """Return the last inventory of each node.

        Raises:
            StoreError: the store cannot be read.
        """
        return tuple(self._stored().values())

    def _silent(self, nodes: Mapping[str, Node]) -> frozenset[str]:
        return self._failed if self._can_ask else frozenset(nodes)

    def _counts(self, node: Node | None, since: float) -> bool:
        """Whether what is known of a node tells of everything that was there at a time.

        What a node that is down has told counts, however old it is; nothing newer is to be had.
        """
        if node is None or not node.usable or node.id in self._failed or not self._can_ask:
            return True
        return self._told.get(node.id, float("-inf")) >= since

    def _stored(self) -> Mapping[str, Inventory]:
        if self._known is None:
            self._known = {one.node_id: one for one in self._store.list_inventories()}
        return self._known

    def take(self, errands: Errands, nodes: Mapping[str, Node]) -> None:
        """Take what is due, each from its node, and judge the homes by it.

        As long as there are no homes, nobody is asked.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read or written.
        """
        self.stir.clear()
        self._forget(set(self._stored()) - set(nodes))
        if not self._records.all():
            return
        # Workers add to it meanwhile; a copy is made in one step.
        recent = self._clock() - SOUGHT_FOR
        self._sought = {u: at for u, at in dict(self._sought).items() if at > recent}
        sought = max(self._sought.values(), default=float("-inf"))
        for node in nodes.values():
            due = self._due.get(node.id, float("-inf")) <= self._clock()
            if due or node.id in self._asked or not self._counts(node, sought):
                self._take_one(errands, node)

    def note_removal(self, node: str, name: str) -> None:
        """Be told that a volume was removed there, which the last inventory still tells of.

        Else a new home of that name would be looked for on a node that has nothing of it. An
        inventory that is on its way is taken once more: it may have been made before.

        Raises:
            StoreError: the store cannot be read or written.
        """
        self._asked.pop(node, None)
        known = self._stored().get(node)
        left = tuple(v for v in known.volumes if v.name != name) if known else ()
        if known is not None and left != known.volumes:
            self._keep(known.model_copy(update={"volumes": left}))

    def _keep(self, inventory: Inventory) -> None:
        self._store.put_inventory(inventory, fence=self._leadership.fence)
        self._known = {**self._stored(), inventory.node_id: inventory}

    def _forget(self, gone: set[str]) -> None:
        if gone:
            self._store.forget_inventories(gone, fence=self._leadership.fence)
            self._known = {n: one for n, one in self._stored().items() if n not in gone}

    def _take_one(self, errands: Errands, node: Node) -> None:
        if node.id == self.own_node():
            question = _Question(self._clock(), self._homes_on(node.id))
            self._note(node, tuple(map(found_volume, self._engine.own_volumes())), question)
        elif errands.possible:
            self._ask(errands, node)

    def _ask(self, errands: Errands, node: Node) -> None:
        """Send an errand, or read what it found out.

        One that another operator has sent is not listened to: when it looked is not known, nor
        which homes were there then, so that a home which was bound since would count as missing.
        Nor is one waited for whose node is down: what it told when the node is back could be old.
        """
        order = Order(Errand.INVENTORY, node.id)
        if node.state == "down":
            errands.end(order)
            self._asked.pop(node.id, None)
            return
        question = self._asked.get(node.id)
        if question is None:
            if errands.is_sent(order):
                errands.end(order)
            question = self._asked[node.id] = _Question(self._clock(), self._homes_on(node.id))
        report = errands.ask(order, node)
        if not report.ended:
            return
        found = parse(errands.output(report)) if report.exit_code == 0 else None
        if found is None:
            why = report.message or "Its answer was not whole."
            log.warning("inventory", node=node.hostname, outcome="failed", error=why)
            errands.postpone(order)
            self._failed |= {node.id}
            del self._asked[node.id]
        else:
            errands.end(order)
            self._note(node, found, question)

    def _note(self, node: Node, found: tuple[FoundVolume, ...], question: _Question) -> None:
        inventory = Inventory(
            node_id=node.id, node=node.hostname, taken_at=self._now(), volumes=found
        )
        self._keep(inventory)
        self._failed -= {node.id}
        self._due[node.id] = self._clock() + self._interval
        self._told[node.id] = question.asked_at
        self._asked.pop(node.id, None)
        self._judge(inventory, question.expected)
        log.info("inventory", node=node.hostname, volumes=len(found))

    def _homes_on(self, node: str) -> frozenset[str]:
        return frozenset(h.metadata.uid for h in self._records.all() if h.status.node_id == node)

    def _judge(self, inventory: Inventory, expected: frozenset[str]) -> None:
        """Say which homes are missing of those that were there before the node was asked."""
        homes = self._records.all()
        absent = missing((h for h in homes if h.metadata.uid in expected), inventory)
        there = {volume.name for volume in inventory.volumes}
        for home in homes:
            name, status = home.metadata.name, home.status
            if name in absent and not self._records.may_be_in_use(name):
                self._put(home, lost(home))
            elif status.phase is HomePhase.LOST and status.node_id == inventory.node_id:
                self._put(home, found_again(home) if name in there else status)

    def _put(self, home: Home, status: HomeStatus) -> None:
        """Write a judgement, unless the record has changed since; the next one judges anew."""
        try:
            self._records.put(home, status)
        except Conflict as error:
            log.info("home", home=home.metadata.name, outcome="changed", error=str(error))
            return
        if status != home.status:
            log.warning("home", home=home.metadata.name, phase=status.phase, message=status.message)


def of_own_node(engine: Engine, own: Node, home: Home, now: datetime) -> Inventory:
    """Ask this engine's own node for the one volume of a home.

    Raises:
        EngineError: the engine cannot be asked.
    """
    volume = engine.find_volume(home.metadata.name)
    volumes = (found_volume(volume),) if volume else ()
    return Inventory(node_id=own.id, node=own.hostname, taken_at=now, volumes=volumes)

"""Asks all nodes now which volumes they have, for a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from swarmhub_crds.home import Home
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.store import Store

from swarmhub_operator import settings
from swarmhub_operator.cli import output
from swarmhub_operator.cli.options import engine_at
from swarmhub_operator.cli.text import safe
from swarmhub_operator.cli.visit import ASKER
from swarmhub_operator.decide.errands import Errand, Means, Order
from swarmhub_operator.decide.inventories import found_volume, parse
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.errands import Errands

WITHIN = 60.0  # seconds that all nodes together may take
MEASURED_WITHIN = 900.0  # seconds; every file of every home is looked at
_POLL = 0.2  # seconds


@dataclass(slots=True)
class Answers:
    """What the nodes said.

    Attributes:
        inventories: by the node's id.
        silent: why there is none, by the node's id.
        expected: homes by name and node's id, as they were on record before the nodes were asked.
    """

    inventories: dict[str, Inventory] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    expected: frozenset[tuple[str, str | None]] = frozenset()


def ask_nodes(store: Store, *, measured: bool = False) -> Answers:
    """Ask every node, all at once; what cannot be asked says why.

    Args:
        store: the open store.
        measured: ask for the sizes of volumes, too.

    Raises:
        StoreError: the store cannot be read.
    """
    records = (home for home in store.list_homes() if isinstance(home, Home))
    expected = frozenset((home.metadata.name, home.status.node_id) for home in records)
    given, answers = settings.read(), Answers(expected=expected)
    engine = engine_at(given.docker_host)
    means = Means(store.uid, given.errand_image, given.engine_socket)
    try:
        nodes = {node.id: node for node in engine.nodes()}
        own = engine.own_node_id()
        volumes = engine.measured_volumes() if measured else engine.own_volumes()
        answers.inventories[own] = _inventory(nodes[own], tuple(map(found_volume, volumes)))
        others = {ident: node for ident, node in nodes.items() if ident != own}
        if others and means.image:
            _ask_others(engine, means, others, answers, measured=measured)
        elif others:
            why = "it cannot be asked, for want of an image to send (SWARMHUB_ERRAND_IMAGE)."
            answers.silent.update(dict.fromkeys(others, why))
    except EngineError as error:
        output.warn(safe(f"The nodes cannot be asked. {error}"))
    return answers


def ask_node(engine: Engine, means: Means, node: Node) -> Answers:
    """Ask one node.

    Raises:
        EngineError: the engine cannot be asked.
    """
    answers = Answers()
    if node.id == engine.own_node_id():
        found = tuple(map(found_volume, engine.own_volumes()))
        answers.inventories[node.id] = _inventory(node, found)
    else:
        _ask_others(engine, means, {node.id: node}, answers)
    return answers


def _inventory(node: Node, found: tuple[object, ...]) -> Inventory:
    now = datetime.now(UTC)
    given = {"node_id": node.id, "node": node.hostname, "taken_at": now, "volumes": found}
    return Inventory.model_validate(given)


def _ask_others(
    engine: Engine,
    means: Means,
    nodes: Mapping[str, Node],
    answers: Answers,
    *,
    measured: bool = False,
) -> None:
    """Send one inventory to each of some nodes."""
    within = MEASURED_WITHIN if measured else WITHIN
    given = ("--measured",) if measured else ()
    orders = {
        ident: Order(Errand.INVENTORY, ident, given, about=given, within=2 * within, by=ASKER)
        for ident in nodes
    }

    def take(node: Node, text: str) -> bool:
        found = parse(text)
        if found is not None:
            answers.inventories[node.id] = _inventory(node, found)
        return found is not None

    Round(Errands(engine, means, time.monotonic), nodes, orders, take, answers.silent, within).run()


class Round:
    """One errand to each of some nodes, all at once."""

    def __init__(
        self,
        errands: Errands,
        nodes: Mapping[str, Node],
        orders: Mapping[str, Order],
        take: Callable[[Node, str], bool],
        silent: dict[str, str],
        within: float,
    ) -> None:
        """Prepare it.

        Args:
            errands: of this command.
            nodes: by their ids.
            orders: what each is sent, likewise.
            take: is given what a node told, and says whether that was whole.
            silent: gets the reason why a node has told nothing, by its id.
            within: seconds that all nodes together may take.
        """
        self._errands = errands
        self._nodes = nodes
        self._orders = orders
        self._take = take
        self._silent = silent
        self._within = within

    def run(self) -> None:
        """Wait until each has answered, or cannot; nothing of it is left behind.

        Raises:
            EngineError: the engine cannot be asked.
        """
        left = dict(self._orders)
        end = time.monotonic() + self._within
        try:
            self._errands.look()
            while left := {i: o for i, o in left.items() if not self._ask(self._nodes[i], o)}:
                if time.monotonic() > end:
                    why = f"it has not told what it has within {self._within:g} s."
                    self._silent.update(dict.fromkeys(left, why))
                    return
                time.sleep(_POLL)
                self._errands.look()
        finally:
            self._errands.look()
            for order in self._orders.values():
                self._errands.end(order)

    def _ask(self, node: Node, order: Order) -> bool:
        """Ask one node; True once there is nothing more to wait for."""
        if not node.usable and not self._errands.is_sent(order):
            self._silent[node.id] = f"it {node.hindrance} and cannot be asked."
            return True
        report = self._errands.ask(order, node)
        if not report.ended:
            return False
        if report.exit_code != 0 or not self._take(node, self._errands.output(report)):
            self._silent[node.id] = report.message or "its answer was not whole."
        return True

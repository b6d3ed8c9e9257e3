"""Carries out the order to move a home: two errands, one that gives and one that fetches."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.names import SECRET_MAX

from swarmhub_operator.decide import copying, mounting, moving
from swarmhub_operator.decide.copying import Outcome, receive_order, send_order
from swarmhub_operator.decide.errands import Errand, Order
from swarmhub_operator.decide.homes import lost
from swarmhub_operator.decide.inventories import parse
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node, TaskState
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.errands import Errands, Report
from swarmhub_operator.loop.homerecords import HomeRecords

WITHIN = 86400.0  # seconds that a copy may take; it ends itself when nothing comes any more
TOLD_EVERY = 2.0  # seconds between two words about the progress of a copy
WHY = "move"
log = get_logger()


class Mover:
    """Moves homes, a step at a time; what is under way is found again by its names."""

    def __init__(
        self,
        engine: Engine,
        records: HomeRecords,
        sent: Errands,
        network: str,
        policy: Policy,
        *,
        ending: Callable[[], AbstractSet[str]],
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        """Move nothing yet.

        Args:
            engine: of the manager.
            records: of homes and notebooks.
            sent: the errands.
            network: of the notebooks, over which content goes.
            policy: says which volumes may be mounted.
            ending: tells the notebooks whose service is gone and whose container may still run.
            now: the time.
            clock: monotonic seconds.
        """
        self._engine = engine
        self._records = records
        self._errands = sent
        self._network = network
        self._policy = policy
        self._ending = ending
        self._now = now
        self._clock = clock
        self._told: dict[str, float] = {}  # home -> when its progress was last written down

    def step(self, home: Home, nodes: Mapping[str, Node]) -> Home:
        """Go on with an order to move a home, and return its record as it is then.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read or written.
        """
        if home.status.phase is not HomePhase.MOVING:
            return self._begin(home, nodes)
        fault = mounting.home_fault(home, self._policy)
        if fault is not None:
            return self._fail(home, fault)
        target = nodes.get(home.spec.orders.move_to or "")
        source = nodes.get(home.status.node_id or "")
        if target is None or source is None:
            gone = home.spec.orders.move_to if target is None else home.status.node
            return self._fail(home, f"the node {gone} has left the Swarm")
        if source is target:
            return self._fail(home, "the move was called off")
        if not self._errands.possible:
            return self._fail(home, "the operator has no image to send to the nodes")
        return self._copy(home, source, target)

    def _begin(self, home: Home, nodes: Mapping[str, Node]) -> Home:
        """Let nobody in, and see once more that nobody is; who comes later waits."""
        why = moving.pointless(home, nodes)
        fault = mounting.home_fault(home, self._policy)
        if why is None and fault is not None:
            why = f"It was not moved: {fault}"
        if not self._errands.possible and why is None:
            why = "It was not moved: the operator has no image to send to the nodes."
        if why is not None:
            return self._records.put(home, moving.ended(home, why))
        name = home.metadata.name
        in_use = self._may_be_in_use(name)
        obstacle = moving.obstacle(home, nodes, self._now(), in_use=in_use)
        if obstacle is not None:
            return self._records.put(home, moving.waiting(home, obstacle))
        target = nodes[home.spec.orders.move_to or ""]
        home = self._records.put(home, moving.begun(home, target))
        if self._may_be_in_use(name):
            obstacle = moving.obstacle(home, nodes, self._now(), in_use=True) or ""
            return self._records.put(home, moving.waiting(home, obstacle))
        log.info("move", home=name, outcome="begun", to=target.hostname)
        return home

    def _may_be_in_use(self, volume: str) -> bool:
        """Whether a notebook may write there, also one whose container ends only now.

        The records are asked first: what they call stopped was so by a look no newer than the one
        by which `ending` tells.
        """
        return self._records.may_be_in_use(volume) or self._records.is_mounted_by(
            volume, self._ending()
        )

    def _copy(self, home: Home, source: Node, target: Node) -> Home:
        if not moving.has_room(home, target):
            return self._make_room(home, source, target)
        secret = self._token(home)
        giving = self._errands.ask(self._send(home, source, secret), source)
        receive = self._receive(home, target, secret, _url(giving))
        sent = self._errands.is_sent(receive)
        if giving.ended and (giving.exit_code != 0 or not sent):
            return self._fail(home, self._why(giving))
        if not sent and not _answers(giving):
            return home
        return self._fetch(home, target, receive)

    def _fetch(self, home: Home, target: Node, receive: Order) -> Home:
        """Have the content fetched; the giver may end as soon as it is."""
        taking = self._errands.ask(receive, target)
        if not taking.ended:
            return self._tell_progress(home, target, taking)
        outcome = copying.outcome(self._errands.output(taking)) if taking.task else None
        if taking.exit_code == 0 and outcome is not None and not outcome.error:
            return self._arrive(home, target, outcome)
        return self._fail(home, self._why(taking))

    def _make_room(self, home: Home, source: Node, target: Node) -> Home:
        """See to it that the volume is at its source, and that the target has none of its name.

        An errand that mounts a volume which is not there has the engine make an empty one: a copy
        of that would pass for the home. A volume that is at the target already would be filled.
        """
        answers = {node.id: self._has(home, node) for node in (source, target)}
        if fault := next((a for a in answers.values() if isinstance(a, str)), None):
            return self._fail(home, fault)
        if None in answers.values():
            return home
        for node in (source, target):
            self._errands.end(_listing(home, node))
        if not answers[source.id]:
            return self._lose(home)
        if answers[target.id]:
            return self._fail(home, f"{target.hostname} has a volume of this name already")
        return self._records.put(home, moving.with_room(home, target))

    def _has(self, home: Home, node: Node) -> bool | str | None:
        """Return whether a node has a volume of the home's name, why it is silent, or None yet."""
        if node.id == self._engine.own_node_id():
            return self._engine.find_volume(home.metadata.name) is not None
        report = self._errands.ask(_listing(home, node), node)
        if not report.ended:
            return None
        found = parse(self._errands.output(report)) if report.exit_code == 0 else None
        if found is None:
            return report.message or f"{node.hostname} does not tell what it has"
        return any(volume.name == home.metadata.name for volume in found)

    def _send(self, home: Home, node: Node, secret: tuple[str, str]) -> Order:
        order = send_order(home, node, network=self._network, secret=secret, why=WHY)
        return replace(order, within=WITHIN)

    def _receive(self, home: Home, node: Node, secret: tuple[str, str], source: str) -> Order:
        order = receive_order(
            home,
            node,
            self._errands.means.store,
            network=self._network,
            secret=secret,
            why=WHY,
            source=source,
            trusted=True,
            replace=True,
        )
        return replace(order, within=WITHIN)

    def _token(self, home: Home) -> tuple[str, str]:
        """Return id and name of the secret that both errands know, made if it is not there."""
        name = _secret_name(home)
        found = self._engine.find_secret(name)
        if found is not None:
            return found.id, name
        token = secrets.token_urlsafe(32).encode()
        owner = {labels.ERRAND_STORE: self._errands.means.store, labels.ERRAND: WHY}
        return self._engine.create_secret(name, token, owner), name

    def _tell_progress(self, home: Home, target: Node, taking: Report) -> Home:
        name, now = home.metadata.name, self._clock()
        begun = taking.task is not None and taking.task.state is TaskState.RUNNING
        if not begun or now - self._told.get(name, float("-inf")) < TOLD_EVERY:
            return home
        self._told[name] = now
        size = copying.progress(self._errands.output(taking))
        return self._records.put(home, moving.copied(home, target, size))

    def _why(self, report: Report) -> str:
        said = copying.outcome(self._errands.output(report)) if report.task else None
        why = said.error if said and said.error else report.message
        return why.rstrip(". ") or "an errand ended too early"

    def _arrive(self, home: Home, target: Node, outcome: Outcome) -> Home:
        written = self._records.put(home, moving.arrived(home, target, outcome))
        log.info("move", home=home.metadata.name, outcome="arrived", to=target.hostname)
        self._left(home)
        return written

    def _fail(self, home: Home, why: str) -> Home:
        message = f"It was not moved, and is on {home.status.node} as before: {why.rstrip('. ')}."
        written = self._records.put(home, moving.ended(home, message))
        log.warning("move", home=home.metadata.name, outcome="failed", error=why)
        self._left(home)
        return written

    def _lose(self, home: Home) -> Home:
        """Give up the order: there is nothing to move, which a person has to know."""
        dealt_with = home.model_copy(update={"status": moving.ended(home, "")})
        written = self._records.put(home, lost(dealt_with))
        log.warning("move", home=home.metadata.name, outcome="failed", error=written.status.message)
        self._left(home)
        return written

    def _left(self, home: Home) -> None:
        """End both errands of a move that is over, as the record says already.

        After a crash in between, `Errands.clear_away` ends them, and `tidy` does the rest.
        """
        self._told.pop(home.metadata.name, None)
        about = (home.metadata.uid, WHY)
        self._errands.end(Order(Errand.SEND, home.status.node_id or "", about=about))
        self._errands.end(Order(Errand.RECEIVE, home.spec.orders.move_to or "", about=about))
        self.tidy(home)

    def tidy(self, home: Home) -> bool:
        """Remove the secret of a move that is over, however it ended; return whether it is gone.

        As long as there is one, the home has a leftover. An errand may still use it that another
        operator has sent, until `Errands.clear_away` ends that one.

        Raises:
            EngineError: the engine cannot be asked.
        """
        found = self._engine.find_secret(_secret_name(home))
        if found is None:
            return True
        if self._errands.use(found.id):
            return False
        try:
            self._engine.remove_secret(found.id)
        except EngineError as error:
            if error.kind is Kind.IN_USE:
                return False
            if error.kind is not Kind.GONE:
                raise
        return True


def _answers(giving: Report) -> bool:
    """Whether the content can be fetched."""
    task = giving.task
    return task is not None and task.state is TaskState.RUNNING and bool(task.addresses)


def _url(giving: Report) -> str:
    """Return where the content can be fetched; it is of no use before there is anything."""
    addresses = giving.task.addresses if giving.task else {}
    return copying.url(next(iter(addresses.values()), ""))


def _listing(home: Home, node: Node) -> Order:
    """Return the errand that tells of a node's volumes, for this move alone."""
    return Order(Errand.INVENTORY, node.id, about=(home.metadata.uid, WHY))


def _secret_name(home: Home) -> str:
    return f"swarmhub-move-{home.metadata.uid}"[:SECRET_MAX]

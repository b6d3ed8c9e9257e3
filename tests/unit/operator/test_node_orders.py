"""Orders about nodes: carried out once, whatever fails meanwhile, and only by who leads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from structlog.testing import capture_logs
from support.waiting import wait_for
from swarmhub_crds.errors import LeaseLost, Reason, StoreUnavailable
from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.node import NodeOrder, NodeVerb, SeenNode
from swarmhub_crds.sqlstore.clock import utc_now
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.nodechange import ATTEMPTS
from swarmhub_operator.loop.nodeorders import AGAIN, MOST, NodeOrders
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.recorder import Recorder
from unit.operator.fakeswarm import NODE, FakeSwarm, Operator

WORKER = replace(NODE, id="n2", hostname="worker1", labels={"rack": "2"}, version=7)
DRAINED = replace(WORKER, availability="pause", labels={"rack": "2", "swarmhub.drain": "true"})


class Bench:
    """The part that carries orders out, on a Swarm in memory, at a time that the test moves."""

    def __init__(self, store: Store, policy: Policy | None = None) -> None:
        self.store = store
        self.swarm = FakeSwarm()
        self.swarm.nodes_seen = (NODE, WORKER)
        self.time = 0.0
        self.late = timedelta(0)  # by how much the operator's wall clock is later
        self.leadership = Leadership(store, "test", SignOfLife(store.path), 15)
        assert self.leadership.acquire()
        seen = [SeenNode(id=n.id, hostname=n.hostname) for n in (NODE, WORKER)]
        store.put_nodes([*seen, SeenNode(id="n9", hostname="old")], fence=self.leadership.fence)
        self.woken = Mock()
        self.observer = Mock()
        self.policy = policy or Policy()
        self.begin()

    def begin(self) -> None:
        """Begin as an operator that has just been started, and knows nothing."""
        recorder = Recorder(self.store, self.leadership, self.now, lambda: self.time)
        parts = SimpleNamespace(
            store=self.store,
            engine=self.swarm,
            observer=self.observer,
            leadership=self.leadership,
            events=recorder,
            policy=self.policy,
            inventories=SimpleNamespace(stir=SimpleNamespace(set=self.woken)),
            now=self.now,
            clock=lambda: self.time,
        )
        self.orders = NodeOrders(cast("Parts", parts))

    def now(self) -> datetime:
        """Return the wall clock."""
        return utc_now() + self.late

    def order(self, verb: NodeVerb = NodeVerb.DRAIN, node: str = "n2") -> NodeOrder:
        """Order something, as the page does, and let the operator notice."""
        made = self.store.order_node(node, verb, "root")
        self.orders.note({node})
        return made

    def step(self) -> None:
        """Let the sweep's thread come by."""
        self.orders.carry_out(lambda: None)

    def node(self, ident: str = "n2") -> Node:
        """Return a node as it is."""
        return next(n for n in self.swarm.nodes_seen if n.id == ident)

    def events(self) -> list[Event]:
        """Return what was told of nodes."""
        return [e for e in self.store.list_events() if e.kind is Concerned.NODE]


@pytest.fixture
def bench(store: Store) -> Iterator[Bench]:
    """Yield the part on its bench."""
    made = Bench(store)
    yield made
    made.leadership.release()


def failing(kind: Kind, calls: str = "update_node", times: int = 10**6) -> Callable[[str], None]:
    """Return what makes a call of a Swarm fail so many times."""
    left = [times]

    def before(call: str) -> None:
        if call == calls and left[0]:
            left[0] -= 1
            raise EngineError(kind, f"The engine says {kind.value}; look at it.")

    return before


def state(node: Node) -> tuple[str, dict[str, str]]:
    """Return availability and labels."""
    return node.availability, dict(node.labels)


def test_a_node_is_drained_and_taken_back(bench: Bench) -> None:
    """As the command does it; each order is gone then, and has its event."""
    bench.order()
    bench.step()
    assert state(bench.node()) == state(DRAINED)
    assert bench.observer.refresh_nodes.called
    bench.order(NodeVerb.UNCORDON)
    bench.step()
    assert state(bench.node()) == state(WORKER)
    assert bench.store.list_node_orders() == []
    drained, back = bench.events()
    assert (drained.name, drained.reason, back.reason) == ("worker1", "Drained", "Uncordoned")
    assert drained.message.startswith("It is drained, as root asked: it takes no new servers")
    assert back.message == "It takes servers, as root asked."


def test_while_nothing_is_ordered_it_costs_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look when an operator begins, since something may have been ordered before."""
    looks = Mock(wraps=bench.store.list_node_orders)
    monkeypatch.setattr(bench.store, "list_node_orders", looks)
    for _ in range(100):
        bench.step()
    assert looks.call_count == 1
    assert not bench.swarm.calls
    bench.orders.note(())  # the watch does not know what has changed
    bench.step()
    assert looks.call_count == 2
    assert not bench.woken.called


def test_an_order_is_no_lasting_wish(bench: Bench) -> None:
    """What an administrator does with the node afterwards stands."""
    bench.order()
    bench.step()
    bench.swarm.nodes_seen = (NODE, WORKER)
    bench.orders.note(())
    bench.step()
    assert state(bench.node()) == state(WORKER)


def test_after_a_crash_before_its_end_it_is_done_again_in_vain(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node is drained, the order still there: the next operator changes nothing."""

    class Crash(BaseException):
        """The process ends here."""

    for verb, after in ((NodeVerb.DRAIN, DRAINED), (NodeVerb.UNCORDON, WORKER)):
        bench.order(verb)
        with monkeypatch.context() as patch:
            patch.setattr(bench.store, "remove_node_order", Mock(side_effect=Crash))
            with pytest.raises(Crash):
                bench.step()
        assert state(bench.node()) == state(after)
        assert len(bench.store.list_node_orders()) == 1
        before = bench.swarm.calls["update_node"]
        bench.begin()
        bench.step()
        assert bench.swarm.calls["update_node"] == before
        assert state(bench.node()) == state(after)
        assert bench.store.list_node_orders() == []
    assert [(e.reason, e.count) for e in bench.events()] == [("Drained", 2), ("Uncordoned", 2)]


def test_an_engine_that_does_not_answer_postpones(bench: Bench) -> None:
    """With a line in the log, and not the next order either; later all is done."""
    for calls, verb in (("nodes", NodeVerb.DRAIN), ("update_node", NodeVerb.UNCORDON)):
        bench.order(verb, "n1")
        bench.order(verb)
        bench.swarm.before = failing(Kind.UNAVAILABLE, calls)
        before = bench.swarm.calls[calls]
        with capture_logs() as logs:
            bench.step()
            bench.step()
        assert [line["outcome"] for line in logs] == ["postponed"]
        assert bench.swarm.calls[calls] == before + 1
        assert (bench.orders.due, len(bench.store.list_node_orders())) == (False, 2)
        bench.swarm.before = lambda _: None
        bench.time += AGAIN
        bench.step()
        assert bench.store.list_node_orders() == []


def test_a_new_order_does_not_wait_for_what_failed(bench: Bench) -> None:
    """Somebody looks at the page."""
    bench.order()
    bench.swarm.before = failing(Kind.UNAVAILABLE, times=1)
    bench.step()
    bench.order()
    assert bench.woken.called
    bench.step()
    assert state(bench.node()) == state(DRAINED)


def test_a_node_that_changes_meanwhile_is_looked_at_again(bench: Bench) -> None:
    """By its version; one that never rests keeps no other from its turn."""
    bench.order()
    bench.swarm.before = failing(Kind.STALE, times=2)
    bench.step()
    assert state(bench.node()) == state(DRAINED)
    bench.order(NodeVerb.UNCORDON)
    bench.swarm.before = failing(Kind.STALE, times=ATTEMPTS)
    bench.order(node="n1")
    bench.step()
    assert state(bench.node()) == state(DRAINED)
    assert bench.node("n1").availability == "pause"
    assert [order.node_id for order in bench.store.list_node_orders()] == ["n2"]


def test_what_the_engine_refuses_is_told_and_not_tried_for_ever(bench: Bench) -> None:
    """The same request would fail again."""
    bench.order()
    bench.swarm.before = failing(Kind.REFUSED)
    bench.step()
    (told,) = bench.events()
    assert (told.type, told.reason) == ("Warning", "OrderDropped")
    assert told.message == (
        "root asked to drain it, which is not done. The engine says refused; look at it."
    )
    assert bench.store.list_node_orders() == []


def test_a_node_that_has_left_is_told(bench: Bench) -> None:
    """Also if it does so between two requests."""
    bench.order(node="n9")
    bench.step()
    bench.order()

    def leave(call: str) -> None:
        if call == "update_node":
            bench.swarm.nodes_seen = (NODE,)
            raise EngineError(Kind.GONE, "It is no longer there.")

    bench.swarm.before = leave
    bench.step()
    bench.time += AGAIN
    bench.step()
    assert [(e.name, e.reason) for e in bench.events()] == [
        ("old", "OrderDropped"),
        ("worker1", "OrderDropped"),
    ]
    assert "which is not done. The node has left the Swarm." in bench.events()[0].message
    assert bench.store.list_node_orders() == []


def test_an_order_that_waited_too_long_is_dropped(bench: Bench) -> None:
    """Who asked does not expect it any more; a clock that was set back makes nothing old."""
    bench.order()
    bench.late = timedelta(minutes=61)
    bench.step()
    assert state(bench.node()) == state(WORKER)
    (told,) = bench.events()
    assert "It had waited for more than an hour; ask again." in told.message
    bench.order()
    bench.late = -timedelta(days=1)
    bench.step()
    assert state(bench.node()) == state(DRAINED)


def test_a_policy_can_leave_it_to_the_command(store: Store) -> None:
    """Then a hub can drain nothing, whatever it writes."""
    bench = Bench(store, Policy(node_orders=False))
    bench.order()
    bench.step()
    assert bench.swarm.calls["update_node"] == 0
    (told,) = bench.events()
    assert "`swarmhub drain worker1` on a manager does it." in told.message
    assert store.list_node_orders() == []
    bench.leadership.release()


@pytest.mark.parametrize(
    ("availability", "labels", "after", "reason"),
    [
        ("pause", {}, "pause", "NotUncordoned"),
        ("drain", {}, "drain", "NotUncordoned"),
        ("drain", {"swarmhub.drain": "true"}, "drain", "NotUncordoned"),
        ("pause", {"swarmhub.drain": "cordoned"}, "pause", "NotUncordoned"),
        ("active", {"swarmhub.drain": "true"}, "active", "Uncordoned"),
        ("active", {}, "active", "Uncordoned"),
    ],
)
def test_only_our_drain_is_ended(
    bench: Bench, availability: str, labels: dict[str, str], after: str, reason: str
) -> None:
    """A hub has no servers placed on a node that an administrator keeps free of them."""
    bench.swarm.nodes_seen = (NODE, replace(WORKER, availability=availability, labels=labels))
    bench.order(NodeVerb.UNCORDON)
    bench.step()
    assert state(bench.node()) == (after, {})
    (told,) = bench.events()
    assert told.reason == reason
    assert (f"its availability is {after}" in told.message) is (reason == "NotUncordoned")


@pytest.mark.parametrize("availability", ["pause", "drain"])
def test_a_drain_and_its_end_free_no_node_that_was_kept_free(
    bench: Bench, availability: str
) -> None:
    """Two orders of a hub, or three, do no more than one."""
    bench.swarm.nodes_seen = (NODE, replace(WORKER, availability=availability))
    for verb in (NodeVerb.DRAIN, NodeVerb.DRAIN, NodeVerb.UNCORDON):
        bench.order(verb)
        bench.step()
    assert state(bench.node()) == (availability, {"rack": "2"})


def test_a_newer_order_is_not_lost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the older one's place while that is carried out."""
    bench.order()
    real = bench.store.remove_node_order

    def change_of_mind(order: NodeOrder, **named: Any) -> None:
        if order.verb is NodeVerb.DRAIN:
            bench.order(NodeVerb.UNCORDON)
        real(order, **named)

    monkeypatch.setattr(bench.store, "remove_node_order", change_of_mind)
    bench.step()
    assert state(bench.node()) == state(DRAINED)
    bench.step()
    assert state(bench.node()) == state(WORKER)
    assert bench.store.list_node_orders() == []


@pytest.mark.parametrize("when", ["guard", "fence"])
def test_who_has_lost_the_lease_does_nothing(bench: Bench, when: str) -> None:
    """Neither to the node nor to the order."""
    made = bench.order()

    def lose(call: str) -> None:
        if when == "guard" and call == "update_node":
            raise LeaseLost("Another operator acts now.")
        if when == "fence" and call == "nodes":
            lease = bench.store.read_lease()
            assert bench.store.acquire_lease("another", 15, lease) is not None

    bench.swarm.before = lose
    with pytest.raises(LeaseLost):
        bench.step()
    assert bench.store.list_node_orders() == [made]
    if when == "guard":
        assert state(bench.node()) == state(WORKER)


def test_a_store_that_is_away_postpones(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fails because of it."""
    bench.order()
    away = StoreUnavailable(Reason.LOCKED, "The state database is locked; try again.")
    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(bench.store, "list_node_orders", Mock(side_effect=away))
        bench.step()
    assert [line["outcome"] for line in logs] == ["postponed"]
    bench.time += AGAIN
    bench.step()
    assert bench.store.list_node_orders() == []


def test_hostile_orders_are_survived(bench: Bench, tmp_path: Path) -> None:
    """A hub can write anything; what can be read of it is dropped by its node."""
    made = bench.order()
    evil = made.model_copy(update={"node_id": "../n2?x", "asked_by": "\x1b[2J" * 50})
    with closing(sqlite3.connect(tmp_path / "state.db")) as raw, raw:
        raw.execute('UPDATE node_orders SET document = \'{"verb": "halt"}\'')
        row = ("../n2?x", 99, evil.model_dump_json())
        raw.execute("INSERT INTO node_orders VALUES (?, ?, ?)", row)
    bench.step()
    assert bench.swarm.calls["update_node"] == 0
    assert bench.store.list_node_orders() == []
    bench.order()
    bench.step()
    assert state(bench.node()) == state(DRAINED)


def test_ever_so_many_orders_keep_no_honest_one_from_its_turn(bench: Bench, tmp_path: Path) -> None:
    """Nor anything else that the thread does; each time some of them go."""
    made = bench.order()
    flood = [
        (f"x{n}", 0, made.model_copy(update={"node_id": f"x{n}"}).model_dump_json())
        for n in range(2 * MOST)
    ]
    with closing(sqlite3.connect(tmp_path / "state.db")) as raw, raw:
        raw.executemany("INSERT INTO node_orders VALUES (?, ?, ?)", flood)
    bench.step()
    assert state(bench.node()) == state(DRAINED)
    assert len(bench.store.list_node_orders()) == MOST + 1
    bench.step()
    bench.step()
    assert (bench.store.list_node_orders(), bench.orders.due) == ([], False)


def test_the_loop_is_woken_by_an_order(store: Store) -> None:
    """Long before the next sweep; while the engine fails it waits, and the threads live."""
    swarm = FakeSwarm()
    swarm.nodes_seen = (NODE, WORKER)
    operator = Operator(store, swarm, Policy(sweep=SweepPolicy(interval=3600)))
    try:
        wait_for("the nodes", lambda: len(store.list_nodes()) == 2)
        store.order_node("n2", NodeVerb.DRAIN, "root")
        wait_for("the drain", lambda: not store.list_node_orders(), timeout=5)
        assert state(swarm.nodes_seen[1]) == state(DRAINED)
        wait_for("the report", lambda: any(node.drained for node in store.list_nodes()))
        swarm.before = failing(Kind.UNAVAILABLE)
        store.order_node("n2", NodeVerb.UNCORDON, "root")
        wait_for("an attempt", lambda: swarm.calls["update_node"] >= 2, timeout=5)
        swarm.before = lambda _: None
        store.order_node("n2", NodeVerb.UNCORDON, "root")
        wait_for("the end", lambda: not store.list_node_orders(), timeout=5)
        assert state(swarm.nodes_seen[1]) == state(WORKER)
        assert operator.pulse.alive()
    finally:
        operator.stop()

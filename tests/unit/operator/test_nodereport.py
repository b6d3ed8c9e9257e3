"""Which nodes there are, as the store tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from unittest.mock import Mock

import pytest
from support.records import NOW, later, node
from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.store import Store
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.snapshot import Snapshot, Spell, index
from swarmhub_operator.loop.nodereport import NodeReport

LABELS = {"rack": "2"}


def report(
    store: Store,
    fence: int,
    used: Callable[[Mapping[str, Node]], Mapping[str, int]] = lambda _: {},
) -> NodeReport:
    """Return the report of an operator that has just begun."""
    return NodeReport(store, Mock(fence=fence), used)


def fence(store: Store) -> int:
    """Take the lease."""
    lease = store.acquire_lease("test", 60)
    assert lease is not None
    return lease.token


def seen(*nodes: Node, since: datetime = NOW) -> Snapshot:
    """Return a look whose nodes are in their states since a moment."""
    spells = {n.id: Spell(n.state, 0.0, since) for n in nodes}
    return replace(index(0.0, (), (), (), nodes), spells=spells)


def test_nodes_are_told_as_a_look_saw_them(store: Store) -> None:
    """With all that an administrator asks for."""
    worker = node("n2", state="down", availability="pause", labels=LABELS, cpus=2.0, memory=7)
    report(store, fence(store)).publish(seen(worker, node("n1")))
    first, second = store.list_nodes()
    assert (first.id, first.hostname, first.state) == ("n1", "host-n1", "ready")
    assert (second.id, second.state, second.availability) == ("n2", "down", "pause")
    assert (second.since, second.labels) == (NOW, LABELS)
    assert (second.cpus, second.memory) == (2.0, 7)


def test_only_news_is_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look a second must not be a write a second; a change or a loss is told at once."""
    own = report(store, fence(store))
    writes = Mock(wraps=store.put_nodes)
    monkeypatch.setattr(store, "put_nodes", writes)
    for _ in range(3):
        own.publish(seen(node("n1"), node("n2")))
    assert writes.call_count == 1
    own.publish(seen(node("n1")))
    assert (writes.call_count, len(store.list_nodes())) == (2, 1)


def test_memory_in_use_is_told_of_the_node_that_is_known(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is news when it is another, and then alone."""
    used = {"n1": 5}
    own = report(store, fence(store), lambda _: used)
    writes = Mock(wraps=store.put_nodes)
    monkeypatch.setattr(store, "put_nodes", writes)
    for _ in range(3):
        own.publish(seen(node("n1"), node("n2")))
    assert [n.memory_used for n in store.list_nodes()] == [5, None]
    assert writes.call_count == 1
    used["n1"] = 6
    own.publish(seen(node("n1"), node("n2")))
    assert [n.memory_used for n in store.list_nodes()] == [6, None]
    assert writes.call_count == 2


def test_since_when_a_node_is_down_outlives_the_operator(store: Store) -> None:
    """The next one only sees when the node was last changed, as by a label."""
    token = fence(store)
    report(store, token).publish(seen(node("n2", state="down")))
    following = report(store, token)
    labelled = node("n2", state="down", labels=LABELS)
    following.publish(seen(labelled, since=later(300)))
    assert [(n.since, n.labels) for n in store.list_nodes()] == [(NOW, LABELS)]
    following.publish(seen(node("n2"), since=later(400)))
    assert [(n.since, n.state) for n in store.list_nodes()] == [(later(400), "ready")]


def test_who_lost_the_lease_tells_nothing(store: Store) -> None:
    """What another one has told stands."""
    own = report(store, fence(store) - 1)
    with pytest.raises(LeaseLost):
        own.publish(seen(node("n1")))
    assert store.list_nodes() == []

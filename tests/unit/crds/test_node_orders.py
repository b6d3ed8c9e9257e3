"""Orders about nodes: one a node, written by anybody, removed by who leads, and soon noticed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from swarmhub_crds.errors import LeaseLost, NotFound
from swarmhub_crds.node import NodeOrder, NodeVerb, SeenNode
from swarmhub_crds.store import Store
from swarmhub_crds.watch import Changes, StoreWatch
from unit.crds.samples import notebook_spec, url_of

NODES = (SeenNode(id="n1", hostname="manager"), SeenNode(id="n2", hostname="worker1"))
_AS_BEFORE = "UPDATE alembic_version SET version_num = '0007'"


@pytest.fixture
def told(store: Store, fence: int) -> Store:
    """Return a store in which an operator has told of two nodes."""
    store.put_nodes(NODES, fence=fence)
    return store


def test_an_order_says_who_wants_what(told: Store) -> None:
    """And when, and which node it was by its name."""
    made = told.order_node("n2", NodeVerb.DRAIN, "root")
    assert told.list_node_orders() == [made]
    assert (made.node, made.verb, made.asked_by) == ("worker1", "drain", "root")
    assert made.version == told.revision() == 1


def test_a_newer_order_takes_the_place_of_an_older_one(told: Store, fence: int) -> None:
    """However often somebody asks, there is one a node; the older one's end ends nothing."""
    older = told.order_node("n2", NodeVerb.DRAIN, "root")
    other = told.order_node("n1", NodeVerb.DRAIN, "root")
    newer = told.order_node("n2", NodeVerb.UNCORDON, "sue")
    assert told.list_node_orders() == [other, newer]
    told.remove_node_order(older, fence=fence)
    assert told.list_node_orders() == [other, newer]
    told.remove_node_order(newer, fence=fence)
    told.remove_node_order(newer, fence=fence)
    assert told.list_node_orders() == [other]


def test_a_node_that_nobody_knows_is_refused(told: Store) -> None:
    """Nothing is written then, so it stays a few rows."""
    with pytest.raises(NotFound, match="no node 'n9' any more; `swarmhub nodes` lists them"):
        told.order_node("n9", NodeVerb.DRAIN, "root")
    assert (told.list_node_orders(), told.revision()) == ([], 0)


def test_only_who_leads_ends_an_order(told: Store, fence: int) -> None:
    """Who has lost the lease may not have carried it out."""
    made = told.order_node("n2", NodeVerb.DRAIN, "root")
    with pytest.raises(LeaseLost):
        told.remove_node_order(made, fence=fence + 1)
    assert told.list_node_orders() == [made]


def test_what_cannot_be_read_is_left_out_and_replaced(told: Store, path: Path) -> None:
    """Others than swarmhub may have written it."""
    made = told.order_node("n1", NodeVerb.DRAIN, "root")
    foreign = made.model_dump_json()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO node_orders VALUES ('n2', 9, '{')")
        raw.execute("INSERT INTO node_orders VALUES ('n3', 9, x'ff')")
        raw.execute("INSERT INTO node_orders VALUES ('n4', 9, ?)", (foreign,))
        raw.execute("INSERT INTO node_orders VALUES ('n5', 'x', ?)", (foreign,))
    assert told.list_node_orders() == [made]
    assert [order.node_id for order in (told.order_node("n2", NodeVerb.DRAIN, "root"),)] == ["n2"]
    assert {order.node_id for order in told.list_node_orders()} == {"n1", "n2"}


def test_names_without_end_are_cut(told: Store) -> None:
    """Else the order could not be read."""
    assert told.order_node("n1", NodeVerb.DRAIN, "x" * 999).asked_by == "x" * 255
    assert len(told.list_node_orders()) == 1


def test_an_order_wakes_who_watches_and_its_end_nobody(told: Store, path: Path, fence: int) -> None:
    """By the node's id, also beside a record that changes at the same moment."""
    with closing(StoreWatch(url_of(path))) as watch:
        assert watch.wait(5.0) == Changes(0, full=True)
        made = told.order_node("n2", NodeVerb.DRAIN, "root")
        assert watch.wait(5.0) == Changes(1, nodes=frozenset({"n2"}))
        told.remove_node_order(made, fence=fence)
        assert watch.wait(0.2) is None
        told.order_node("n1", NodeVerb.DRAIN, "root")
        told.apply_notebook(notebook_spec())
        seen = watch.wait(5.0)
        more = None if seen is None or seen.notebooks else watch.wait(5.0)
        found = [one for one in (seen, more) if one is not None]
        assert {node for one in found for node in one.nodes} == {"n1"}
        assert {name for one in found for name in one.notebooks} == {"ada"}


def test_a_store_of_before_gets_the_table(told: Store, path: Path) -> None:
    """With all that it holds."""
    told.apply_notebook(notebook_spec())
    told.close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("DROP TABLE node_orders")
        raw.execute(_AS_BEFORE)
    with closing(Store.open(url_of(path))) as store:
        assert [n.id for n in store.list_nodes()] == ["n1", "n2"]
        assert len(store.list_notebooks()) == 1
        assert store.list_node_orders() == []
        assert isinstance(store.order_node("n1", NodeVerb.DRAIN, "root"), NodeOrder)

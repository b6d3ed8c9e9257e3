"""Draining a node on the page, behind a real hub: who may, what is told first, what is written."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from swarmhub_crds.errors import NotFound
from swarmhub_crds.node import NodeVerb
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Store
from swarmhub_spawner.page.nodeorders import Told, drain, plan, uncordon
from unit.spawner.fleet import Fleet, Site, fleet, notebook, site, xsrf_of

PLACE = "/services/swarmhub/"
NODE = "id-worker-1"
DRAIN, UNCORDON = f"{PLACE}nodes/{NODE}/drain", f"{PLACE}nodes/{NODE}/uncordon"
HOUR = timedelta(hours=1)


def furnish(made: Fleet) -> None:
    """Put servers on worker-1, one each of what a drain tells apart, and one on another node."""
    old: dict[str, Any] = {"minutes": 60, "where": "worker-1"}
    made.put([
        notebook("idle", **old), notebook("busy", **old), notebook("unused", **old),
        notebook("float", mounts=(), **old), notebook("far", minutes=60, where="worker-2"),
    ])  # fmt: skip
    now = datetime.now(UTC)
    made.store.note_activity({"idle": now - HOUR, "busy": now + HOUR, "far": now - HOUR})
    made.put_nodes()


def stopped(store: Store) -> set[str]:
    """Return the names of the servers that are not to run."""
    found = [one for one in store.list_notebooks() if isinstance(one, Notebook)]
    return {n.metadata.name for n in found if n.spec.desired is Desired.STOPPED}


def ordered(store: Store) -> list[tuple[str, NodeVerb, str]]:
    """Return what is ordered."""
    return [(one.node_id, one.verb, one.asked_by) for one in store.list_node_orders()]


def cells(page: str) -> dict[str, list[str]]:
    """Return what the table of a drain says of each server."""
    rows = re.findall(r'<tr role="row" id="row-([^"]+)">(.*?)</tr>', page, re.DOTALL)
    return {name: re.findall(r"<td [^>]*>([^<]*)</td>", row) for name, row in rows}


def hidden(page: str, name: str) -> list[str]:
    """Return what the form of a page sends along under a name."""
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)">', page)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a hub with the page."""
    with site(tmp_path_factory.mktemp("hub")) as made:
        yield made


@pytest.fixture
def furnished(place: Site) -> Site:
    """Have five servers as they are at first, and no order."""
    made = place.fleet
    for order in made.store.list_node_orders():
        made.store.remove_node_order(order, fence=made.token)
    with made.store._database.write() as connection:
        for table in ("notebooks", "homes", "activity"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    furnish(made)
    deadline = time.monotonic() + 30
    with place.person("root") as root:
        while f'href="{DRAIN}"' not in root.get(f"{PLACE}nodes").text:
            assert time.monotonic() < deadline, "the page does not show the node"
            time.sleep(0.1)
    return place


def test_only_administrators_drain(furnished: Site) -> None:
    """Who sees all and may stop all sees the nodes; who sees less is told of no such page."""
    store = furnished.fleet.store
    with httpx.Client(base_url=furnished.url) as stranger:
        assert stranger.get(DRAIN).status_code == 302
        assert stranger.post(DRAIN).status_code == 403
    for user, status in (("ada", 404), ("tess", 404), ("will", 403)):
        with furnished.person(user) as person:
            form = {"_xsrf": xsrf_of(person.get(PLACE).text), "stops": "idle", "force": "yes"}
            for path in (DRAIN, UNCORDON):
                assert person.get(path).status_code == status, user
                assert person.post(path, data=form).status_code == status, user
            assert "/drain" not in person.get(f"{PLACE}nodes").text
    assert (ordered(store), stopped(store)) == ([], set())


def test_what_would_become_of_whom_is_told_first(furnished: Site) -> None:
    """As the command tells it; nothing is done by that."""
    with furnished.person("root") as root:
        page = root.get(DRAIN).text
        zealous = root.get(DRAIN, params={"idle": "0"}).text
    assert "<h1>Drain worker-1?</h1>" in page
    assert cells(page) == {
        "busy": ["stays", "in use", "0s"],
        "float": ["moves", "its home is not tied to the node", "-"],
        "idle": ["stops", "idle", cells(page)["idle"][2]],
        "unused": ["stays", "not known to be idle", "-"],
    }
    homes = "home-busy, home-float, home-idle, home-unused"
    assert f"where alone their servers can start (4): {homes}." in page
    assert "Lost in what stops or moves (2): running kernels and terminals, and all that" in page
    assert "Stop what is in use, too (2)" in page
    assert (hidden(page, "stops"), hidden(page, "stays")) == (["idle"], ["busy", "unused"])
    assert cells(zealous)["busy"][:2] == ["stops", "idle"]
    assert hidden(zealous, "idle") == ["0"]
    assert ordered(furnished.fleet.store) == []


def test_a_drain_is_ordered_and_stops_what_was_told(furnished: Site) -> None:
    """Not what is elsewhere, whatever a form says; and not by a forged request."""
    store = furnished.fleet.store
    with furnished.person("root") as root:
        form = {"stops": ["idle", "far", "none"], "stays": ["busy", "unused"], "idle": "15"}
        for wrong in ({}, {"_xsrf": "x"}):
            assert root.post(DRAIN, data=form | wrong).status_code == 403
        assert (ordered(store), stopped(store)) == ([], set())
        answer = root.post(DRAIN, data=form | {"_xsrf": xsrf_of(root.get(DRAIN).text)})
        assert str(answer.url).endswith("/nodes?done=drain")
        assert "The operator drains the node;" in answer.text
        assert (ordered(store), stopped(store)) == ([(NODE, "drain", "root")], {"idle"})
        deadline = time.monotonic() + 30
        while "yes; to be drained, as root asked" not in root.get(f"{PLACE}nodes").text:
            assert time.monotonic() < deadline, "the page does not tell of the order"
            time.sleep(0.1)


def test_force_stops_what_is_in_use_too(furnished: Site) -> None:
    """What was shown, and what floats moves all the same."""
    with furnished.person("root") as root:
        page = root.get(DRAIN).text
        form = {
            "_xsrf": xsrf_of(page),
            "stops": hidden(page, "stops"),
            "stays": hidden(page, "stays"),
            "force": "yes",
        }
        assert root.post(DRAIN, data=form).is_success
    assert stopped(furnished.fleet.store) == {"idle", "busy", "unused"}


def test_a_drained_node_says_so_and_is_taken_back(furnished: Site) -> None:
    """Once the operator, played here, has done what was ordered."""
    made = furnished.fleet
    with furnished.person("root") as root:
        form = {"_xsrf": xsrf_of(root.get(DRAIN).text)}
        assert root.post(DRAIN, data=form).is_success
        made.put_nodes(drained="worker-1")
        (order,) = made.store.list_node_orders()
        made.store.remove_node_order(order, fence=made.token)
        deadline = time.monotonic() + 30
        page = ""
        while '"Takes servers">no: draining</td>' not in page:
            assert time.monotonic() < deadline, page
            page = root.get(f"{PLACE}nodes").text
            time.sleep(0.1)
        assert f'href="{UNCORDON}"' in page
        question = root.get(UNCORDON).text
        assert "<h1>Uncordon worker-1?</h1>" in question
        answer = root.post(UNCORDON, data={"_xsrf": xsrf_of(question)})
        assert "The operator ends the drain of the node." in answer.text
    assert ordered(made.store) == [(NODE, "uncordon", "root")]


def test_a_node_that_is_none_is_not_there(furnished: Site) -> None:
    """Nor is one that has left since the question was asked."""
    with furnished.person("root") as root:
        form = {"_xsrf": xsrf_of(root.get(DRAIN).text)}
        gone = DRAIN.replace("worker-1", "worker-9")
        assert root.get(gone).status_code == 404
        for verb in ("drain", "uncordon"):
            assert root.post(gone.replace("drain", verb), data=form).status_code == 404
        assert root.get(DRAIN.replace("drain", "remove")).status_code == 404
    assert ordered(furnished.fleet.store) == []


def test_rights_are_asked_anew(furnished: Site) -> None:
    """Who looked after all nodes a moment ago does not any more."""
    with furnished.person("sue") as sue:
        question = sue.get(DRAIN)
        assert question.is_success, "by a role that gives the scope, without being administrator"
        body = {"users": ["sue"]}
        gone = furnished.hub.api.request("DELETE", "/groups/stewards/users", json=body)
        assert gone.is_success, gone.text
        assert sue.get(DRAIN).is_success, "what is seen may lag"
        form = {"_xsrf": xsrf_of(question.text), "stops": ["idle"]}
        for path in (DRAIN, UNCORDON):
            assert sue.post(path, data=form).status_code == 404
    assert (ordered(furnished.fleet.store), stopped(furnished.fleet.store)) == ([], set())


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Fleet]:
    """Give a store with the same servers, without a hub."""
    with fleet(tmp_path / "state.db") as one:
        furnish(one)
        yield one


def test_what_has_come_into_use_since_is_not_stopped(made: Fleet) -> None:
    """Nor what is being deleted, nor what was told to stay and has become idle."""
    now = datetime.now(UTC)
    told = Told(frozenset({"idle", "gone"}), frozenset({"busy"}))
    made.store.note_activity({"idle": now, "busy": now - HOUR})
    assert drain(made.store, NODE, told, "root", now) == ()
    assert ordered(made.store) == [(NODE, "drain", "root")]
    made.store.note_activity({"idle": now - HOUR})
    assert made.store.request_deletion("busy") is not None
    forced = Told(told.stops, told.stays, force=True)
    assert drain(made.store, NODE, forced, "root", now) == ("idle",)


def test_where_nothing_can_move_it_stays_or_stops(made: Fleet) -> None:
    """The other worker and the manager take no servers."""
    seen = made.store.list_nodes()
    others = [
        node if node.id == NODE else node.model_copy(update={"availability": "drain"})
        for node in seen
    ]
    made.store.put_nodes(others, fence=made.token)
    found = {guest.name: guest for guest in plan(made.store, NODE, datetime.now(UTC)).guests}
    assert (found["float"].fate, found["float"].why) == ("stays", "not known to be idle")
    told = Told(frozenset(), frozenset({"float"}), force=True)
    assert drain(made.store, NODE, told, "root", datetime.now(UTC)) == ("float",)


def test_what_cannot_be_read_is_told_and_left_alone(made: Fleet) -> None:
    """Its container runs there all the same."""
    with made.store._database.write() as connection:
        connection.exec_driver_sql("UPDATE notebooks SET spec = '{}' WHERE name = 'idle'")
    now = datetime.now(UTC)
    found = plan(made.store, NODE, now)
    assert found.unread == ("idle",)
    assert drain(made.store, NODE, Told(frozenset({"idle"}), force=True), "root", now) == ()


def test_a_node_that_is_gone_is_not_drained(made: Fleet) -> None:
    """Nothing is stopped then."""
    now = datetime.now(UTC)
    made.store.put_nodes([], fence=made.token)
    for act in (
        lambda: drain(made.store, NODE, Told(frozenset({"idle"})), "root", now),
        lambda: uncordon(made.store, NODE, "root"),
        lambda: plan(made.store, NODE, now),
    ):
        with pytest.raises(NotFound):
            act()
    assert stopped(made.store) == set()

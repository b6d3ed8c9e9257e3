"""Draining the product, by command and page: what is told, what stops, what is left alone."""

import json
import re
from collections.abc import Iterator

import pytest
from support import homes, running, swarm_nodes, told
from support.hub import HubError, HubUser
from support.node import Node
from support.shell import CommandError
from support.three_nodes import ThreeNodes
from support.waiting import wait_for

_WAITS = 150.0  # seconds; the command itself gives up after two minutes


@pytest.fixture
def uncordoned(nodes: ThreeNodes) -> Iterator[None]:
    """Let worker1 take servers again afterwards."""
    yield
    nodes.stack.swarmhub("uncordon", "worker1")


@pytest.fixture
def pair(nodes: ThreeNodes, uncordoned: None) -> Iterator[tuple[HubUser, HubUser]]:
    """Yield one whose home is on worker1 and one without a home; both servers run there."""
    dee, flo = nodes.stack.login("dee"), nodes.stack.login("float-dan")
    with swarm_nodes.only(nodes.manager, "worker1"):
        dee.start()
        flo.start()
    yield dee, flo
    for user in (dee, flo):
        if user.server_model() is not None:
            user.stop()


def test_worker_is_emptied(nodes: ThreeNodes, manager: Node, pair: tuple[HubUser, HubUser]) -> None:
    """It tells first; what floats moves, what is in use stays until it is forced, homes stay."""
    stack, (dee, flo), home = nodes.stack, pair, homes.of("dee")
    dee.put_file("note.txt", "kept")
    plan = stack.swarmhub("drain", "worker1", "--dry-run")
    assert (_fate(plan, "dee"), _fate(plan, flo.name)) == ("stays", "moves")
    assert "Homes that stay on worker1, where alone their notebooks can start" in plan
    assert home in plan
    assert swarm_nodes.node_of(manager, flo.name) == "worker1"
    with pytest.raises(CommandError) as left:
        stack.swarmhub("drain", "worker1", "--yes", timeout=_WAITS)
    assert left.value.returncode == 1
    assert f"notebook/{flo.name} moved to " in left.value.stdout
    assert "notebook/dee stays (" in left.value.stdout
    assert running.places(nodes.all, "dee") == ["worker1"]
    done = stack.swarmhub("drain", "worker1", "--yes", "--force", timeout=_WAITS)
    assert "notebook/dee stopped" in done
    wait_for("the worker to be empty", lambda: _is_empty(nodes, "dee", flo.name), timeout=60)
    assert homes.states(stack, home, "--cached") == {"worker1": "Bound"}


def test_idle_server_stops_and_starts_after_uncordon(
    nodes: ThreeNodes, manager: Node, pair: tuple[HubUser, HubUser]
) -> None:
    """Idle is what the hub says; who starts it while its node is drained waits for that node."""
    stack, (dee, flo) = nodes.stack, pair
    dee.put_file("note.txt", "kept")
    idle = ("drain", "worker1", "--idle-after", "0s")
    wait_for(
        "the hub to tell when dee was last there",
        lambda: _fate(stack.swarmhub(*idle, "--dry-run"), "dee") == "stops",
        timeout=150,
        pause=2,
    )
    assert "notebook/dee stopped" in stack.swarmhub(*idle, "--yes", timeout=_WAITS)
    wait_for("the hub to know", lambda: dee.server_model() is None, timeout=60)
    dee.request_start()
    wait_for(
        "the user to be told of the node",
        lambda: "worker1" in str(told.notebook(stack, "dee")["message"]),
        timeout=60,
    )
    assert running.places(nodes.all, "dee") == []
    stack.swarmhub("uncordon", "worker1")
    dee.wait_ready()
    assert swarm_nodes.node_of(manager, "dee") == "worker1"
    assert dee.get_file("note.txt") == "kept"
    assert told.serves(flo)


def test_administrator_drains_a_worker_on_the_page(
    nodes: ThreeNodes, manager: Node, pair: tuple[HubUser, HubUser]
) -> None:
    """The hub writes the order down, the operator acts; nobody else may. It is taken back so."""
    stack, (dee, flo), admin = nodes.stack, pair, nodes.stack.login("admin")
    ident = manager.docker("node", "inspect", "--format", "{{.ID}}", "worker1").strip()
    place = f"/services/swarmhub/nodes/{ident}"
    form = {"_xsrf": _hidden(dee.visit("/services/swarmhub/"), "_xsrf")[0], "force": "yes"}
    for verb in ("drain", "uncordon"):
        with pytest.raises(HubError) as shown:
            dee.visit(f"{place}/{verb}")
        with pytest.raises(HubError) as sent:
            dee.submit(f"{place}/{verb}", form)
        assert (shown.value.status, sent.value.status) == (404, 404)
    assert _node(manager) == ("active", False)

    question = f"{place}/drain?idle=0"
    wait_for(
        "the hub to tell when dee was last there",
        lambda: "dee" in _hidden(admin.visit(question), "stops"),
        timeout=150,
        pause=2,
    )
    page = admin.visit(question)
    assert flo.name not in _hidden(page, "stops") + _hidden(page, "stays")
    assert homes.of("dee") in page
    sent_along = {name: _hidden(page, name) for name in ("stops", "stays", "idle")}
    with pytest.raises(HubError) as forged:
        admin.submit(f"{place}/drain", sent_along)
    assert forged.value.status == 403
    admin.submit(f"{place}/drain", {"_xsrf": _hidden(page, "_xsrf"), **sent_along})
    wait_for("the label", lambda: _node(manager) == ("pause", True), timeout=30)
    wait_for("the hub to know", lambda: dee.server_model() is None, timeout=60)
    wait_for("the worker to be empty", lambda: _is_empty(nodes, "dee", flo.name), timeout=60)
    wait_for("the page to say so", lambda: "no: draining" in _nodes_page(admin), timeout=30)
    assert "as admin asked: it takes no new servers" in stack.swarmhub("events")

    admin.submit(f"{place}/uncordon", {"_xsrf": _hidden(admin.visit(f"{place}/uncordon"), "_xsrf")})
    wait_for("the end of the drain", lambda: _node(manager) == ("active", False), timeout=30)
    wait_for("the page to say so", lambda: "no: draining" not in _nodes_page(admin), timeout=30)
    wait_for("the other to be there", lambda: told.serves(flo), timeout=60)


def _hidden(page: str, name: str) -> list[str]:
    """Return what the forms of a page send along under a name."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', page)
    return found or re.findall(rf'data-{name.strip("_")}="([^"]*)"', page)


def _nodes_page(admin: HubUser) -> str:
    return admin.visit("/services/swarmhub/nodes")


def _node(manager: Node) -> tuple[str, bool]:
    """Return the first worker's availability, and whether swarmhub drains it."""
    spec = json.loads(manager.docker("node", "inspect", "--format", "{{json .Spec}}", "worker1"))
    return spec["Availability"], "swarmhub.drain" in (spec.get("Labels") or {})


def _fate(said: str, notebook: str) -> str:
    """Return what the table of a drain says that becomes of a notebook."""
    (row,) = (line.split() for line in said.splitlines() if line.split()[:1] == [notebook])
    return row[4]


def _is_empty(nodes: ThreeNodes, *notebooks: str) -> bool:
    return not any("worker1" in running.places(nodes.all, name) for name in notebooks)

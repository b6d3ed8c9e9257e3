"""A worker loses its power or its network: what people are told, and that nothing is lost."""

import time
from collections.abc import Callable

import httpx
import pytest
from support import homes, running, swarm_nodes, told
from support.hub import HubUser
from support.node import Node
from support.three_nodes import ThreeNodes
from support.waiting import wait_for

_TOLD_WITHIN = 60.0  # seconds after the Swarm has seen it
_PATIENCE = 120.0  # seconds
_NAMES_WITHIN = 40.0  # seconds; nodes tell each other all their names every 30
_ERROR_WITHIN = 20.0  # seconds; nobody waits longer for a page of a node that is gone

Start = Callable[[str, str], HubUser]


@pytest.fixture
def started_on(manager: Node, login: Callable[[str], HubUser]) -> Start:
    """Return what starts a user's server on a node."""

    def start(name: str, node: str) -> HubUser:
        user = login(name)
        with swarm_nodes.only(manager, node):
            user.start()
        assert swarm_nodes.node_of(manager, name) == node
        return user

    return start


def _answers_on(nodes: ThreeNodes, user: HubUser, node: str) -> bool:
    status = told.notebook(nodes.stack, user.name)
    return (status["phase"], status["node"]) == ("Running", node) and told.serves(user)


def test_power_of_a_worker_is_lost(
    nodes: ThreeNodes, manager: Node, worker1: Node, started_on: Start
) -> None:
    """Everybody is told why; the server and its file come back with the node, by themselves."""
    stack, ned = nodes.stack, started_on("ned", "worker1")
    ned.put_file("note.txt", "kept")
    worker1.kill()
    swarm_nodes.wait_down(manager, "worker1")
    wait_for(
        "the user to be told",
        lambda: "waits for the node to come back" in told.page(ned)[1],
        _TOLD_WITHIN,
    )
    assert told.page(ned)[0] == 503
    assert "Its node worker1 is down since" in told.page(ned)[1]
    said = told.status(stack)
    assert "node worker1: down" in said
    assert "notebooks that wait for it (1): ned" in said
    assert "Its node worker1 is down since" in stack.swarmhub("describe", "notebook", "ned")
    assert ned.server_model() is not None
    worker1.start()
    wait_for("the server to be back", lambda: _answers_on(nodes, ned, "worker1"), _PATIENCE)
    assert ned.get_file("note.txt") == "kept"
    assert running.places(nodes.all, "ned") == ["worker1"]
    assert "node worker1: down" not in told.status(stack)


def test_network_of_a_worker_is_cut(
    nodes: ThreeNodes, manager: Node, worker2: Node, started_on: Start
) -> None:
    """After it has healed there is one server of each, the home as it was, no second copy."""
    nat, flo = started_on("nat", "worker2"), started_on("float-flo", "worker2")
    nat.put_file("note.txt", "kept")
    worker2.cut_off()
    assert _errors_within(nat, _ERROR_WITHIN)  # by the connection that the proxy has kept open
    swarm_nodes.wait_down(manager, "worker2")
    wait_for("the user to be told", lambda: "worker2 is down since" in told.page(nat)[1], 60)
    wait_for(
        "what floats to run elsewhere",
        lambda: any(_answers_on(nodes, flo, node) for node in ("engine", "worker1")),
        _PATIENCE,
    )
    elsewhere = swarm_nodes.node_of(manager, flo.name)
    worker2.heal()
    swarm_nodes.wait_ready(manager, "worker2")
    wait_for("the server to be back", lambda: _answers_on(nodes, nat, "worker2"), _PATIENCE)
    wait_for(
        "the late copy to end",
        lambda: running.places(nodes.all, flo.name) == [elsewhere],
        _PATIENCE,
    )
    assert running.places(nodes.all, nat.name) == ["worker2"]
    assert nat.get_file("note.txt") == "kept"
    assert homes.states(nodes.stack, homes.of("nat")) == {"worker2": "Bound"}
    # The healed node told the name of the late copy again, which may be taken back after its end.
    wait_for("the name to lead to the server alone", lambda: told.serves(flo), _NAMES_WITHIN)


def _errors_within(user: HubUser, seconds: float) -> bool:
    """Whether who asks for a server's page now is told within this time that it does not answer."""
    began = time.monotonic()
    with user.server() as client:
        answer = client.get("lab", timeout=3 * seconds)
    took = time.monotonic() - began
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and took < seconds

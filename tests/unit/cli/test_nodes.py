"""`swarmhub nodes`, and what `status` says of a node that is down."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Desired
from unit.cli.samples import Run, State, dates_hidden


@pytest.fixture
def three(state: State) -> State:
    """A store that tells of three nodes, one of them down, and of who is on it."""
    since = datetime.now(UTC) - timedelta(minutes=3)

    def node(number: int, hostname: str, **values: object) -> SeenNode:
        given = {"role": "worker", "availability": "active", "state": "ready", "since": since}
        about = {"id": f"id{number}", "hostname": hostname, "cpus": 2, "memory": 2**31}
        return SeenNode.model_validate(about | given | values)

    state.store.put_nodes(
        [
            node(1, "manager", role="manager"),
            node(2, "worker1", state="down", labels={"rack": "2"}),
            node(3, "worker2", availability="pause", labels={"swarmhub.drain": "true"}),
        ],
        fence=state.lease.token,
    )
    for user in ("ada", "bob", "cy"):
        state.notebook(user)
        state.observe_home(f"home-{user}", phase="Bound", node_id="id2", node="worker1")
    state.observe("ada", phase="Pending", node_id="id2", node="worker1")
    state.store.set_desired("cy", Desired.STOPPED)
    return state


def test_nodes_are_a_table(three: State, run: Run) -> None:
    """With what is on each."""
    result = run("nodes")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "NAME      ROLE      STATE   AVAILABILITY   NOTEBOOKS   HOMES   SINCE",
        "manager   manager   ready   active         0           0       3m",
        "worker1   worker    down    active         1           3       3m",
        "worker2   worker    ready   draining       0           0       3m",
    ]


def test_some_of_them_in_another_order(three: State, run: Run) -> None:
    """By the nodes' own labels, by a column, by a field."""

    def names(*words: str) -> list[str]:
        result = run("nodes", "-o", "name", *words)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    assert names("-l", "rack=2") == ["node/worker1"]
    assert names("-l", "!rack") == ["node/manager", "node/worker2"]
    assert names("--sort-by", "availability")[2] == "node/worker2"
    assert names("--sort-by", "homes") == ["node/manager", "node/worker2", "node/worker1"]
    assert names("--sort-by", ".state")[0] == "node/worker1"
    none = run("nodes", "-l", "rack=3")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "No node has such labels" in none.stderr
    assert run("nodes", "--sort-by", "colour").exit_code == 2
    assert "cannot sort by 'colour'; name a column (name, role," in run(
        "nodes", "--sort-by", "colour"
    ).stderr.replace("\n", " ")


def test_other_forms(three: State, run: Run) -> None:
    """Wide tells the machine, JSON all."""
    assert "2      2.0Gi    id2   rack=2" in run("nodes", "-o", "wide").stdout
    assert run("nodes", "-o", "name").stdout.split() == [
        "node/manager",
        "node/worker1",
        "node/worker2",
    ]
    content = json.loads(run("nodes", "-o", "json").stdout)
    assert (content["apiVersion"], content["kind"]) == ("swarmhub/v1", "NodeList")
    told = content["items"][1]
    assert told["since"]
    assert {**told, "since": None} == {
        "id": "id2",
        "hostname": "worker1",
        "role": "worker",
        "availability": "active",
        "state": "down",
        "since": None,
        "cpus": 2.0,
        "memory": 2**31,
        "memoryUsed": None,
        "labels": {"rack": "2"},
        "draining": False,
        "notebooks": 1,
        "homes": 3,
    }
    assert "kind: NodeList" in run("nodes", "-o", "yaml").stdout


def test_before_any_operator_nothing_is_known(state: State, run: Run) -> None:
    """Which is said on standard error."""
    result = run("nodes")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No operator has told of any node yet." in result.stderr


def test_status_names_a_node_that_is_down_and_who_waits_for_it(three: State, run: Run) -> None:
    """Also one whose start waits for its home there; one that is stopped waits for nothing."""
    result = run("status")
    assert result.exit_code == 1
    text = dates_hidden(result.stdout)
    assert "Nodes:      3: 2 ready, 1 down\n" in text
    assert "  node worker1: down\n" in text
    assert "; notebooks that wait for it (2): ada, bob; homes on it: 3." in text
    assert "Next: Bring the machine or its engine back" in text

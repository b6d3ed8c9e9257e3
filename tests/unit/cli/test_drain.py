"""`swarmhub drain`, `cordon` and `uncordon` on a real store and a Swarm in memory."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_operator.cli.app import app
from swarmhub_operator.engine.errors import EngineError, Kind
from typer.testing import CliRunner
from unit.cli.samples import Run, State
from unit.operator.fakeswarm import NODE, FakeSwarm

WORKER = replace(NODE, id="n2id", hostname="worker1", labels={"rack": "2"})
OTHER = replace(NODE, id="n2od", hostname="worker2")


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    """Give the command three nodes."""
    made = FakeSwarm()
    made.nodes_seen = (NODE, WORKER, OTHER)
    monkeypatch.setattr("swarmhub_operator.engine.docker_engine.DockerEngine", lambda _: made)
    return made


@pytest.fixture
def full(now: datetime, state: State) -> State:
    """Notebooks on worker1: idle ones, one in use, one that floats; and one elsewhere."""
    hour_ago = now - timedelta(hours=1)
    for user, node in (("idle", WORKER), ("busy", WORKER), ("far", OTHER)):
        state.notebook(user)
        state.observe(user, phase="Running", node_id=node.id, node=node.hostname)
        state.observe_home(f"home-{user}", phase="Bound", node_id=node.id, node=node.hostname)
    state.notebook("float", mounts=())
    state.observe("float", phase="Running", node_id=WORKER.id, node=WORKER.hostname)
    state.sql(f"UPDATE notebooks SET spec_written_at='{hour_ago.isoformat()}'")
    state.store.note_activity({"idle": hour_ago, "busy": now})
    return state


def wanted(state: State) -> dict[str, Desired]:
    """Return what should be, by name."""
    found = (n for n in state.store.list_notebooks() if isinstance(n, Notebook))
    return {n.metadata.name: n.spec.desired for n in found}


def node(swarm: FakeSwarm, ident: str) -> tuple[str, dict[str, str]]:
    """Return availability and labels of a node."""
    found = next(n for n in swarm.nodes_seen if n.id == ident)
    return found.availability, dict(found.labels)


def test_a_dry_run_tells_and_does_nothing(full: State, run: Run, swarm: FakeSwarm) -> None:
    """What happens to whom, which homes stay, and what is lost."""
    result = run("drain", "worker1", "--dry-run")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["NOTEBOOK", "USER", "SERVER", "IDLE", "WHAT", "WHY"]
    assert [" ".join(line.split()) for line in lines[1:4]] == [
        "busy busy - 0s stays in use",
        "float float - - moves its home is not tied to the node",
        "idle idle - 60m stops idle",
    ]
    assert lines[4] == (
        "Homes that stay on worker1, where alone their notebooks can start (2): "
        "home-busy, home-idle."
    )
    assert lines[5].startswith("Lost in what stops or moves (2): running kernels and terminals")
    assert lines[6] == "Nothing was done."
    assert swarm.calls["update_node"] == 0
    assert set(wanted(full).values()) == {Desired.RUNNING}


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_a_person_is_asked(full: State, swarm: FakeSwarm, answer: str) -> None:
    """Only a yes does it."""
    words = ["drain", "worker1", "--state-url", full.store.url]
    result = CliRunner().invoke(app, words, input=answer)
    assert result.exit_code == 1
    assert swarm.calls["update_node"] == 0


def test_a_drain_stops_what_is_idle_and_tells_what_stays(
    full: State, run: Run, swarm: FakeSwarm
) -> None:
    """The operator, played here, ends one and moves another; what is in use stays."""

    def operate() -> None:
        wait_for("the stop", lambda: wanted(full)["idle"] is Desired.STOPPED)
        full.observe("idle", phase="Stopped", node_id=WORKER.id)
        full.observe("float", phase="Running", node_id=OTHER.id, node=OTHER.hostname)

    operator = threading.Thread(target=operate)
    operator.start()
    result = run("drain", "worker1", "--yes", "--timeout", "20s")
    operator.join()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "node/worker1 cordoned; the operator empties it" in lines
    assert "notebook/idle stopped" in lines
    assert "notebook/float moved to worker2" in lines
    assert "notebook/busy stays (in use); drain again once it is idle, or with --force" in lines
    assert node(swarm, WORKER.id) == ("pause", {"rack": "2", "swarmhub.drain": "true"})
    assert wanted(full)["busy"] is Desired.RUNNING
    assert wanted(full)["far"] is Desired.RUNNING


def test_what_becomes_idle_meanwhile_is_told_to_stay(
    full: State, run: Run, swarm: FakeSwarm
) -> None:
    """Nobody was told that it stops, so it does not; the node is not empty."""

    def operate() -> None:
        wait_for("the stop", lambda: wanted(full)["idle"] is Desired.STOPPED)
        full.store.note_activity({"busy": datetime.now(UTC) - timedelta(hours=1)})
        full.observe("idle", phase="Stopped", node_id=WORKER.id)
        full.observe("float", phase="Running", node_id=OTHER.id, node=OTHER.hostname)

    operator = threading.Thread(target=operate)
    operator.start()
    result = run("drain", "worker1", "--yes", "--timeout", "20s")
    operator.join()
    assert result.exit_code == 1
    assert "notebook/busy stays" in result.stdout
    assert wanted(full)["busy"] is Desired.RUNNING


def test_what_cannot_be_read_is_told_to_stay(state: State, run: Run, swarm: FakeSwarm) -> None:
    """Its container runs there all the same."""
    state.notebook("ada")
    state.observe("ada", phase="Running", node_id=WORKER.id, node=WORKER.hostname)
    state.sql("UPDATE notebooks SET spec = '{}'")
    result = run("drain", "worker1", "--yes")
    assert result.exit_code == 1
    assert "notebook ada is left alone" in result.stderr


def test_what_does_not_leave_in_time_is_told(full: State, run: Run, swarm: FakeSwarm) -> None:
    """With the next step, and the exit code is 1; force stops what is in use, too."""
    began = time.monotonic()
    result = run("drain", "worker1", "--yes", "--force", "--timeout", "1s")
    assert result.exit_code == 1
    assert time.monotonic() - began < 10
    for name in ("busy", "float", "idle"):
        assert f"notebook {name} had not left worker1 after 1s" in result.stderr
    assert wanted(full)["busy"] is Desired.STOPPED


def test_an_empty_node_is_drained_well(state: State, run: Run, swarm: FakeSwarm) -> None:
    """And once more, which changes nothing; uncordon takes all back."""
    for _ in range(2):
        result = run("drain", "worker1", "--yes")
        assert (result.exit_code, result.stderr) == (0, "")
    assert swarm.calls["update_node"] == 1
    assert run("uncordon", "worker1").stdout == "node/worker1 uncordoned\n"
    assert node(swarm, WORKER.id) == ("active", {"rack": "2"})
    assert run("uncordon", "worker1").stdout == "node/worker1 uncordoned already\n"


def test_a_cordon_keeps_labels_and_what_swarm_drains(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """To pause a node that is drained would let Swarm think better of it."""
    assert run("cordon", "worker1").stdout == "node/worker1 cordoned\n"
    assert node(swarm, WORKER.id) == ("pause", {"rack": "2"})
    swarm.nodes_seen = (replace(WORKER, availability="drain"),)
    assert run("cordon", "worker1").stdout == "node/worker1 cordoned already\n"
    assert run("drain", "worker1", "--yes").exit_code == 0
    assert node(swarm, WORKER.id)[0] == "drain"


@pytest.mark.parametrize(
    ("called", "sentence"),
    [
        ("nowhere", "There is no node 'nowhere'; there are host-n1 (n1), worker1 (n2id)"),
        ("", "There is no node ''"),
        ("worker", "2 nodes are called 'worker': worker1 (n2id), worker2 (n2od); give the id"),
        ("n2", "2 nodes are called 'n2'"),
    ],
)
def test_a_node_that_is_not_one_is_refused(
    state: State, run: Run, swarm: FakeSwarm, called: str, sentence: str
) -> None:
    """With the names of those that there are."""
    for verb in ("drain", "cordon", "uncordon"):
        result = run(verb, called)
        assert result.exit_code == 1
        assert sentence in result.stderr
    assert swarm.calls["update_node"] == 0


def test_a_beginning_that_is_one_nodes_own_will_do(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """Of its id or its hostname."""
    assert run("cordon", "n2i").stdout == "node/worker1 cordoned\n"
    assert run("cordon", "host").stdout == "node/host-n1 cordoned\n"


def test_a_node_that_changes_meanwhile_is_looked_at_again(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """As when its engine joins at that moment; for ever it is not tried."""
    times = [2]

    def meddle(call: str) -> None:
        if call == "update_node" and times[0]:
            times[0] -= 1
            raise EngineError(Kind.STALE, "It was changed meanwhile; looking again.")

    swarm.before = meddle
    assert run("cordon", "worker1").exit_code == 0
    times[0] = 99
    result = run("uncordon", "worker1")
    assert result.exit_code == 1
    assert "It was changed meanwhile" in result.stderr


@pytest.mark.parametrize("wrong", ["15", "m", "-5m", "1w", "15 m", "9999999d"])
def test_a_length_of_time_has_a_unit(state: State, run: Run, swarm: FakeSwarm, wrong: str) -> None:
    """Else it is wrong usage."""
    result = run("drain", "worker1", "--dry-run", f"--idle-after={wrong}")
    assert result.exit_code == 2
    assert "no length of time" in result.stderr

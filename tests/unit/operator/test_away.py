"""A notebook whose node is down, comes back, or is being emptied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.records import (
    IMAGE,
    NOW,
    context,
    crashed,
    home,
    home_mount,
    later,
    node,
    notebook,
    ready_status,
    reason,
    running,
    service,
    status,
    task,
    wanted,
)
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import ConditionType, Notebook, NotebookStatus, Phase
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.build import Placement, Wanted
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.verdict import SLOW, Verdict
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Task, TaskState

READY = ConditionType.READY
GRACE = 20.0
DOWN = {"n1": node(state="down"), "n2": node("n2")}
FLOATING_HOME = home(driver="nfs-plugin")
DRAINED = {labels.DRAIN: "true"}


def look(seen: Observed, state: NotebookStatus | None = None, *homes: Home) -> Verdict:
    """Plan a notebook with these homes that was seen so."""
    return plan(record(state, *homes), seen, context(later(60)))


def record(state: NotebookStatus | None, *homes: Home) -> Wanted:
    """Return a notebook that was ready, if not said otherwise."""
    mounts = tuple(home_mount(h.metadata.name, f"/{h.metadata.name}") for h in homes)
    own: Notebook = notebook(status=state or ready_status(), mounts=mounts)
    return wanted(own, *homes)


def on_dead_node(*homes: Home, down_for: float = GRACE, at: Task | None = None) -> Observed:
    """Return a look at a server on a node that is down."""
    seen = running(record(None, *homes), at=at or task(), nodes=DOWN)
    return replace(seen, down_for=down_for, down_since=NOW)


@pytest.mark.parametrize("state", [TaskState.STARTING, TaskState.RUNNING])
@pytest.mark.parametrize("homes", [(), (FLOATING_HOME,)], ids=["no home", "shared home"])
def test_what_floats_is_started_elsewhere_after_a_grace(
    state: TaskState, homes: tuple[Home, ...]
) -> None:
    """At no cost to its budget, and asked for once."""
    seen = on_dead_node(*homes, at=task(state))
    early = look(replace(seen, down_for=GRACE - 1), None, *homes)
    assert early.actions == ()
    assert "is down since 12:00 UTC; it is started on another" in early.status.message
    verdict = look(seen, early.status, *homes)
    placement = Placement(image=IMAGE, force_update=1, supersedes="t1")
    assert verdict.actions == (actions.UpdateService("s1", 7, placement, "its node is down"),)
    assert (verdict.status.phase, verdict.status.failures) == (Phase.PENDING, 0)
    asked = service(record(None, *homes), placement=placement)
    again = look(replace(seen, service=asked, unchanged=1), verdict.status, *homes)
    assert again.actions == ()


@pytest.mark.parametrize(
    "homes",
    [(home(),), (home(node="n1"),), (home(), home("shared", driver="nfs-plugin"))],
    ids=["new", "bound", "two"],
)
def test_what_has_its_home_there_waits_for_its_node(homes: tuple[Home, ...]) -> None:
    """However long that takes; it is not counted as running, and its user is told why."""
    verdict = look(on_dead_node(*homes, down_for=86400), None, *homes)
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.PENDING
    assert reason(verdict.status, READY) == "NodeDown"
    assert verdict.status.message == (
        "Its node host-n1 is down since 12:00 UTC; it waits for the node to come back, "
        "since its home lies there."
    )
    assert (verdict.status.node, verdict.look_again) == ("host-n1", SLOW)


def test_what_has_a_home_that_cannot_be_read_waits() -> None:
    """It may be tied to the node."""
    own = wanted(notebook(status=ready_status(), mounts=(home_mount(),)))
    seen = replace(running(own, at=task(), nodes=DOWN), down_for=GRACE)
    assert plan(own, seen, context(later(60))).actions == ()


@pytest.mark.parametrize("other", [node("n2", state="down"), node("n2", availability="pause")])
def test_what_floats_waits_while_no_other_node_takes_it(other: Node) -> None:
    """The node that is down may be the first to come back."""
    seen = replace(on_dead_node(), nodes={"n1": DOWN["n1"], "n2": other})
    verdict = look(seen)
    assert verdict.actions == ()
    assert "is down since 12:00 UTC. No node can take your server now (" in verdict.status.message


@pytest.mark.parametrize("state", ["unknown", "disconnected"])
def test_a_node_that_looks_for_its_manager_is_not_down(state: str) -> None:
    """After a change of leaders all nodes are unknown for a while: what runs there goes on."""
    seen = running(at=task(), nodes={"n1": node(state=state), "n2": node("n2")})
    verdict = look(seen)
    assert verdict.status.phase is Phase.RUNNING
    assert verdict.actions == ()


@pytest.mark.parametrize(
    "ended",
    [
        task(TaskState.SHUTDOWN, desired_state="shutdown"),
        task(TaskState.COMPLETE, exit_code=0, desired_state="shutdown"),
        task(TaskState.FAILED, exit_code=0, error="error while removing network"),
        crashed(255),
        task(TaskState.ORPHANED, desired_state="shutdown"),
    ],
    ids=["told to end", "ended well", "cut off", "power lost", "a day later"],
)
def test_what_a_node_that_comes_back_had_is_ended_first(ended: Task) -> None:
    """Two servers in one home are worse than some seconds; then it starts, at no cost."""
    waiting = look(on_dead_node(home(node="n1")), None, home(node="n1")).status
    own = record(waiting, home(node="n1"))
    dying = running(own, at=task(desired_state="shutdown"), nodes={"n1": node()})
    back = look(dying, waiting, home(node="n1"))
    assert back.actions == ()
    assert "host-n1 is back; what ran there is ended" in back.status.message
    verdict = look(running(own, at=ended, nodes={"n1": node()}), back.status, home(node="n1"))
    assert [type(action) for action in verdict.actions] == [actions.UpdateService]
    assert verdict.status.failures == 0
    assert "The node host-n1 was down for a while" in verdict.status.message


def test_a_task_that_failed_later_is_no_fault_of_the_node() -> None:
    """What is excused is the task that the node had when it went down."""
    waiting = look(on_dead_node(home(node="n1")), None, home(node="n1")).status
    own = record(waiting, home(node="n1"))
    later_one = running(own, at=replace(crashed(3), id="t2"), nodes={"n1": node()})
    assert look(later_one, waiting, home(node="n1")).status.failures == 1


@pytest.mark.parametrize(
    "ended",
    [task(TaskState.SHUTDOWN, desired_state="shutdown"), crashed(137)],
    ids=["told", "killed"],
)
def test_what_swarm_ends_on_a_node_that_it_drains_costs_nothing(ended: Task) -> None:
    """Also when the server had to be killed, which Swarm may report as a failure of its own."""
    verdict = look(running(at=ended, nodes={"n1": node(availability="drain"), "n2": node("n2")}))
    assert [type(action) for action in verdict.actions] == [actions.UpdateService]
    assert verdict.status.failures == 0
    assert verdict.status.message == "The node host-n1 is drained, and Swarm ended the server."


# -- drained


def drained(*homes: Home, **values: Any) -> Observed:
    """Return a look at a server that runs on a node that is being emptied."""
    given: dict[str, Any] = {"availability": "pause", "labels": DRAINED, **values}
    nodes = {"n1": node(**given), "n2": node("n2")}
    return running(record(None, *homes), at=task(), nodes=nodes)


def test_what_floats_leaves_a_node_that_is_emptied() -> None:
    """Once, and at no cost to its budget."""
    verdict = look(drained())
    placement = Placement(image=IMAGE, force_update=1, supersedes="t1")
    assert verdict.actions == (actions.UpdateService("s1", 7, placement, "its node is drained"),)
    assert verdict.status.message == "Its node host-n1 is being emptied; it moves to another node."
    assert verdict.status.failures == 0
    again = look(replace(drained(), service=service(placement=placement), unchanged=1))
    assert again.actions == ()


@pytest.mark.parametrize(
    "seen",
    [
        drained(availability="active"),
        drained(labels={}),
        replace(drained(), nodes={"n1": node(availability="pause", labels=DRAINED)}),
        drained(updated_at=later(-5)),
    ],
    ids=["takes servers again", "only cordoned", "nowhere to go", "put there since"],
)
def test_what_runs_is_not_moved_for_nothing(seen: Observed) -> None:
    """It would land where it was, nobody asked for it, or nobody would take it."""
    verdict = look(seen)
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.RUNNING


def test_what_has_its_home_there_stays_on_a_node_that_is_emptied() -> None:
    """Only its user's idleness, or an administrator, stops it."""
    verdict = look(drained(home(node="n1")), None, home(node="n1"))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.RUNNING


def test_a_start_that_has_not_begun_leaves_too() -> None:
    """Nothing of it is lost."""
    seen = replace(drained(), task=task(TaskState.PREPARING))
    assert len(look(seen, status()).actions) == 1

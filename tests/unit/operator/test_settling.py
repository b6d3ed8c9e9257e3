"""First starts: where the home is going to be, and what if the node is of no use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.records import (
    GIB,
    IMAGE,
    NOW,
    context,
    home,
    home_mount,
    node,
    notebook,
    observed,
    reason,
    service,
    task,
    truth,
    wanted,
)
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import ConditionType, Phase, Resources
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.build import NO_NODE, Placement, Wanted
from swarmhub_operator.decide.follow import TASK_WITHIN
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.loads import Expected
from swarmhub_operator.decide.placing import beside
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.settling import SETTLE_AFTER
from swarmhub_operator.decide.verdict import SLOW, SOON, UNDERWAY, Verdict
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Node, Task, TaskState
from swarmhub_operator.engine.snapshot import index
from swarmhub_operator.engine.tally import Load

HOME, SCHEDULED = ConditionType.HOME_READY, ConditionType.SCHEDULED
UNSUITABLE = "no suitable node (insufficient resources on 2 nodes)"
PENDING = task(TaskState.PENDING, node_id=None, error=UNSUITABLE)
TIED_TO_NONE = replace(PENDING, id="t2", force_update=1)
FULL = Load(Amounts(memory=8 * GIB), 3)


def first(*homes: Home, **values: Any) -> Wanted:
    """Return a notebook with one home, by default one that is nowhere yet, and a guarantee."""
    values.setdefault("resources", Resources(mem_guarantee=4 * GIB))
    return wanted(notebook(mounts=(home_mount(),), **values), *(homes or (home(),)))


def nodes(**changes: dict[str, Any]) -> dict[str, Node]:
    """Return two nodes, changed as told."""
    return {ident: node(ident, **changes.get(ident, {})) for ident in ("n1", "n2")}


def look(**values: Any) -> Observed:
    """Return a look at a Swarm of two nodes without the notebook's service."""
    return observed(**{"nodes": nodes(), **values})


def settled(at: Task | None, pin: str | None = "n1", **values: Any) -> Observed:
    """Return a look at a service that was made for a node, and at its task."""
    made = service(first(), placement=Placement(IMAGE, pin=pin))
    return look(**{"service": made, "task": at, **values})


def created(verdict: Verdict) -> str | None:
    """Return the pin of the service that is made."""
    (action,) = verdict.actions
    assert isinstance(action, actions.CreateService)
    return action.placement.pin


def updated(verdict: Verdict) -> Placement:
    """Return how the service is changed."""
    (action,) = verdict.actions
    assert isinstance(action, actions.UpdateService)
    return action.placement


# -- nothing is there yet


def test_a_first_start_is_tied_to_the_node_that_was_chosen() -> None:
    """So it is known where the home is going to be; the emptiest node is chosen."""
    assert created(plan(first(), look(), context())) == "n1"
    assert created(plan(first(), look(loads={"n1": FULL}), context())) == "n2"


def test_a_first_start_goes_where_another_server_puts_its_home() -> None:
    """However many run there."""
    seen = look(holders=frozenset({"n2"}), loads={"n2": Load(Amounts(), 9)})
    assert created(plan(first(), seen, context())) == "n2"


def test_a_first_start_obeys_the_constraints() -> None:
    """They stand in the service too, before the pin."""
    record = first(constraints=("node.hostname!=host-n1",))
    assert created(plan(record, look(), context())) == "n2"


@pytest.mark.parametrize("free", [home(driver="nfs-plugin"), home(driver_options={"type": "nfs"})])
def test_what_floats_is_placed_by_swarm(free: Home) -> None:
    """It is tied to nothing, and its service is made even if there is no room now."""
    for loads in ({}, {"n1": FULL, "n2": FULL}):
        assert created(plan(first(free), look(loads=loads), context())) is None


@pytest.mark.parametrize("where", [home(), home(node="n1")])
def test_no_service_is_made_as_long_as_no_node_will_do(where: Home) -> None:
    """The user reads why, and the next look may find room."""
    seen = look(nodes=nodes(n2={"state": "down"}), loads={"n1": FULL})
    verdict = plan(first(where), seen, context())
    assert verdict.actions == ()
    assert verdict.look_again == SLOW
    assert verdict.status.phase is Phase.PENDING
    assert "0 GiB free of 4 asked" in verdict.status.message
    assert reason(verdict.status, SCHEDULED) == "NoNodeFits"
    assert truth(verdict.status, SCHEDULED) == "False"
    assert truth(verdict.status, HOME) == "True"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"state": "down", "updated_at": NOW - timedelta(minutes=89)},
            "host-n1 holds your home but is down since 10:31 UTC",
        ),
        ({"availability": "drain"}, "host-n1 holds your home but is drained"),
    ],
)
def test_a_home_whose_node_is_away_is_waited_for(change: dict[str, Any], words: str) -> None:
    """Nothing is made elsewhere, and it is the home that is not ready."""
    verdict = plan(first(home(node="n1")), look(nodes=nodes(n1=change)), context())
    assert verdict.actions == ()
    assert words in verdict.status.message
    assert truth(verdict.status, HOME) == "False"
    assert reason(verdict.status, HOME) == "NodeUnusable"


def test_what_no_node_could_ever_run_fails_at_once() -> None:
    """As before there were generic resources."""
    record = first(resources=Resources(generic={"gpu": 1}))
    verdict = plan(record, look(), context())
    assert verdict.status.phase is Phase.FAILED
    assert reason(verdict.status, SCHEDULED) == "InsufficientResources"


# -- a service is there, the home is not bound


@pytest.mark.parametrize(
    "at", [None, task(TaskState.NEW, node_id=None), task(TaskState.PREPARING), task()]
)
def test_the_choice_stands_though_another_node_is_emptier_now(at: Task | None) -> None:
    """An operator that was restarted in between looks at the service, and chooses nothing."""
    verdict = plan(first(), settled(at, loads={"n1": Load(Amounts(), 9)}), context())
    assert verdict.actions == ()


@pytest.mark.parametrize("away", [{"state": "down"}, {"availability": "drain"}])
@pytest.mark.parametrize(
    "at",
    [
        None,
        task(TaskState.NEW, node_id=None),
        PENDING,
        task(TaskState.PREPARING),
        task(TaskState.SHUTDOWN, desired_state="shutdown"),
    ],
    ids=lambda t: t.state.value if t else "none",
)
def test_another_node_is_chosen_before_the_home_is_there(
    at: Task | None, away: dict[str, Any]
) -> None:
    """Nothing of it can be on the first one; and nothing is to come there while it moves."""
    seen = settled(at, nodes=nodes(n1=away), unchanged=SETTLE_AFTER)
    verdict = plan(first(), seen, context())
    placement = updated(verdict)
    assert (placement.pin, placement.force_update) == (NO_NODE, 1)
    assert placement.supersedes == (at.id if at else "")
    assert verdict.status.failures == 0
    assert "host-n2 takes it instead" in verdict.status.message


def left(*earlier: Task, newest: Task | None = TIED_TO_NONE, **values: Any) -> Observed:
    """Return a look at a service that was tied to no node, as its first one took no tasks."""
    made = service(first(), placement=Placement(IMAGE, pin=NO_NODE, force_update=1))
    away = nodes(n1={"availability": "pause"})
    given = {"service": made, "task": newest, "earlier": earlier, "nodes": away, **values}
    return look(**given)


@pytest.mark.parametrize(
    ("earlier", "change"),
    [
        (replace(PENDING, desired_state="shutdown"), {}),
        (task(TaskState.SHUTDOWN, desired_state="shutdown"), {}),
        (task(TaskState.REJECTED), {}),
        (task(TaskState.PREPARING, desired_state="shutdown"), {"state": "down"}),
    ],
    ids=["unplaced", "ended", "rejected", "node-down"],
)
def test_it_moves_once_nothing_can_begin_any_more(earlier: Task, change: dict[str, Any]) -> None:
    """However short it has been tied to no node."""
    away = nodes(n1={"availability": "pause", **change})
    verdict = plan(first(), left(earlier, nodes=away), context())
    placement = updated(verdict)
    assert (placement.pin, placement.force_update) == ("n2", 2)
    assert placement.supersedes == TIED_TO_NONE.id


def test_it_goes_back_if_its_node_takes_tasks_again() -> None:
    """Where the other one has room, too, the emptier is taken."""
    earlier = replace(PENDING, desired_state="shutdown")
    seen = left(earlier, nodes=nodes(), loads={"n2": FULL})
    assert updated(plan(first(), seen, context())).pin == "n1"


@pytest.mark.parametrize(
    ("newest", "earlier"),
    [
        (None, ()),
        (PENDING, ()),
        (task(TaskState.PREPARING), ()),
        (TIED_TO_NONE, (PENDING,)),
        (TIED_TO_NONE, (task(TaskState.PREPARING, desired_state="shutdown"),)),
        (TIED_TO_NONE, (task(TaskState.READY, node_id="n2", desired_state="shutdown"),)),
    ],
    ids=["unseen", "not-yet-told", "preparing", "wanted", "ending", "elsewhere"],
)
def test_it_stays_as_long_as_something_may_begin(
    newest: Task | None, earlier: tuple[Task, ...]
) -> None:
    """The first node may take tasks again in these seconds; Swarm is asked anew if it forgot."""
    verdict = plan(first(), left(*earlier, newest=newest, unchanged=30.0), context())
    assert verdict.actions == ()
    assert verdict.look_again == SOON
    verdict = plan(first(), left(*earlier, newest=newest, unchanged=TASK_WITHIN), context())
    assert updated(verdict).pin == NO_NODE


def test_it_goes_where_its_home_is_if_it_has_begun_meanwhile() -> None:
    """The home is bound by then, and Swarm would never place what is tied to no node."""
    began = task(TaskState.SHUTDOWN, desired_state="shutdown", container="c1")
    verdict = plan(first(home(node="n1")), left(began), context())
    assert updated(verdict).pin == "n1"


@pytest.mark.parametrize("at", [None, PENDING], ids=["unseen", "pending"])
def test_a_task_that_may_have_begun_since_is_not_taken_away(at: Task | None) -> None:
    """The look may be a little old, and a first server's home is where it has run."""
    away = nodes(n1={"availability": "pause"})
    seen = settled(at, nodes=away, unchanged=SETTLE_AFTER - 1)
    verdict = plan(first(), seen, context())
    assert verdict.actions == ()
    assert verdict.look_again in (SOON, SLOW)


def test_another_node_is_chosen_if_swarm_finds_no_room_on_the_first() -> None:
    """Two that chose at once wanted the same room, and the other one was faster."""
    verdict = plan(first(), settled(PENDING, loads={"n1": FULL}, unchanged=SETTLE_AFTER), context())
    assert updated(verdict).pin == NO_NODE
    assert "host-n2 takes it instead" in verdict.status.message


@pytest.mark.parametrize("at", [PENDING, task(TaskState.PREPARING), task(TaskState.SHUTDOWN)])
def test_it_is_asked_for_once(at: Task) -> None:
    """While Swarm makes the new task, the old one is still the newest."""
    moved = Placement(IMAGE, pin="n2", force_update=1, supersedes=at.id)
    made = service(first(), placement=moved)
    away = nodes(n1={"state": "down"})
    seen = look(service=made, task=at, nodes=away, loads={"n2": FULL}, unchanged=1.0)
    verdict = plan(first(), seen, context())
    assert verdict.actions == ()
    assert verdict.look_again == SOON


@pytest.mark.parametrize(
    "at",
    [
        task(),
        task(TaskState.STARTING),
        task(TaskState.SHUTDOWN, container="c", desired_state="shutdown"),
    ],
)
def test_where_a_process_has_run_the_home_may_be(at: Task) -> None:
    """It stays there, whatever became of the node: an empty home elsewhere is no help."""
    for away in ({"state": "down"}, {"availability": "drain"}):
        verdict = plan(first(), settled(at, nodes=nodes(n1=away)), context())
        pins = [a.placement.pin for a in verdict.actions if isinstance(a, actions.UpdateService)]
        assert pins in ([], ["n1"])


def test_a_bound_home_is_never_left() -> None:
    """Whatever room there is elsewhere."""
    record = first(home(node="n1"))
    made = service(record, placement=Placement(IMAGE, pin="n1"))
    for at in (None, PENDING, task(TaskState.PREPARING)):
        seen = look(service=made, task=at, nodes=nodes(n1={"state": "down"}))
        assert plan(record, seen, context()).actions == ()


def test_a_home_that_cannot_be_read_is_never_left() -> None:
    """It may be bound to just this node."""
    record = wanted(notebook(mounts=(home_mount(),), resources=Resources(mem_guarantee=4 * GIB)))
    made = service(record, placement=Placement(IMAGE, pin="n1"))
    seen = look(service=made, task=PENDING, nodes=nodes(n1={"state": "down"}))
    assert plan(record, seen, context()).actions == ()


def test_if_no_node_will_do_it_waits_and_says_why() -> None:
    """With our words, whether or not Swarm has looked for a node already."""
    none = nodes(n1={"availability": "drain"}, n2={"state": "down"})
    for at in (None, PENDING, task(TaskState.SHUTDOWN)):
        verdict = plan(first(), settled(at, nodes=none), context())
        assert verdict.actions == ()
        assert verdict.look_again == SLOW
        assert verdict.status.phase is Phase.PENDING
        assert "host-n1: drained; host-n2: down" in verdict.status.message
        assert reason(verdict.status, SCHEDULED) == "NoNodeFits"
        assert verdict.status.service_id == "s1"


# -- a service that floats


@pytest.mark.parametrize("free", [home(driver="nfs-plugin")])
def test_one_that_floats_and_finds_no_node_is_told_why(free: Home) -> None:
    """Swarm goes on looking; where we see no reason, its own words have to do."""
    record = first(free)
    seen = look(service=service(record), task=PENDING, loads={"n1": FULL, "n2": FULL})
    verdict = plan(record, seen, context())
    assert verdict.actions == ()
    assert "host-n1, host-n2: 0 GiB free of 4 asked" in verdict.status.message
    verdict = plan(record, replace(seen, loads={}), context())
    assert verdict.actions == ()
    assert UNSUITABLE in verdict.status.message
    assert verdict.look_again == SLOW


def test_what_was_made_before_pins_were_chosen_is_left_as_it_is() -> None:
    """Its task is where Swarm put it, and there its home will be."""
    verdict = plan(first(), settled(task(TaskState.PREPARING), pin=None), context())
    assert verdict.actions == ()
    assert verdict.look_again == UNDERWAY


# -- a home that several servers share


def beside_me(*services: Any, at: tuple[Task, ...] = (), **expected: Expected) -> frozenset[str]:
    """Return where others put the home of a notebook that is to start."""
    seen = index(0.0, services, at, (), tuple(nodes(n2={"state": "down"}).values()))
    return beside(first(), seen, expected)


def other(pin: str, volume: str = "home-ada") -> Any:
    """Return the service of another notebook with this volume."""
    record = wanted(notebook("ada--lab", mounts=(home_mount(volume),)), home(volume))
    return service(record, placement=Placement(IMAGE, pin=pin), id="s2")


def test_where_another_server_puts_a_home_that_both_share() -> None:
    """Where it is to begin, as long as it can; where it has begun, whatever became of that node."""
    assert beside_me() == frozenset()
    assert beside_me(other("n1")) == {"n1"}
    assert beside_me(other("n1", "home-eve")) == frozenset()
    assert beside_me(other("n2")) == frozenset()
    assert beside_me(other("n2"), at=(task(service_id="s2", node_id="n2"),)) == {"n2"}
    coming = Expected("n1", Amounts(), frozenset({"home-ada"}))
    assert beside_me(lab=coming) == {"n1"}
    assert beside_me(lab=replace(coming, volumes=frozenset({"home-eve"}))) == frozenset()
    assert beside_me(ada=coming) == frozenset()


def test_a_home_that_is_bound_needs_no_neighbours() -> None:
    """Its record knows where it is."""
    seen = index(0.0, (other("n1"),), (), (), tuple(nodes().values()))
    assert beside(first(home(node="n2")), seen, {}) == frozenset()

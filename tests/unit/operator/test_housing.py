"""Homes that may not be mounted now, and those that are somewhere already."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import (
    NOW,
    context,
    home,
    home_mount,
    later,
    node,
    notebook,
    observed,
    reason,
    task,
    wanted,
)
from swarmhub_crds.home import Home, HomeOrders, HomePhase, HomeStatus, Place
from swarmhub_crds.notebook import ConditionType, Phase
from swarmhub_operator.decide.actions import AdoptHome, CreateService
from swarmhub_operator.decide.homes import adopted, bound, forgotten, found_again, lost
from swarmhub_operator.decide.inventories import Found
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.verdict import Verdict

NODES = {"n1": node("n1"), "n2": node("n2")}


def start(record: Home, found: Found | None = None, now: float = 0) -> Verdict:
    """Decide about a notebook that should start with this home."""
    seen = {record.metadata.name: found} if found else {}
    look = observed(nodes=NODES, found=seen)
    return plan(wanted(notebook(mounts=(home_mount(),)), record), look, context(later(now)))


def in_phase(phase: HomePhase, **values: Any) -> Home:
    """Return a home on n1 in a phase."""
    status = HomeStatus(phase=phase, node_id="n1", node="host-n1", **values)
    return home(status=status)


def test_a_lost_home_is_not_replaced_by_an_empty_one() -> None:
    """The user reads what an administrator can do."""
    verdict = start(home(status=lost(home(node="n1"))))
    assert verdict.status.phase is Phase.FAILED
    assert reason(verdict.status, ConditionType.HOME_READY) == "HomeLost"
    assert "somebody removed it" in verdict.status.message
    assert verdict.actions == ()


def test_a_home_on_the_move_is_waited_for() -> None:
    """The start goes on by itself."""
    verdict = start(in_phase(HomePhase.MOVING))
    assert (verdict.status.phase, verdict.actions) == (Phase.PENDING, ())
    assert "is being moved" in verdict.status.message
    assert verdict.look_again


def test_a_home_that_is_worked_on_is_waited_for() -> None:
    """Until the time that was given for it is over, if nobody gives more."""
    held = home(node="n1", orders=HomeOrders(held_for="restored", held_until=later(60)))
    verdict = start(held, now=59)
    assert "is being restored" in verdict.status.message
    assert verdict.actions == ()
    assert any(isinstance(a, CreateService) for a in start(held, now=60).actions)


def test_a_copy_that_a_move_has_left_is_no_home() -> None:
    """One that was given up starts anew once that is gone: it may be half of what it was."""
    left = HomeStatus(leftovers=(Place(node_id="n2", node="host-n2"),))
    verdict = start(home(status=left), Found(nodes=("n2",), own=frozenset({"n2"})))
    assert (verdict.status.phase, verdict.actions) == (Phase.PENDING, ())
    assert "until an older copy on host-n2 is removed" in verdict.status.message
    assert "docker node rm host-n2" in verdict.status.message


def test_a_volume_that_was_there_before_is_adopted_first() -> None:
    """Its node is written down before anything is made that could be elsewhere."""
    verdict = start(home(), Found(nodes=("n2",)))
    assert verdict.actions == (AdoptHome("home-ada", NODES["n2"], own=False),)
    assert verdict.look_again == 0.0
    own = start(home(), Found(nodes=("n2",), own=frozenset({"n2"})))
    assert own.actions == (AdoptHome("home-ada", NODES["n2"], own=True),)


def test_two_volumes_of_one_name_are_a_question() -> None:
    """Which nobody but a person can answer."""
    verdict = start(home(), Found(nodes=("n1", "n2")))
    assert reason(verdict.status, ConditionType.HOME_READY) == "HomeAmbiguous"
    assert "host-n1, host-n2" in verdict.status.message


def test_a_first_start_waits_for_what_the_nodes_tell() -> None:
    """Also if the volume has been found on one of them: another one may have it, too."""
    verdict = start(home(), Found(asked=("host-n2",)))
    assert verdict.status.message == "Looking for an earlier home on host-n2."
    assert (verdict.status.phase, verdict.actions) == (Phase.PENDING, ())
    assert not start(home(), Found(nodes=("n1",), asked=("host-n2",))).actions
    assert any(isinstance(a, CreateService) for a in start(home(), Found()).actions)


def test_nodes_that_cannot_tell_keep_nobody() -> None:
    """An entry of a machine that is no more would else keep all new users out."""
    made = start(home(), Found(silent=("host-n3",))).actions
    assert any(isinstance(action, CreateService) for action in made)


@pytest.mark.parametrize("own", [True, False])
def test_an_adopted_home_is_bound_to_its_node(own: bool) -> None:
    """Whether it is labelled with this record is kept: it is never labelled anew."""
    status = adopted(home(), NODES["n2"], NOW, own=own)
    assert (status.phase, status.node_id, status.node) == (HomePhase.BOUND, "n2", "host-n2")
    assert status.adopted is not own
    assert ("already" in status.message) is not own


def test_a_lost_home_that_is_back_is_as_it_was() -> None:
    """And says nothing more."""
    before = home(node="n1")
    after = found_again(home(status=lost(before)))
    assert after == before.status


@pytest.mark.parametrize("phase", [HomePhase.MOVING, HomePhase.LOST])
def test_a_task_changes_nothing_of_a_home_that_is_dealt_with(phase: HomePhase) -> None:
    """What an old task says is of before."""
    assert bound(in_phase(phase), task(), node(), NOW) is None


def test_a_home_is_given_up_once_for_each_order() -> None:
    """One that is elsewhere by now stays there."""
    given_up = home(node="n1", orders=HomeOrders(forgotten=("n1",)))
    status = forgotten(given_up)
    assert status is not None
    assert (status.node_id, status.forgotten) == (None, 1)
    assert forgotten(home(status=status, orders=HomeOrders(forgotten=("n1",)))) is None
    elsewhere = forgotten(home(node="n2", orders=HomeOrders(forgotten=("n1",))))
    assert elsewhere is not None
    assert (elsewhere.node_id, elsewhere.forgotten) == ("n2", 1)
    assert forgotten(home(node="n1")) is None

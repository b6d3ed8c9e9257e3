"""What becomes of homes."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import NOW, home, home_mount, later, node, notebook, task
from swarmhub_crds.base import find_condition
from swarmhub_crds.home import Home, HomePhase, HomeStatus, Reclaim
from swarmhub_crds.notebook import Desired
from swarmhub_operator.decide.homes import (
    RELEASED,
    HomeStep,
    bound,
    losing,
    released,
    released_later,
    step,
)
from swarmhub_operator.engine.observed import ENDED, TaskState

GRACE = 60.0


def given_up(reclaim: Reclaim = Reclaim.DELETE, **values: Any) -> Home:
    """Return a home released at NOW, on node n1."""
    held = home(node="n1", reclaim=reclaim, **values)
    return held.model_copy(update={"status": released(held, NOW)})


def decide(
    record: Home, *, seconds: float = 100, mounted: bool = False, own: str = "n1"
) -> HomeStep:
    """Decide about a home `seconds` after NOW."""
    return step(record, mounted=mounted, own_node=own, now=later(seconds), grace=GRACE)


def test_the_first_task_binds_a_home_to_its_node() -> None:
    """Where the volume was made is where it stays."""
    found = bound(home(), task(), node(), NOW)
    assert found == HomeStatus(
        phase=HomePhase.BOUND,
        node_id="n1",
        node="host-n1",
        last_used_at=NOW,
        observed_generation=1,
    )


@pytest.mark.parametrize("state", sorted(set(TaskState) - {"starting", "running"}))
def test_only_a_container_that_existed_binds(state: TaskState) -> None:
    """A task that never came to a container made no volume."""
    made = {TaskState.UNKNOWN}  # who knows
    assert (bound(home(), task(state), node(), NOW) is not None) == (state in made)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_whatever_has_ended_with_a_container_binds(state: TaskState) -> None:
    """Also one that the Swarm itself has ended before anybody saw it run."""
    assert bound(home(), task(state, container="c"), node(), NOW) is not None


def test_a_task_without_a_node_binds_nothing() -> None:
    """There is nowhere to bind to."""
    assert bound(home(), task(node_id=None), None, NOW) is None


def test_a_bound_home_stays_where_it_is() -> None:
    """A later task elsewhere moves no volume and changes no record."""
    assert bound(home(node="n7"), task(), node(), NOW) is None


def test_a_shared_volume_is_bound_to_no_node() -> None:
    """A network share is everywhere."""
    found = bound(home(driver="plugin"), task(), node(), NOW)
    assert found is not None
    assert (found.phase, found.node_id) == (HomePhase.BOUND, None)


def test_a_released_home_is_bound_again_when_its_user_is_back() -> None:
    """The mark of the release goes with it, so that nothing removes it later."""
    back = bound(given_up(), task(), node(), later(5))
    assert back is not None
    assert back.phase is HomePhase.BOUND
    assert find_condition(back.conditions, RELEASED) is None
    assert (back.node_id, back.message) == ("n1", "")


@pytest.mark.parametrize(
    ("reclaim", "words"), [(Reclaim.RETAIN, "it is kept"), (Reclaim.DELETE, "will be removed")]
)
def test_a_release_says_what_follows(reclaim: Reclaim, words: str) -> None:
    """The policy is told in the home's own message."""
    status = given_up(reclaim).status
    assert status.phase is HomePhase.RELEASED
    assert words in status.message


def test_releasing_twice_does_not_begin_the_grace_anew() -> None:
    """An operator that died in between does it again."""
    once = given_up()
    assert released(once, later(50)).conditions == once.status.conditions


def test_a_retained_home_is_kept_for_ever() -> None:
    """Retain means retain."""
    assert decide(given_up(Reclaim.RETAIN), seconds=1e9) is HomeStep.KEEP


def test_a_home_that_was_never_released_is_kept() -> None:
    """The policy alone removes nothing."""
    assert decide(home(node="n1", reclaim=Reclaim.DELETE), seconds=1e9) is HomeStep.KEEP


def test_a_released_home_waits_for_its_grace() -> None:
    """A deletion by mistake can be undone for a while."""
    assert decide(given_up(), seconds=59.9) is HomeStep.WAIT
    assert decide(given_up(), seconds=60) is HomeStep.REMOVE


def test_the_grace_begins_anew_when_the_clock_was_ahead() -> None:
    """Else a home that was released two hours from now would wait for two hours more."""
    ahead = given_up()
    assert released_later(ahead, NOW) is None
    status = released_later(ahead, later(-7200))
    assert status is not None
    put_right = ahead.model_copy(update={"status": status})
    assert decide(put_right, seconds=-7141) is HomeStep.WAIT
    assert decide(put_right, seconds=-7140) is HomeStep.REMOVE


def test_a_mounted_home_is_kept() -> None:
    """Whatever its status says, a record mounts it."""
    assert decide(given_up(), mounted=True) is HomeStep.KEEP


def test_a_home_on_another_node_is_not_ours_to_remove() -> None:
    """This engine reaches the volumes of its own node only; a shared one it reaches anywhere."""
    assert decide(given_up(), own="n2") is HomeStep.ELSEWHERE
    assert decide(given_up(driver="plugin"), own="n2") is HomeStep.REMOVE


def test_a_home_is_lost_with_its_own_server() -> None:
    """The default server's record goes when the user is deleted."""
    leaving = notebook(deleted=True, mounts=(home_mount(),))
    assert losing(home(), leaving, [leaving])


def test_a_named_server_does_not_take_the_shared_home_along() -> None:
    """It belongs to the user's default server."""
    leaving = notebook("ada--x", deleted=True, server="x", mounts=(home_mount(),))
    assert not losing(home(), leaving, [leaving])


def test_another_users_home_is_not_lost() -> None:
    """Only its own user's deletion counts."""
    leaving = notebook("eve", deleted=True, user="eve", mounts=(home_mount(),))
    assert not losing(home(), leaving, [leaving])


def test_a_home_that_another_server_is_using_is_not_lost() -> None:
    """Somebody works in it."""
    leaving = notebook(deleted=True, mounts=(home_mount(),))
    other = notebook("ada--x", server="x", mounts=(home_mount(),))
    assert not losing(home(), leaving, [leaving, other])


def test_a_users_stopped_servers_do_not_keep_the_home_for_ever() -> None:
    """The hub deletes a user's servers one by one; the first to go is the home's own."""
    leaving = notebook(deleted=True, mounts=(home_mount(),))
    other = notebook("ada--x", server="x", desired=Desired.STOPPED, mounts=(home_mount(),))
    assert losing(home(), leaving, [leaving, other])

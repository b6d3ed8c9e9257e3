"""What becomes of the notebooks on a node that is to be emptied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.records import NOW, home, home_mount, later, notebook, ready_status, status
from swarmhub_crds.draining import Fate, Guest, Wish, guests, homes_on, is_elsewhere, to_stop
from swarmhub_crds.home import Home
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Desired, Notebook, NotebookStatus, Phase

LIMIT = timedelta(minutes=15)
PINNED = home(node="n1")
FLOATING = home(driver="nfs-plugin")


def on_node(state: NotebookStatus | None = None, **values: Any) -> Notebook:
    """Return a notebook with a home that runs on n1."""
    return notebook(status=state or ready_status(node_id="n1"), mounts=(home_mount(),), **values)


def fates(
    record: Notebook,
    own: Home = PINNED,
    *,
    used: float | None = 0,
    now: float = 3600,
    **wish: bool,
) -> list[Guest]:
    """Drain n1 of one notebook that was last in use `used` seconds after NOW."""
    activity: Mapping[str, datetime] = {} if used is None else {"ada": later(used)}
    homes = {own.metadata.name: own}
    asked = Wish(LIMIT, **wish)
    return list(guests("n1", [record], homes, activity, asked, later(now)))


@pytest.mark.parametrize(
    ("used", "fate", "why"),
    [
        (2700, Fate.STOPS, "idle"),
        (2701, Fate.STAYS, "in use"),
        (None, Fate.STAYS, "not known to be idle"),
    ],
)
def test_what_has_its_home_there_stops_once_it_is_idle(
    used: float | None, fate: Fate, why: str
) -> None:
    """What nobody knows of counts as in use."""
    (guest,) = fates(on_node(), used=used)
    assert (guest.fate, guest.why) == (fate, why)
    assert guest.idle == (None if used is None else timedelta(seconds=3600 - used))


def test_what_is_in_use_is_stopped_by_force() -> None:
    """The administrator's word is the last."""
    (guest,) = fates(on_node(), used=None, force=True)
    assert (guest.fate, guest.why) == (Fate.STOPS, "forced")


def test_what_floats_moves_however_busy_it_is() -> None:
    """If there is where to."""
    (guest,) = fates(on_node(), FLOATING, used=3599)
    assert guest.fate is Fate.MOVES
    (guest,) = fates(on_node(), FLOATING, used=3599, elsewhere=False)
    assert (guest.fate, guest.why) == (Fate.STAYS, "in use")


def test_what_was_told_of_an_earlier_run_does_not_make_it_idle() -> None:
    """It has just been started again."""
    just = ready_status(node_id="n1", since=later(3590))
    (guest,) = fates(on_node(just), used=0)
    assert (guest.fate, guest.idle) == (Fate.STAYS, timedelta(seconds=10))


def test_a_clock_that_was_set_back_makes_nothing_idle() -> None:
    """Activity in the future is activity."""
    (guest,) = fates(on_node(), used=9000)
    assert guest.idle == timedelta(0)


@pytest.mark.parametrize(
    "record",
    [
        on_node(desired=Desired.STOPPED),
        on_node(ready_status(node_id="n2")),
        on_node(status(Phase.FAILED, node_id="n1")),
        notebook(status=status()),
    ],
    ids=["stopped", "elsewhere", "failed", "nowhere"],
)
def test_others_are_not_concerned(record: Notebook) -> None:
    """Only what runs or would run on this node."""
    assert fates(record) == []


def test_a_start_that_waits_for_the_node_is_on_it() -> None:
    """It has no task there yet, but its home is there."""
    (guest,) = fates(on_node(status(node_id=None)))
    assert guest.name == "ada"


def test_nothing_is_decided_twice_and_all_in_order() -> None:
    """By name."""
    records = [notebook(name, status=ready_status(node_id="n1")) for name in ("cy", "ada", "bob")]
    found = guests("n1", records, {}, {}, Wish(LIMIT), NOW)
    assert [guest.name for guest in found] == ["ada", "bob", "cy"]


def test_only_what_was_told_to_stop_and_still_may_be_is_stopped() -> None:
    """Neither what has come into use since nor what has come to the node since."""
    records = [
        notebook(name, status=ready_status(node_id="n1"), mounts=(home_mount(),))
        for name in ("ada", "bob", "cy", "dee")
    ]
    used = {"ada": NOW, "bob": later(3600), "cy": NOW, "dee": NOW}
    found = guests("n1", records, {"home-ada": PINNED}, used, Wish(LIMIT), later(3600))
    assert to_stop({"ada", "bob", "cy", "gone"}, found) == ("ada", "cy")


def test_homes_that_stay_and_where_others_can_go() -> None:
    """By the node's id, whatever its name."""
    assert homes_on("n1", [PINNED, FLOATING]) == (PINNED.metadata.name,)
    here = SeenNode(id="n1", hostname="h", state="ready", availability="active")
    there = here.model_copy(update={"id": "n2"})
    assert is_elsewhere("n1", [here, there])
    assert not is_elsewhere("n1", [here])
    for update in ({"state": "down"}, {"availability": "pause"}):
        assert not is_elsewhere("n1", [here, there.model_copy(update=update)])

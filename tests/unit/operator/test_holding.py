"""The operator and what it holds back: told in the store, removed on a person's word, put right."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.waiting import wait_for
from swarmhub_crds.notebook import Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from unit.operator.fakeswarm import FakeSwarm, Operator

POLICY = Policy(sweep=SweepPolicy(interval=0.1, grace=0.0))
REMOVING = ("remove_service", "remove_secret", "remove_volume")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that has just been made."""
    with closing(Store.open(f"sqlite:///{tmp_path}/state.db")) as made:
        yield made


@pytest.fixture
def swarm(tmp_path: Path, store: Store) -> FakeSwarm:
    """A Swarm in which ada and bob run for a store of the same identity, which was lost."""
    made = FakeSwarm()
    url = f"sqlite:///{tmp_path}/lost.db"
    with closing(Store.open(url, uid=store.uid)) as lost:
        before = Operator(lost, made, POLICY)
        for user in ("ada", "bob"):
            before.apply(user)
            before.wait(user, "to run", lambda status: status.phase is Phase.RUNNING)
        before.stop()
    made.calls.clear()
    return made


@pytest.fixture
def operator(store: Store, swarm: FakeSwarm) -> Iterator[Operator]:
    """An operator on the new store."""
    made = Operator(store, swarm, POLICY)
    yield made
    made.stop()


def stays(swarm: FakeSwarm, removed: int) -> None:
    """Make sure that no more services than these are removed in some sweeps."""
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        assert swarm.calls["remove_service"] == removed
        time.sleep(0.05)


def test_nothing_goes_until_a_person_says_so(
    operator: Operator, store: Store, swarm: FakeSwarm
) -> None:
    """What is held is in the store; the one that is confirmed goes, and its word is used up."""
    wait_for("the list", lambda: len(store.list_held()) == 2, timeout=20)
    stays(swarm, 0)
    assert not any(swarm.calls[call] for call in REMOVING)
    trouble = operator.pulse.summary()["trouble"]
    assert isinstance(trouble, dict)
    assert "The store holds no record at all. 2 services have no record" in trouble["sweep"]
    ada = next(held for held in store.list_held() if held.notebook == "ada")
    store.confirm_removals([ada.id])
    wait_for("ada to go", lambda: swarm.calls["remove_service"] == 1, timeout=20)
    wait_for("the word to be used up", lambda: not store.confirmed_removals(), timeout=20)
    assert [held.notebook for held in store.list_held()] == ["bob"]
    stays(swarm, 1)


def test_what_is_held_and_what_goes_are_events(operator: Operator, store: Store) -> None:
    """So that a person finds out later what has gone, and on whose word."""

    def told(reason: str) -> list[str]:
        return [event.message for event in store.list_events() if event.reason == reason]

    wait_for("the brake to be told of", lambda: told("SweepHeld"), timeout=20)
    assert "The store holds no record at all." in told("SweepHeld")[0]
    store.confirm_removals([h.id for h in store.list_held() if h.notebook == "ada"])
    wait_for("the removal to be told of", lambda: told("OrphanRemoved"), timeout=20)
    (removed,) = told("OrphanRemoved")
    assert removed == "The service jupyter-ada was removed: no record wants it."


def test_another_store_is_told_and_left_alone(tmp_path: Path, swarm: FakeSwarm) -> None:
    """A fresh identity sees nothing of the lost one's but its number."""
    with closing(Store.open(f"sqlite:///{tmp_path}/fresh.db")) as fresh:
        made = Operator(fresh, swarm, POLICY)
        try:
            wait_for("the list", fresh.list_held, timeout=20)
            (held,) = fresh.list_held()
            assert (held.kind, held.name) == ("store", "2 notebooks")
            assert f"`swarmhub state rebuild --from-store {held.id}`" in held.message
            stays(swarm, 0)
            assert not any(swarm.calls[call] for call in (*REMOVING, "update_service"))
        finally:
            made.stop()

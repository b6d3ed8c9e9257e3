"""Homes that a command holds, and who uses them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.waiting import wait_for
from swarmhub_crds.errors import Conflict, Reason, StoreUnavailable
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Desired, Mount
from swarmhub_operator.cli import holding
from swarmhub_operator.cli.holding import Hold, held, users
from unit.cli.samples import State


def home(state: State) -> Home:
    """Return ada's home."""
    found = state.store.get_home("home-ada")
    assert isinstance(found, Home)
    return found


@pytest.fixture
def ada(state: State) -> State:
    """A store with ada's stopped notebook and her home."""
    state.notebook("ada", desired=Desired.STOPPED)
    return state


def test_a_hold_is_renewed_and_released(ada: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """It always ends in the future, until it ends."""
    monkeypatch.setattr(holding, "RENEWED", 0.02)
    with held(ada.store, home(ada), "restored") as hold:
        first = home(ada).spec.orders
        assert first.held_until is not None
        assert first.held_until > datetime.now(UTC) + timedelta(seconds=100)
        wait_for("a renewal", lambda: home(ada).spec.orders != first)
        hold.check()
    assert home(ada).spec.orders.held_until is None


def test_what_somebody_else_holds_since_stays_held(ada: State) -> None:
    """It is not ours to release."""
    until = datetime.now(UTC) + timedelta(hours=1)
    with held(ada.store, home(ada), "restored"):
        ada.store.order_home("home-ada", held_for="moved", held_until=until)
    assert home(ada).spec.orders.held_until == until


def test_a_hold_that_cannot_be_renewed_is_noticed(
    ada: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the home's server could start."""

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable(Reason.FULL, "The disk is full.")

    monkeypatch.setattr(holding, "HELD", timedelta(seconds=0.2))
    monkeypatch.setattr(holding, "RENEWED", 0.02)
    hold = Hold(ada.store, "home-ada", "restored")
    with monkeypatch.context() as patched:
        patched.setattr(ada.store, "order_home", fail)

        def lost() -> bool:
            try:
                hold.check()
            except Conflict:
                return True
            return False

        wait_for("it to be lost", lost)
    hold.release()


def test_an_old_hold_has_run_out(ada: State) -> None:
    """Whoever wrote it has died."""
    ago = datetime.now(UTC) - timedelta(seconds=1)
    ada.store.order_home("home-ada", held_for="restored", held_until=ago)
    with held(ada.store, home(ada), "restored"):
        assert home(ada).spec.orders.held_until != ago


def test_those_who_run_or_are_to_run_use_a_home(ada: State) -> None:
    """And those that still have a service; nobody else's notebook matters."""
    ada.notebook("bob")
    assert users(ada.store, "home-ada") == []
    ada.notebook("ada", server="lab", volume="home-ada")
    ada.observe("ada", phase="Stopping", service_id="s1")
    assert users(ada.store, "home-ada") == ["ada", "ada--lab"]
    ada.notebook("cid", mounts=(Mount(volume="home-ada", target="/data", read_only=True),))
    assert users(ada.store, "home-ada") == ["ada", "ada--lab", "cid"]


def test_a_record_that_cannot_be_read_may_use_any_home(ada: State) -> None:
    """Unless it has no service."""
    ada.notebook("bob", desired=Desired.STOPPED)
    ada.observe("bob", phase="Running", service_id="s1")
    ada.sql("UPDATE notebooks SET spec = '{' WHERE name = 'bob'")
    assert users(ada.store, "home-ada") == ["bob"]
    ada.sql("UPDATE notebooks SET status = '{' WHERE name = 'bob'")
    assert users(ada.store, "home-ada") == ["bob"]
    ada.sql("UPDATE notebooks SET status = '{}' WHERE name = 'bob'")
    assert users(ada.store, "home-ada") == []

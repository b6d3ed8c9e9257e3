"""What a look tells beyond what the engine says."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import Mock

import pytest
from support.records import NOW, STORE, later, node, service, task
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Reservation, Spell
from swarmhub_operator.engine.observer import Observer


def test_for_how_long_a_service_has_been_as_it_is() -> None:
    """By the operator's own clock, from the look that first saw this version of it."""
    engine, now = Mock(tasks=lambda _: (), secrets=lambda _: (), nodes=lambda: ()), 100.0
    observer = Observer(engine, STORE, lambda: now)
    made = service()
    engine.services = lambda _: (made,)
    assert observer.look(now).unchanged(made) == 0
    now = 160.0
    assert observer.look(now).unchanged(made) == 60
    made = replace(made, version=made.version + 1)
    assert observer.look(now + 0.1).unchanged(made) == 0


def test_services_are_listed_after_what_they_are_blamed_for() -> None:
    """A task that is newer than its service could be blamed for what that no longer asks."""
    engine = Mock(**{f"{what}.return_value": () for what in ("tasks", "secrets", "services")})
    engine.nodes.return_value = ()
    Observer(engine, STORE, lambda: 0.0).look(0.0)
    asked = [call[0] for call in engine.mock_calls]
    assert asked[-1] == "services"
    assert {"tasks", "secrets"} <= set(asked[:-1])


def test_what_tasks_hold_is_asked_every_two_seconds_at_most() -> None:
    """However many notebooks need a place; a list that is refused says nothing of any of them."""
    engine, now = Mock(), 100.0
    held = Reservation("s1", "n1", Amounts(memory=1))
    engine.reservations.return_value = (held,)
    observer = Observer(engine, STORE, lambda: now)
    for _ in range(20):
        assert observer.reservations() == (held,)
    assert engine.reservations.call_count == 1
    now = 102.1
    engine.reservations.side_effect = EngineError(Kind.REFUSED, "No.")
    with pytest.raises(EngineError, match=r"No\.") as caught:
        observer.reservations()
    assert caught.value.kind is Kind.UNAVAILABLE
    engine.reservations.side_effect = None
    assert observer.reservations() == (held,)
    assert engine.reservations.call_count == 3


def test_for_how_long_a_node_has_been_down() -> None:
    """By the operator's own clock; labels that change meanwhile begin no new spell."""
    engine, now = Mock(tasks=lambda _: (), secrets=lambda _: (), services=lambda _: ()), 100.0
    observer = Observer(engine, STORE, lambda: now)
    seen = node(updated_at=NOW)
    engine.nodes = lambda: (seen,)
    assert observer.look(now).down(task()) is None
    now, seen = 110.0, node(state="down", updated_at=later(10))
    assert observer.look(now).down(task()) == Spell("down", 110.0, later(10))
    now, seen = 150.0, node(state="down", updated_at=later(50), labels={"rack": "2"})
    assert observer.look(now).down(task()) == Spell("down", 110.0, later(10))
    now, seen = 160.0, node(updated_at=later(60))
    assert observer.look(now).down(task()) is None


def test_a_list_that_hangs_is_waited_for_once_by_all() -> None:
    """Who waits for reservations that fail does not begin another question of that length."""
    engine = Mock()
    asked: list[float] = []

    def hang() -> tuple[Reservation, ...]:
        asked.append(time.monotonic())
        time.sleep(0.3)
        raise EngineError(Kind.UNAVAILABLE, "The engine did not answer; trying again.")

    engine.reservations = hang
    observer = Observer(engine, STORE)

    def ask(_: int) -> str:
        with pytest.raises(EngineError) as failed:
            observer.reservations()
        return failed.value.sentence

    with ThreadPoolExecutor(6) as pool:
        assert len(list(pool.map(ask, range(6)))) == 6
    assert len(asked) < 6

"""What a look tells beyond what the engine says."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import Mock

import pytest
from support.records import NOW, STORE, later, node, service, task
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node, Reservation, Secret, Service, Task, TaskState
from swarmhub_operator.engine.observer import CLOSE_ABOVE, SEEN_FOR, Observer
from swarmhub_operator.engine.snapshot import Snapshot, Spell

LISTS = ("secrets", "tasks", "services")


def _engine() -> Mock:
    """Return an engine on which nothing is."""
    return Mock(**{f"{what}.return_value": () for what in (*LISTS, "nodes")})


class Crowd:
    """A Swarm of many notebooks, each a service with a task; it counts what is asked.

    `meanwhile` is called before each list of services.
    """

    def __init__(self, count: int) -> None:
        self.now = 100.0
        self.calls: list[tuple[str, str]] = []  # list and notebook
        self.meanwhile: Callable[[], None] = lambda: None
        self.services_by_name = {f"n{i}": self._service(f"n{i}") for i in range(count)}
        self.states = dict.fromkeys(self.services_by_name, TaskState.RUNNING)
        self.observer = Observer(self, STORE, lambda: self.now)  # type: ignore[arg-type]

    def _service(self, name: str) -> Service:
        return replace(service(), id=f"s-{name}", labels={labels.NOTEBOOK: name})

    def _called(self, what: str, notebook: str) -> list[str]:
        self.calls.append((what, notebook))
        return [n for n in self.services_by_name if notebook in ("", n)]

    def services(self, _store: str, notebook: str = "") -> tuple[Service, ...]:
        """List services."""
        self.meanwhile()
        return tuple(self.services_by_name[n] for n in self._called("services", notebook))

    def tasks(self, _store: str, notebook: str = "") -> tuple[Task, ...]:
        """List tasks."""
        found = self._called("tasks", notebook)
        return tuple(replace(task(self.states[n]), id=f"t-{n}", service_id=f"s-{n}") for n in found)

    def secrets(self, _store: str, notebook: str = "") -> tuple[Secret, ...]:
        """List no secrets."""
        self._called("secrets", notebook)
        return ()

    def nodes(self) -> tuple[Node, ...]:
        """List one node."""
        self.calls.append(("nodes", ""))
        return (node(),)

    def state(self, seen: Snapshot, name: str) -> TaskState:
        """Return in what state a look shows the task of a notebook."""
        (found,) = seen.tasks[f"s-{name}"]
        return found.state


def test_one_of_many_is_looked_at_alone_and_all_know_what_it_told() -> None:
    """A start among many does not pay for the lists of all; of the others it knows the last."""
    crowd = Crowd(CLOSE_ABOVE + 1)
    first = crowd.observer.look(crowd.now)
    crowd.now, crowd.states["n5"] = 110.0, TaskState.FAILED
    crowd.calls.clear()
    seen = crowd.observer.look_at("n5", 109.0)
    assert crowd.calls == [(what, "n5") for what in ("secrets", "tasks")] + [
        ("nodes", ""), ("services", "n5")
    ]  # fmt: skip
    assert crowd.state(seen, "n5") is TaskState.FAILED
    assert seen.services == first.services
    assert (seen.started, first.started) == (110.0, 100.0)
    assert crowd.state(first, "n5") is TaskState.RUNNING
    later = crowd.observer.look_at("n6", 100.0, seen=100.0)
    assert crowd.state(later, "n5") is TaskState.FAILED
    assert len(crowd.calls) == 4


def test_few_share_a_look_at_all() -> None:
    """It costs less than one for each."""
    crowd = Crowd(CLOSE_ABOVE)
    for number in range(CLOSE_ABOVE):
        crowd.observer.look_at(f"n{number}", 100.0)
    assert crowd.calls == [("secrets", ""), ("tasks", ""), ("nodes", ""), ("services", "")]


def test_who_changed_something_sees_nothing_older() -> None:
    """Neither what the periodic pass saw will do to him, nor a close look of before."""
    crowd = Crowd(CLOSE_ABOVE + 1)
    crowd.observer.look(crowd.now)
    crowd.observer.look_at("n5", crowd.now)
    crowd.now, crowd.states["n5"] = 100.01, TaskState.FAILED
    seen = crowd.observer.look_at("n5", 100.005, seen=100.0)
    assert crowd.state(seen, "n5") is TaskState.FAILED


def test_what_was_seen_long_ago_will_not_do() -> None:
    """However long the periodic pass takes."""
    crowd = Crowd(CLOSE_ABOVE + 1)
    crowd.observer.look(crowd.now)
    crowd.now, crowd.states["n5"] = crowd.now + SEEN_FOR + 1, TaskState.FAILED
    seen = crowd.observer.look_at("n5", 0.0, seen=100.0)
    assert crowd.state(seen, "n5") is TaskState.FAILED


def test_a_whole_look_that_began_earlier_undoes_nothing() -> None:
    """It takes long, and what was looked at closely meanwhile is newer than what it tells."""
    crowd = Crowd(CLOSE_ABOVE + 1)
    crowd.observer.look(crowd.now)

    def meanwhile() -> None:
        crowd.meanwhile = lambda: None
        crowd.now, crowd.states["n5"] = 121.0, TaskState.FAILED
        crowd.observer.look_at("n5", 121.0)
        crowd.states["n5"] = TaskState.RUNNING

    crowd.now, crowd.meanwhile = 120.0, meanwhile
    seen = crowd.observer.look(120.0)
    assert crowd.state(seen, "n5") is TaskState.FAILED
    crowd.now = 122.0
    assert crowd.state(crowd.observer.look(122.0), "n5") is TaskState.RUNNING


def test_a_close_look_that_began_earlier_undoes_nothing() -> None:
    """A whole look that began later, and is there before it, tells more."""
    crowd = Crowd(CLOSE_ABOVE + 1)
    crowd.observer.look(crowd.now)

    def meanwhile() -> None:
        crowd.meanwhile = lambda: None
        crowd.now, crowd.states["n5"] = 121.0, TaskState.FAILED
        crowd.observer.look(121.0)
        crowd.now = 122.0

    crowd.now, crowd.meanwhile = 120.0, meanwhile
    seen = crowd.observer.look_at("n5", 120.0)
    assert crowd.state(seen, "n5") is TaskState.FAILED
    assert seen.started == 121.0


def test_nodes_are_listed_again_once_something_was_heard_of_them() -> None:
    """Or every five seconds, but not with each look."""
    crowd = Crowd(1)
    for seconds, heard, expected in ((0, 0, 1), (1, 0, 1), (2, 1, 2), (3, 0, 2), (9, 0, 3)):
        crowd.now = 100.0 + seconds
        if heard:
            crowd.observer.refresh_nodes()
            crowd.now += 0.1
        crowd.observer.look(crowd.now)
        assert crowd.calls.count(("nodes", "")) == expected


def test_for_how_long_a_service_has_been_as_it_is() -> None:
    """By the operator's own clock, from the look that first saw this version of it."""
    engine, now = _engine(), 100.0
    observer = Observer(engine, STORE, lambda: now)
    made = service()
    engine.services = lambda *_: (made,)
    assert observer.look(now).unchanged(made) == 0
    now = 160.0
    assert observer.look(now).unchanged(made) == 60
    made = replace(made, version=made.version + 1)
    assert observer.look(now + 0.1).unchanged(made) == 0


def test_services_are_listed_after_what_they_are_blamed_for() -> None:
    """A task that is newer than its service could be blamed for what that no longer asks."""
    engine = _engine()
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
    engine, now = _engine(), 100.0
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

"""Who is looked at when something changes in the Swarm, where there are many notebooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.waiting import wait_for
from swarmhub_crds.notebook import Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.engine import observer
from swarmhub_operator.engine.news import News
from unit.operator.fakeswarm import NODE, FakeSwarm, Operator

NEVER = Policy(sweep=SweepPolicy(interval=3600))


class Telling(FakeSwarm):
    """A Swarm that tells the events that a test gives it."""

    def __init__(self) -> None:
        super().__init__()
        self.events_told: list[News] = []

    def events(self, seconds: float) -> Iterator[News]:
        """Tell what there is to tell, for some time."""
        end = time.monotonic() + min(seconds, 0.2)
        while time.monotonic() < end:
            while self.events_told:
                yield self.events_told.pop(0)
            time.sleep(0.02)


@pytest.fixture
def swarm() -> Telling:
    """Return an empty Swarm."""
    return Telling()


@pytest.fixture
def operator(store: Store, swarm: Telling, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """Yield an operator to which any number of notebooks are many; two run."""
    monkeypatch.setattr(observer, "CLOSE_ABOVE", -1)
    made = Operator(store, swarm, NEVER)
    for name in ("ada", "bob"):
        made.apply(name)
        made.wait(name, "runs", lambda s: s.phase is Phase.RUNNING)
    wait_for("nobody to be looked at", lambda: _is_quiet(swarm), timeout=20)
    yield made
    made.stop()


def _is_quiet(swarm: Telling) -> bool:
    """Whether no task is asked for during two turns of the watch."""
    before = swarm.calls["tasks"]
    time.sleep(2.5)
    return swarm.calls["tasks"] == before


def test_a_crash_that_nothing_tells_of_is_noticed_by_the_list_of_ends(
    operator: Operator, swarm: Telling
) -> None:
    """As on another node: without a look at all, and soon."""
    looks = swarm.calls["services"]
    swarm.end_task("jupyter-ada")
    operator.wait("ada", "has failed", lambda s: s.failures == 1)
    assert operator.status("bob").failures == 0
    assert swarm.calls["services"] - looks < 20


def test_an_event_has_that_notebook_looked_at_alone(
    operator: Operator, swarm: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that somebody removes is made anew; that of a container tells its notebook."""
    monkeypatch.setattr(swarm, "ending_tasks", lambda _: ())
    found = swarm.find_service("jupyter-ada")
    assert found is not None
    swarm.remove_service(found.id)
    swarm.events_told.append(News("service", "remove", found.id))
    wait_for("another service", lambda: _another(swarm, found.id), timeout=10)
    swarm.end_task("jupyter-bob")
    swarm.events_told.append(News("container", "die", "c1", "bob"))
    operator.wait("bob", "has failed", lambda s: s.failures == 1)


def _another(swarm: Telling, than: str) -> bool:
    service = swarm.find_service("jupyter-ada")
    return service is not None and service.id != than


def test_an_event_of_what_nobody_has_seen_is_no_reason_to_look_at_all(
    operator: Operator, swarm: Telling
) -> None:
    """It is of our own making, as a rule: a look at all for each start would take a core."""
    whole = _whole_looks(swarm)
    swarm.events_told += [News("service", "create", "s99"), News("secret", "create", "x99")] * 20
    time.sleep(1.5)
    assert len(whole) == 0


def test_all_are_looked_at_when_a_node_changes(operator: Operator, swarm: Telling) -> None:
    """Whoever runs there is concerned."""
    swarm.nodes_seen = (replace(NODE, state="down"),)
    swarm.events_told.append(News("node", "update", "n1"))
    for name in ("ada", "bob"):
        operator.wait(name, "is away", lambda s: "down" in s.message)
    swarm.nodes_seen = (NODE,)
    swarm.events_told.append(News("node", "update", "n1"))
    operator.wait("ada", "is back", lambda s: s.phase is Phase.RUNNING)


def _whole_looks(swarm: Telling) -> list[str]:
    """Return a list to which each look at all adds."""
    found: list[str] = []
    services = swarm.services

    def listed(store: str, notebook: str = "") -> object:
        if not notebook:
            found.append(store)
        return services(store, notebook)

    swarm.services = listed  # type: ignore[assignment,method-assign]
    return found

"""Among many notebooks: whose look at a notebook has to be its own, and whose may be older."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, NotebookStatus, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.engine import observer
from swarmhub_operator.engine.observed import Service
from swarmhub_operator.loop import enginewatch
from unit.operator.fakeswarm import FakeSwarm, Operator

NEVER = Policy(sweep=SweepPolicy(interval=3600))


class Told(FakeSwarm):
    """A Swarm that keeps what it was asked: "look NAME" for a close look, and each change."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.before = self.asked.append

    def services(self, store: str, notebook: str = "") -> tuple[Service, ...]:
        """Return the services of a notebook, or of all."""
        self.asked.append(f"look {notebook}")
        return super().services(store, notebook)


@pytest.fixture
def swarm() -> Told:
    """Return an empty Swarm."""
    return Told()


@pytest.fixture
def operator(store: Store, swarm: Told, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """Yield an operator to which any number of notebooks are many, and that looks seldom."""
    monkeypatch.setattr(observer, "CLOSE_ABOVE", -1)
    monkeypatch.setattr(enginewatch, "STEADY", 3600.0)
    made = Operator(store, swarm, NEVER)
    yield made
    made.stop()


def settled(operator: Operator, swarm: Told, check: Callable[[NotebookStatus], bool]) -> None:
    """Wait until a notebook is as told and nothing is asked any more; forget what was asked."""
    operator.wait("ada", "is settled", check)

    def is_quiet() -> bool:
        before = len(swarm.asked)
        time.sleep(0.3)
        return len(swarm.asked) == before

    wait_for("nothing to be asked", is_quiet, timeout=20)


def until(swarm: Told, change: str) -> list[str]:
    """Return the close looks at ada and the changes, up to one of them."""
    wait_for(change, lambda: change in swarm.asked, timeout=20)
    told = swarm.asked[: swarm.asked.index(change) + 1]
    return [what for what in told if what == "look ada" or what.startswith(("create", "remove"))]


def test_a_first_start_needs_no_look_of_its_own(operator: Operator, swarm: Told) -> None:
    """That there is nothing of it, the last look of all has told."""
    wait_for("a first look", lambda: "look " in swarm.asked, timeout=20)
    operator.apply("ada")
    assert until(swarm, "create_service") == ["create_service"]


def test_what_is_there_is_removed_by_a_look_of_now(operator: Operator, swarm: Told) -> None:
    """A task may have begun since; only it can tell where a home is."""
    operator.apply("ada")
    settled(operator, swarm, lambda s: s.phase is Phase.RUNNING)
    swarm.asked.clear()
    operator.store.set_desired("ada", Desired.STOPPED)
    assert until(swarm, "remove_service") == ["look ada", "remove_service"]


def test_what_is_replaced_is_removed_by_a_look_of_now_too(operator: Operator, swarm: Told) -> None:
    """It is to run still; and where its home is, the task that goes may be the only one to tell."""
    operator.apply("ada")
    settled(operator, swarm, lambda s: s.phase is Phase.RUNNING)
    swarm.asked.clear()
    operator.apply("ada", image="better")
    assert until(swarm, "remove_service") == ["look ada", "remove_service"]

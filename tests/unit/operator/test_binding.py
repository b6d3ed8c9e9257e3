"""Which homes are known to lie somewhere: a service's tasks tell, also once it is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.records import NOW, home, home_mount, node, notebook, service, task, wanted
from swarmhub_crds.home import HomePhase, HomeStatus
from swarmhub_crds.notebook import Desired
from swarmhub_operator.decide.binding import bindings
from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.engine.observed import Service, Task, TaskState
from swarmhub_operator.engine.snapshot import index

HOME = "home-ada"


def ada(phase: HomePhase = HomePhase.PENDING, **values: Any) -> Wanted:
    """Return a notebook with one home that is bound to no node."""
    record = notebook(mounts=(home_mount(),), **values)
    return wanted(record, home().model_copy(update={"status": HomeStatus(phase=phase)}))


def of(*tasks: Task) -> tuple[Task, ...]:
    """Return tasks of ada's that mount its home."""
    return tuple(replace(t, notebook="ada", volumes=frozenset({HOME})) for t in tasks)


def places(for_whom: Wanted, services: tuple[Service, ...], tasks: tuple[Task, ...]) -> list[str]:
    """Return the nodes to which homes are to be bound."""
    seen = index(0.0, services, tasks, (), (node("n1"), node("n2")))
    return [str(status.node_id) for _, status in bindings(for_whom, seen, NOW)]


@pytest.mark.parametrize("desired", list(Desired))
def test_the_task_of_a_removed_service_still_tells(desired: Desired) -> None:
    """Somebody removed it before anybody saw it run; its last task is still ending."""
    ending = task(desired_state="remove", node_id="n2")
    assert places(ada(desired=desired), (), of(ending)) == ["n2"]
    assert places(ada(), (service(ada().notebook),), of(task())) == ["n1"]


def test_a_task_that_never_began_tells_nothing() -> None:
    """It may have been placed, and yet have left nothing there."""
    assert places(ada(), (), of(task(TaskState.PREPARING, desired_state="remove"))) == []


def test_what_another_start_mounted_tells_nothing() -> None:
    """The record was changed meanwhile; what ends has had other homes."""
    ending = replace(task(desired_state="remove"), notebook="ada", volumes=frozenset({"other"}))
    assert places(ada(), (), (ending,)) == []


def test_what_ends_on_a_dead_node_tells_nothing() -> None:
    """It never ends there, also when a person has given the home up that it had."""
    dead = node("n1", state="down")
    seen = index(0.0, (), of(task(desired_state="remove")), (), (dead,))
    assert list(bindings(ada(), seen, NOW)) == []


def test_a_home_without_its_user_is_not_taken_back_by_what_ends() -> None:
    """Only a server that is meant to stay brings its user back."""
    ending = task(desired_state="remove")
    assert places(ada(HomePhase.RELEASED), (), of(ending)) == []

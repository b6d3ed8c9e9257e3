"""Quotas and the start rate in the loop, on a real store and a Swarm in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.records import NOW
from support.waiting import wait_for
from swarmhub_crds.base import find_condition
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.quota_policy import Quota, Quotas, StartRate
from swarmhub_operator.decide.verdict import mark
from unit.operator.fakeswarm import FakeSwarm, Operator

MANY = [f"u{n}" for n in range(12)]
Operate = Callable[[Policy], Operator]


@pytest.fixture
def swarm() -> FakeSwarm:
    """Return an empty Swarm."""
    return FakeSwarm()


@pytest.fixture
def operate(tmp_path: Path, swarm: FakeSwarm) -> Iterator[Operate]:
    """Yield a function that starts the operator; it ends with the test."""
    store = Store.open(f"sqlite:///{tmp_path}/state.db")
    made: list[Operator] = []

    def start(policy: Policy) -> Operator:
        made.append(Operator(store, swarm, policy))
        return made[-1]

    yield start
    for one in made:
        one.stop()
    store.close()


def runs(status: NotebookStatus) -> bool:
    """Tell whether a notebook runs."""
    return status.phase is Phase.RUNNING


def refused(status: NotebookStatus) -> bool:
    """Tell whether a start was refused for a quota."""
    accepted = find_condition(status.conditions, ConditionType.ACCEPTED)
    return status.phase is Phase.FAILED and getattr(accepted, "reason", "") == "QuotaExceeded"


def test_no_two_workers_pass_at_once(operate: Operate, swarm: FakeSwarm) -> None:
    """All start together, and exactly as many as may be get a service."""
    operator = operate(Policy(quotas=Quotas(total=Quota(notebooks=5)), starts_per_core=100))
    for name in MANY:
        operator.apply(name)
    done = "run or are refused"
    for name in MANY:
        operator.wait(name, done, lambda s: runs(s) or refused(s))
    assert sum(runs(operator.status(name)) for name in MANY) == 5
    assert swarm.calls["create_service"] == 5


def test_who_stops_a_server_may_start_another_at_once(operate: Operate, swarm: FakeSwarm) -> None:
    """What was about to be made, and what has gone, is not counted for a while yet."""
    operator = operate(Policy(quotas=Quotas(user=Quota(notebooks=1))))
    operator.apply("ada")
    operator.wait("ada", "runs", runs)
    second = operator.apply("ada", server="lab").metadata.name
    operator.wait(second, "is refused", refused)
    assert "stop another server of yours" in operator.status(second).message
    operator.store.set_desired("ada", Desired.STOPPED)
    operator.wait("ada", "is stopped", lambda s: s.phase is Phase.STOPPED)
    operator.store.set_desired(second, Desired.STOPPED)
    operator.apply("ada", server="lab")
    operator.wait(second, "runs", runs)
    operator.apply("bob")
    operator.wait("bob", "runs beside it", runs)


def test_a_status_that_claims_to_have_been_unreadable_opens_nothing(
    operate: Operate, swarm: FakeSwarm
) -> None:
    """The hub can write it: such a start begins afresh, and is counted like any other."""
    operator = operate(Policy(quotas=Quotas(total=Quota(notebooks=1))))
    operator.apply("ada")
    operator.wait("ada", "runs", runs)
    operator.stop()
    operator = operate(Policy(quotas=Quotas(total=Quota(notebooks=1))))
    record = operator.apply("eve")
    claim = mark(record.status, ConditionType.VALID, False, "Broken", "", NOW).model_copy(
        update={"observed_generation": record.metadata.generation, "phase": Phase.FAILED}
    )
    with closing(sqlite3.connect(operator.store.url.removeprefix("sqlite:///"))) as table, table:
        claimed = (claim.model_dump_json(by_alias=True), "eve")
        table.execute("UPDATE notebooks SET status = ? WHERE name = ?", claimed)
    operator.apply("eve", server="lab")
    operator.wait("eve", "is refused", refused)
    assert swarm.calls["create_service"] == 1


def test_a_store_of_another_identity_gets_no_second_total(
    operate: Operate, swarm: FakeSwarm, tmp_path: Path
) -> None:
    """A hub that changes its store's identity does not have what it has started forgotten."""
    operator = operate(Policy())
    operator.apply("ada")
    operator.wait("ada", "runs", runs)
    operator.stop()
    both = Policy(quotas=Quotas(total=Quota(notebooks=1), user=Quota(notebooks=1)))
    with closing(Store.open(f"sqlite:///{tmp_path}/another.db")) as another:
        operator = Operator(another, swarm, both)
        try:
            operator.apply("bob")
            operator.wait("bob", "is refused", refused)
            assert "All servers may be 1 at most, and 1 is" in operator.status("bob").message
        finally:
            operator.stop()
    assert swarm.calls["create_service"] == 1


def test_a_lower_quota_ends_nothing_that_runs(operate: Operate, swarm: FakeSwarm) -> None:
    """Nor does it keep one that crashed from its restart."""
    operator = operate(Policy())
    for name in ("ada", "bob"):
        operator.apply(name)
        operator.wait(name, "runs", runs)
    operator.stop()
    operator = operate(Policy(quotas=Quotas(total=Quota(notebooks=1))))
    swarm.end_task("jupyter-ada")
    operator.wait("ada", "is restarted", lambda s: s.restarts == 1 and runs(s))
    operator.apply("cleo")
    operator.wait("cleo", "is refused", refused)
    assert runs(operator.status("bob"))
    assert swarm.calls["create_service"] == 2


def test_beyond_the_rate_a_start_waits_in_line(operate: Operate, swarm: FakeSwarm) -> None:
    """And its user reads so; nobody is refused."""
    operator = operate(Policy(start_rate=StartRate(per_minute=1), starts_per_core=100))
    operator.apply("ada")
    operator.wait("ada", "runs", runs)
    operator.apply("bob")
    operator.wait("bob", "waits", lambda s: s.message == "1st in line to start.")
    wait_for("ada to run on", lambda: runs(operator.status("ada")))
    assert swarm.calls["create_service"] == 1

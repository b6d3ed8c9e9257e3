"""What an operator at work exposes, and that neither the store nor the engine spoil a scrape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from support.waiting import wait_for
from swarmhub_crds.errors import Conflict, LeaseLost, Reason, StoreError, StoreUnavailable
from swarmhub_crds.notebook import Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.loop import scraping
from swarmhub_operator.loop.measured import measured
from swarmhub_operator.loop.metrics import Metrics, Outcome, Step, outcome_of
from swarmhub_operator.loop.scraping import StateCollector
from unit.operator.fakeswarm import FakeSwarm, Operator
from unit.operator.scraped import scrape


@pytest.fixture
def operator(store: Store) -> Iterator[Operator]:
    """Yield an operator at work, whose sweeps come often."""
    made = Operator(store, FakeSwarm(), Policy(sweep=SweepPolicy(interval=0.3)))
    yield made
    made.stop()


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def test_a_start_can_be_read_off(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks, actions, calls, waits, phases and sweeps, of one notebook."""
    registry = operator.metrics.registry
    operator.apply("ada")
    operator.wait("ada", "to run", lambda status: status.phase is Phase.RUNNING)
    wait_for("a sweep", lambda: scrape(registry)["swarmhub_last_sweep_timestamp_seconds"] > 1e9)
    monkeypatch.setattr(scraping, "KEPT", 0.0)
    found = scrape(registry)
    assert found['swarmhub_reconcile_total{outcome="done"}'] > 0
    assert found['swarmhub_reconcile_duration_seconds_count{step="observe"}'] > 0
    assert found['swarmhub_actions_total{action="CreateService",outcome="done"}'] == 1
    assert found['swarmhub_engine_requests_total{outcome="done",verb="create_service"}'] == 1
    assert found['swarmhub_engine_request_duration_seconds_count{verb="tasks"}'] > 0
    assert found["swarmhub_start_duration_seconds_count"] == 1
    assert found["swarmhub_store_up"] == 1
    assert found['swarmhub_notebooks{phase="Running"}'] == 1
    assert found['swarmhub_notebooks{phase="Failed"}'] == 0
    assert found['swarmhub_homes{phase="Bound"}'] == 1
    assert found["swarmhub_store_revision"] == operator.store.revision()
    assert found['swarmhub_queue_depth{lane="changed"}'] >= 0
    assert found["swarmhub_lease_held"] == 1
    assert found["swarmhub_lease_fence"] == operator.leadership.fence


def test_no_name_is_a_label(operator: Operator) -> None:
    """Names are people's, and their number grows with the site."""
    for user in ("ada", "grace"):
        operator.apply(user)
    operator.wait("grace", "to run", lambda status: status.phase is Phase.RUNNING)
    names = " ".join(scrape(operator.metrics.registry))
    assert not re.search(r"ada|grace|jupyter", names)


def test_a_lease_given_back_is_told(operator: Operator) -> None:
    """No fence without a lease."""
    operator.leadership.release()
    found = scrape(operator.metrics.registry)
    assert found["swarmhub_lease_held"] == 0
    assert "swarmhub_lease_fence" not in found


def test_before_anything_is_there() -> None:
    """A standby that waits for its store is scraped as well."""
    found = scrape(Metrics().registry)
    assert (found["swarmhub_store_up"], found["swarmhub_lease_held"]) == (0, 0)
    assert not any(name.startswith(("swarmhub_notebooks", "swarmhub_queue")) for name in found)


@pytest.mark.parametrize(
    "error", [StoreUnavailable(Reason.LOCKED, "It is locked."), RuntimeError("closed")]
)
def test_a_store_that_fails_leaves_its_gauges_out(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """And is told to be down; what was counted before is not told for now."""

    def fail(_store: Store) -> None:
        raise error

    metrics, clock = Metrics(), Clock()
    metrics.registry.unregister(metrics.state)
    state = StateCollector(clock)
    state.store = store
    metrics.registry.register(state)
    assert scrape(metrics.registry)["swarmhub_store_up"] == 1
    monkeypatch.setattr(Store, "list_notebooks", fail)
    assert scrape(metrics.registry)["swarmhub_store_up"] == 1  # told again
    clock.now = scraping.KEPT
    found = scrape(metrics.registry)
    assert found["swarmhub_store_up"] == 0
    assert not any(name.startswith("swarmhub_notebooks") for name in found)
    monkeypatch.undo()
    clock.now = 2 * scraping.KEPT
    assert scrape(metrics.registry)["swarmhub_store_up"] == 1


def test_a_store_that_hangs_holds_up_one_scrape_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who scrapes while another one reads gets what is known."""
    metrics = Metrics()
    metrics.state.store = store
    within: list[dict[str, float]] = []
    real = Store.list_homes

    def slow(its: Store) -> object:
        within.append(scrape(metrics.registry))
        return real(its)

    monkeypatch.setattr(Store, "list_homes", slow)
    assert scrape(metrics.registry)["swarmhub_store_up"] == 1
    assert [found["swarmhub_store_up"] for found in within] == [0]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Conflict("It moved on."), Outcome.CONFLICT),
        (LeaseLost("Another acts."), Outcome.LEASE_LOST),
        (StoreUnavailable(Reason.FULL, "It is full."), Outcome.STORE_ERROR),
        (StoreError("It refuses."), Outcome.STORE_ERROR),
        (EngineError(Kind.STALE, "Look again."), Outcome.ENGINE_ERROR),
        (KeyError("x"), Outcome.FAULT),
    ],
)
def test_each_end_of_a_look_has_its_word(error: Exception, outcome: Outcome) -> None:
    """The error goes on to whoever deals with it."""
    metrics = Metrics()
    with pytest.raises(type(error)), metrics.count_reconcile():
        raise error
    assert outcome_of(error) is outcome
    found = scrape(metrics.registry)
    counted = {key: n for key, n in found.items() if key.startswith("swarmhub_reconcile_total")}
    assert counted.pop(f'swarmhub_reconcile_total{{outcome="{outcome}"}}') == 1
    assert set(counted.values()) == {0}


def test_a_step_that_fails_is_measured_too() -> None:
    """The slow ones are often those that fail."""
    metrics, clock = Metrics(), Clock()
    with suppress(KeyError), metrics.measure(Step.APPLY, clock):
        clock.now = 3.0
        raise KeyError
    assert scrape(metrics.registry)['swarmhub_reconcile_duration_seconds_sum{step="apply"}'] == 3


def test_calls_of_the_engine() -> None:
    """Their outcome is the kind of the error, which goes on."""
    metrics, swarm, clock = Metrics(), FakeSwarm(), Clock()
    engine = measured(swarm, metrics, clock)

    def fail(_method: str) -> None:
        clock.now += 2.0
        raise EngineError(Kind.IN_USE, "It is in use.")

    assert engine.nodes() == swarm.nodes_seen
    swarm.before = fail
    with pytest.raises(EngineError, match="in use"):
        engine.nodes()
    found = scrape(metrics.registry)
    assert found['swarmhub_engine_requests_total{outcome="done",verb="nodes"}'] == 1
    assert found['swarmhub_engine_requests_total{outcome="in-use",verb="nodes"}'] == 1
    assert found['swarmhub_engine_request_duration_seconds_sum{verb="nodes"}'] == 2

"""What the operator counts and measures, for Prometheus.

Durations are seconds. A label's values are words of ours (steps, kinds of actions, outcomes); the
name of a user or of a notebook is none, so that their number does not grow with the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.metadata import version
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from swarmhub_crds.errors import Conflict, LeaseLost, StoreError

from swarmhub_operator.decide.actions import Action
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.loop.scraping import StateCollector

# Seconds; a look at the engine takes milliseconds, a measurement of volumes up to minutes.
_CALL = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# Seconds that a person waits: a start takes a few, one that pulls its image minutes.
_WAIT = (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Step(StrEnum):
    """The steps of a reconciliation that are measured."""

    OBSERVE = "observe"
    DECIDE = "decide"
    APPLY = "apply"


class Outcome(StrEnum):
    """How a reconciliation or a call ended; of a failed call of the engine, its `Kind` tells."""

    DONE = "done"
    CONFLICT = "conflict"  # the record had changed: done again at once
    ENGINE_ERROR = "engine-error"  # done again later, as after each of the others
    STORE_ERROR = "store-error"
    LEASE_LOST = "lease-lost"  # another operator acts now
    FAULT = "fault"  # an error that nobody had thought of


def outcome_of(error: Exception) -> Outcome:
    """Return how what raised `error` ended."""
    kinds = (
        (Conflict, Outcome.CONFLICT),
        (LeaseLost, Outcome.LEASE_LOST),
        (StoreError, Outcome.STORE_ERROR),
        (EngineError, Outcome.ENGINE_ERROR),
    )
    return next((outcome for kind, outcome in kinds if isinstance(error, kind)), Outcome.FAULT)


class Metrics:
    """The instruments of one operator's process, in a registry of their own. Thread-safe.

    Attributes:
        registry: what is exposed.
        state: what is read at each scrape.
    """

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        self.state = StateCollector()
        own.register(self.state)
        Info("swarmhub_build", "Version of this operator.", registry=own).info(
            {"version": version("swarmhub-operator")}
        )
        self.reconciles = Counter(
            "swarmhub_reconcile_total", "Looks at one notebook.", ["outcome"], registry=own
        )
        self.steps = Histogram(
            "swarmhub_reconcile_duration_seconds",
            "What the steps of a look at one notebook took.",
            ["step"],
            buckets=_CALL,
            registry=own,
        )
        self.actions = Counter(
            "swarmhub_actions_total", "Changes made.", ["action", "outcome"], registry=own
        )
        self.requests = Counter(
            "swarmhub_engine_requests_total",
            "Calls of the engine.",
            ["verb", "outcome"],
            registry=own,
        )
        self.request_durations = Histogram(
            "swarmhub_engine_request_duration_seconds",
            "What calls of the engine took.",
            ["verb"],
            buckets=_CALL,
            registry=own,
        )
        self.starts = Histogram(
            "swarmhub_start_duration_seconds",
            "From the wish for a server, as written down, until it answered.",
            buckets=_WAIT,
            registry=own,
        )
        self.starts_failed = Counter(
            "swarmhub_starts_failed_total", "Starts that were given up.", registry=own
        )
        self.recoveries = Histogram(
            "swarmhub_recovery_duration_seconds",
            "From when a server was seen to be gone until it answered again.",
            buckets=_WAIT,
            registry=own,
        )
        self.recoveries_failed = Counter(
            "swarmhub_recoveries_failed_total", "Recoveries that were given up.", registry=own
        )
        self.last_sweep = Gauge(
            "swarmhub_last_sweep_timestamp_seconds",
            "When this process last ended a sweep; 0: not yet.",
            registry=own,
        )
        self.sweeps = Histogram(
            "swarmhub_sweep_duration_seconds",
            "What sweeps took: to look at everything, to compare, and to remove garbage.",
            buckets=_CALL,
            registry=own,
        )
        # What is there at 0 from the beginning is not missed when it happens for the first time.
        for outcome in Outcome:
            self.reconciles.labels(outcome)
        for action in get_args(Action):
            self.actions.labels(action.__name__, Outcome.DONE)
        for step in Step:
            self.steps.labels(step)

    @contextmanager
    def count_reconcile(self) -> Iterator[None]:
        """Count one reconciliation, however it ends."""
        outcome = Outcome.DONE
        try:
            yield
        except Exception as error:
            outcome = outcome_of(error)
            raise
        finally:
            self.reconciles.labels(outcome).inc()

    @contextmanager
    def measure(self, step: Step, clock: Callable[[], float]) -> Iterator[None]:
        """Measure one step of a reconciliation, however it ends."""
        began = clock()
        try:
            yield
        finally:
            self.steps.labels(step).observe(clock() - began)

"""How long people wait is told from the phases that are written down, of any order of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from swarmhub_crds.base import Metadata
from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase
from swarmhub_operator.loop.metrics import Metrics
from swarmhub_operator.loop.waits import Waits
from unit.operator.fakeswarm import spec

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
P, S, R, B, F, X = (
    Phase.PENDING,
    Phase.STARTING,
    Phase.RUNNING,
    Phase.BACK_OFF,
    Phase.FAILED,
    Phase.STOPPED,
)


class History:
    """One notebook's phases, ten seconds apart."""

    def __init__(self, status: NotebookStatus | None = None) -> None:
        self.metrics = Metrics()
        self.waits = Waits(self.metrics)
        self.status = status or NotebookStatus()
        self.generation = self.status.observed_generation
        self.now = self.written = BEGAN

    def write_spec(self) -> None:
        """Have the hub write down a wish; the operator sees it by the next phase."""
        self.generation += 1
        self.written = self.now

    def go(self, *phases: Phase, failed: str | None = None) -> None:
        """Write down one phase after another."""
        for phase in phases:
            self.now += timedelta(seconds=10)
            meta = Metadata(
                name="ada",
                uid="u",
                generation=max(1, self.generation),
                resource_version=1,
                created_at=BEGAN,
                updated_at=self.now,
                spec_written_at=self.written,
            )
            status = NotebookStatus(
                observed_generation=self.generation, phase=phase, failed_task_id=failed
            )
            record = Notebook(metadata=meta, spec=spec("ada"), status=self.status)
            self.waits.note(record, status, self.now)
            self.status = status

    def told(self) -> tuple[list[float], list[float]]:
        """Return number, seconds and failures of starts, and the same of recoveries."""
        return self._of("start", "starts"), self._of("recovery", "recoveries")

    def _of(self, one: str, several: str) -> list[float]:
        duration = f"swarmhub_{one}_duration_seconds"
        names = (f"{duration}_count", f"{duration}_sum", f"swarmhub_{several}_failed_total")
        return [self.metrics.registry.get_sample_value(name) or 0.0 for name in names]


NONE = [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("phases", "starts", "recoveries"),
    [
        ((P, S, R), [1, 30, 0], NONE),
        ((S, B, S, R), [1, 40, 0], NONE),  # one that fails at first is not yet a recovery
        ((R,), [1, 10, 0], NONE),
        ((P, F), [0, 0, 1], NONE),
        ((F, F), [0, 0, 1], NONE),  # said again, not failed again
        ((P, S, X), NONE, NONE),  # given up by its user
        ((S, R, B, S, R), [1, 20, 0], [1, 20, 0]),
        ((R, S, R, P, R), [1, 10, 0], [2, 20, 0]),
        ((R, B, F), [1, 10, 0], [0, 0, 1]),
        ((R, X), [1, 10, 0], NONE),
    ],
)
def test_what_is_told_of_one_wish(
    phases: tuple[Phase, ...], starts: list[float], recoveries: list[float]
) -> None:
    """Number, seconds and failures of starts, and of recoveries."""
    history = History()
    history.write_spec()
    history.go(*phases)
    assert history.told() == (starts, recoveries)


def test_a_new_wish_is_a_new_start() -> None:
    """Also when the old server ran, or was on its way back."""
    history = History()
    for phases in ((R,), (S, R, B), (P, R)):
        history.write_spec()
        history.go(*phases)
    assert history.told() == ([3, 50, 0], NONE)


def test_a_new_wish_that_changes_nothing_is_no_start() -> None:
    """Nobody has waited: the server ran all the time."""
    history = History()
    history.write_spec()
    history.go(R)
    history.write_spec()
    history.go(R)
    assert history.told() == ([1, 10, 0], NONE)


@pytest.mark.parametrize(
    ("failed", "starts"),
    [(None, [1, 10, 0]), ("t1", NONE)],
)
def test_what_began_before_this_process(failed: str | None, starts: list[float]) -> None:
    """A first start is told from its record; since when one that failed was gone nobody knows."""
    history = History(
        NotebookStatus(observed_generation=3, phase=Phase.STARTING, failed_task_id=failed)
    )
    history.go(R)
    assert history.told() == (starts, NONE)


def test_a_clock_that_was_set_back_tells_no_negative_time() -> None:
    """Prometheus would refuse the histogram."""
    history = History()
    history.write_spec()
    history.written = BEGAN + timedelta(hours=1)
    history.go(R)
    assert history.told() == ([1, 0, 0], NONE)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(list(Phase))), max_size=20))
def test_nothing_is_told_twice_or_forgotten_to_be_let_go(steps: list[tuple[bool, Phase]]) -> None:
    """At most one end a step; and who is at rest is kept nowhere."""
    history = History()
    history.write_spec()
    for anew, phase in steps:
        before = _ends(history)
        if anew:
            history.write_spec()
        history.go(phase)
        assert 0 <= _ends(history) - before <= 1
        if phase not in (P, S, B):
            assert not history.waits._waits


def _ends(history: History) -> float:
    starts, recoveries = history.told()
    return starts[0] + starts[2] + recoveries[0] + recoveries[2]

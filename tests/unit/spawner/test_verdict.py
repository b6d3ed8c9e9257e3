"""What a record means for start and poll."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from swarmhub_crds.base import Condition, ConditionStatus, Metadata
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec, NotebookStatus, Phase
from swarmhub_spawner.verdict import Ended, Ready, exit_code, failed, has_stopped, start_verdict

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
READY = Condition(
    type="Ready", status=ConditionStatus.TRUE, reason="Answers", last_transition_time=NOW
)
REFUSED = Condition(
    type="Accepted",
    status=ConditionStatus.FALSE,
    reason="ImageNotAllowed",
    message="No.",
    last_transition_time=NOW,
)


def record(
    *, desired: Desired = Desired.RUNNING, observed: int = 3, deleted: bool = False, **status: Any
) -> Notebook:
    """Return a record at generation 3."""
    return Notebook(
        metadata=Metadata(
            name="ada",
            uid="u1",
            generation=3,
            resource_version=1,
            created_at=NOW,
            updated_at=NOW,
            deletion_requested_at=NOW if deleted else None,
        ),
        spec=NotebookSpec(user="ada", desired=desired, image="i", command=("c",), networks=("n",)),
        status=NotebookStatus(observed_generation=observed, **status),
    )


def test_ready_needs_generation_condition_and_address() -> None:
    """An answer of an earlier start is not this start's."""
    whole: dict[str, Any] = {"conditions": (READY,), "address": "http://n:1"}
    assert start_verdict(record(**whole)) == Ready("http://n:1")
    assert start_verdict(record(observed=2, **whole)) is None
    assert start_verdict(record(conditions=(READY,))) is None
    assert start_verdict(record(address="http://n:1")) is None


def test_a_start_goes_on_through_back_off() -> None:
    """The operator owns the budget; the spawner waits."""
    assert start_verdict(record(phase=Phase.BACK_OFF, message="again soon")) is None


@pytest.mark.parametrize(
    ("notebook", "status_code", "sentence"),
    [
        (record(phase=Phase.FAILED, message="Gone."), 500, "Gone."),
        (record(phase=Phase.PENDING, conditions=(REFUSED,)), 403, "No."),
        (record(desired=Desired.STOPPED), 500, "was stopped while it started"),
        (record(deleted=True), 500, "is being deleted"),
    ],
)
def test_a_start_that_is_over(notebook: Notebook, status_code: int, sentence: str) -> None:
    """Each end has its sentence and its HTTP status."""
    verdict = start_verdict(notebook)
    assert isinstance(verdict, Ended)
    assert verdict.status_code == status_code
    assert sentence in verdict.text.plain


def test_an_old_failure_does_not_end_a_new_start() -> None:
    """A status of an earlier generation is history."""
    assert start_verdict(record(observed=2, phase=Phase.FAILED)) is None
    assert exit_code(record(observed=2, phase=Phase.FAILED, exit_code=9)) is None
    assert not failed(record(observed=2, phase=Phase.FAILED))


@pytest.mark.parametrize(
    ("notebook", "code"),
    [
        (None, 0),
        (record(desired=Desired.STOPPED, phase=Phase.RUNNING), 0),
        (record(phase=Phase.RUNNING), None),
        (record(phase=Phase.BACK_OFF, exit_code=1), None),
        (record(observed=5, phase=Phase.RUNNING, desired=Desired.STOPPED), None),
        (record(phase=Phase.FAILED, exit_code=137), 137),
        (record(phase=Phase.FAILED), 1),
        (record(phase=Phase.FAILED, exit_code=0), 1),
        (record(phase=Phase.STOPPED), 0),
    ],
)
def test_the_answer_of_poll(notebook: Notebook | None, code: int | None) -> None:
    """None while it should run and was not given up, whatever its phase."""
    assert exit_code(notebook) == code


def test_stopped_means_observed() -> None:
    """A stop is over when the operator has acted on it, or nothing is left."""
    assert has_stopped(None)
    assert has_stopped(record(desired=Desired.STOPPED, phase=Phase.STOPPED))
    assert has_stopped(record(desired=Desired.STOPPED, phase=Phase.FAILED))
    assert not has_stopped(record(desired=Desired.STOPPED, phase=Phase.STOPPED, observed=2))
    assert not has_stopped(record(desired=Desired.STOPPED, phase=Phase.STOPPING))
    assert not has_stopped(record(phase=Phase.STOPPED))

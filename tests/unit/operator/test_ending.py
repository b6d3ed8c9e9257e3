"""A service is made once the container of the one before has ended."""

from __future__ import annotations

import pytest
from support.records import (
    context,
    later,
    node,
    notebook,
    observed,
    ready_status,
    reason,
    task,
    wanted,
)
from swarmhub_crds.container import Container
from swarmhub_crds.notebook import ConditionType, Phase
from swarmhub_operator.decide.actions import CreateService
from swarmhub_operator.decide.ending import GRACE, LATE
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine.observed import Task, TaskState

DYING = task(desired_state="remove")


def _creates(verdict: Verdict) -> bool:
    return any(isinstance(action, CreateService) for action in verdict.actions)


def _after_removal(*ending: Task, **values: object) -> Observed:
    return observed(service=None, task=None, ending=ending, **values)


def test_waits_for_the_removed_server() -> None:
    """While the old container may still answer at the address, no new one is made."""
    verdict = plan(
        wanted(notebook(status=ready_status())), _after_removal(DYING), context(later(1))
    )
    assert not _creates(verdict)
    assert verdict.status.phase is Phase.PENDING
    assert verdict.status.message == "Waiting for the server before it to end."
    assert reason(verdict.status, ConditionType.SCHEDULED) == "Ending"
    assert verdict.look_again == pytest.approx(0.1)


@pytest.mark.parametrize("state", [TaskState.SHUTDOWN, TaskState.REMOVE, TaskState.FAILED])
def test_goes_on_when_it_has_ended(state: TaskState) -> None:
    """An ended task has no container."""
    ended = task(state, desired_state="remove")
    assert _creates(plan(wanted(notebook(status=ready_status())), _after_removal(ended), context()))


def test_goes_on_when_its_node_is_dead() -> None:
    """What lies on a node that is down ends when the node comes back; nobody knows when."""
    seen = _after_removal(DYING, nodes={"n1": node(state="down")})
    assert _creates(plan(wanted(notebook(status=ready_status())), seen, context()))


def test_waits_for_a_bounded_time() -> None:
    """A container that cannot be stopped keeps nobody waiting for ever."""
    first = plan(wanted(notebook(status=ready_status())), _after_removal(DYING), context(later(5)))
    record = wanted(notebook(status=first.status))
    bound = GRACE + LATE
    still = plan(record, _after_removal(DYING), context(later(5 + bound - 1)))
    assert not _creates(still)
    assert still.status == first.status
    assert _creates(plan(record, _after_removal(DYING), context(later(5 + bound + 1))))
    slow = wanted(notebook(status=first.status, container=Container(stop_grace=60)))
    assert not _creates(plan(slow, _after_removal(DYING), context(later(5 + 64))))
    assert _creates(plan(slow, _after_removal(DYING), context(later(5 + 66))))
    # Also when the clock was set back by an hour meanwhile.
    assert _creates(plan(record, _after_removal(DYING), context(later(-3600))))

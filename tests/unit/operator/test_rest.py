"""Which records cost the periodic pass nothing."""

from __future__ import annotations

from typing import Any

import pytest
from support.records import NOW, notebook, ready_status, status
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase
from swarmhub_crds.store import Broken
from swarmhub_operator.decide.verdict import failed
from swarmhub_operator.loop.rest import is_at_rest, name_of, seems_right

WHY = "The stored spec of notebook 'ada' cannot be read."


def broken(reported: NotebookStatus | None, *, deleted: bool = False) -> Broken:
    """Return a record that cannot be read, of this status."""
    marked = NOW if deleted else None
    return Broken("Notebook", "ada", "uid-ada", WHY, reported, 1, marked)


def test_a_notebook_that_has_stopped_is_at_rest() -> None:
    """Also one that had failed and was then stopped by the hub."""
    for phase in (Phase.STOPPED, Phase.FAILED):
        assert is_at_rest(notebook(status=status(phase), desired=Desired.STOPPED))


@pytest.mark.parametrize(
    "values",
    [
        {"desired": Desired.RUNNING},
        {"desired": Desired.STOPPED, "generation": 2},
        {"desired": Desired.STOPPED, "deleted": True},
        {"desired": Desired.STOPPED, "status": status(Phase.STOPPING)},
        {"desired": Desired.STOPPED, "status": status(Phase.FAILED, service_id="s1")},
        {"desired": Desired.RUNNING, "status": ready_status()},
    ],
)
def test_whatever_is_to_be_done_is_not_at_rest(values: dict[str, Any]) -> None:
    """One reason is enough."""
    assert not is_at_rest(notebook(**{"status": status(Phase.STOPPED), **values}))


def test_what_runs_by_its_own_word_can_wait() -> None:
    """When an operator takes over: behind what is on its way, fails, stops or was written anew."""
    assert seems_right(notebook(status=ready_status()))
    others: list[dict[str, Any]] = [
        {"generation": 2},
        {"deleted": True},
        {"desired": Desired.STOPPED},
        {"status": status(Phase.STARTING)},
        {"status": status(Phase.BACK_OFF)},
    ]
    for values in others:
        assert not seems_right(notebook(**{"status": ready_status(), **values}))


def test_an_unreadable_record_rests_once_it_says_so_itself() -> None:
    """Until then, and when it is being deleted, it is looked at."""
    said = failed(status(), ConditionType.VALID, "InvalidRecord", WHY, NOW).status
    other = failed(status(), ConditionType.VALID, "InvalidRecord", "Otherwise.", NOW).status
    assert is_at_rest(broken(said))
    assert not is_at_rest(broken(other))
    assert not is_at_rest(broken(status(message=WHY)))
    assert not is_at_rest(broken(None))
    assert not is_at_rest(broken(said, deleted=True))


def test_every_record_has_a_name() -> None:
    """Whether or not it can be read."""
    assert name_of(broken(None)) == name_of(notebook()) == "ada"

"""What the periodic pass leaves out, and what makes it judge anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.records import (
    home,
    home_mount,
    later,
    node,
    notebook,
    ready_status,
    secret,
    service,
    task,
    wanted,
)
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase
from swarmhub_operator.decide.actions import RemoveSecret
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine.observed import Node, Secret, Service, Task, TaskState
from swarmhub_operator.engine.snapshot import Snapshot, index
from swarmhub_operator.loop.judged import Judged


def as_written(found: Any, version: int) -> Any:
    """Return a record as another write left it."""
    meta = found.metadata.model_copy(update={"resource_version": version})
    return found.model_copy(update={"metadata": meta})


def record(status: NotebookStatus | None = None) -> Notebook:
    """Return a notebook with a home, which runs."""
    return notebook(status=status or ready_status(), mounts=(home_mount(),))


def homes(version: int = 1) -> dict[str, Home]:
    """Return its home, and one of somebody else."""
    return {"home-ada": as_written(home(), version), "home-bob": home("home-bob")}


def look(
    services: tuple[Service, ...] | None = None,
    tasks: tuple[Task, ...] = (task(TaskState.RUNNING),),
    secrets: tuple[Secret, ...] = (),
    nodes: tuple[Node, ...] = (node(),),
) -> Snapshot:
    """Return a look at one service."""
    found = (service(record()),) if services is None else services
    return index(0.0, found, tasks, secrets, nodes)


@pytest.fixture
def judged() -> Judged:
    """Return one that knows a server that was found to be right."""
    made = Judged()
    made.note(wanted(record(), home()), look(), Verdict(record().status))
    return made


def test_what_is_as_it_was_is_right_still(judged: Judged) -> None:
    """By a look of its own, however much later."""
    assert judged.holds(record(), homes(), look())
    assert judged.holds(record(), homes(), replace(look(), started=1e6))


@pytest.mark.parametrize(
    ("found", "kept", "seen"),
    [
        (as_written(record(), 4), homes(), look()),
        (record(), homes(version=2), look()),
        (record(), {}, look()),
        (record(), homes(), look(())),
        (record(), homes(), look((replace(service(record()), version=99),))),
        (record(), homes(), look((replace(service(record()), id="s9"),))),
        (
            record(),
            homes(),
            look((service(record()), replace(service(record()), id="s9", created_at=later(1)))),
        ),
        (record(), homes(), look(tasks=())),
        (record(), homes(), look(tasks=(task(TaskState.FAILED),))),
        (record(), homes(), look(tasks=(replace(task(TaskState.RUNNING), id="t9"),))),
        (record(), homes(), look(secrets=(secret(record()),))),
        (record(), homes(), look(nodes=(node(state="down"),))),
        (record(), homes(), look(nodes=(node(), node(id="n9")))),
    ],
)
def test_whatever_changes_is_judged_anew(
    judged: Judged, found: Notebook, kept: dict[str, Home], seen: Snapshot
) -> None:
    """Its record, its home, its service and tasks and secrets, and any node."""
    assert not judged.holds(found, kept, seen)


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(record().status, (RemoveSecret("x1", "old"),)),
        Verdict(record().status, look_again=2.0),
        Verdict(record().status.model_copy(update={"restarts": 1})),
    ],
)
def test_what_is_not_done_with_is_judged_anew(judged: Judged, verdict: Verdict) -> None:
    """An action, a wait, or a status that was still to be written."""
    judged.note(wanted(record(), home()), look(), verdict)
    assert not judged.holds(record(), homes(), look())


@pytest.mark.parametrize(
    "status",
    [
        ready_status().model_copy(update={"phase": Phase.STARTING}),
        ready_status().model_copy(update={"message": "Its service was changed by someone else."}),
    ],
)
def test_only_what_runs_as_it_should_is_left_out(status: NotebookStatus) -> None:
    """Of the others more may be decided by than is compared here."""
    judged = Judged()
    judged.note(wanted(record(status), home()), look(), Verdict(status))
    assert not judged.holds(record(status), homes(), look())


def test_what_is_forgotten_is_judged_anew(judged: Judged) -> None:
    """Nothing is kept of who is gone."""
    judged.forget("ada")
    assert not judged.holds(record(), homes(), look())

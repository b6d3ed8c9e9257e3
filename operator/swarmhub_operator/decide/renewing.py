"""A new task in place of another one; with restart policy none Swarm makes none itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from swarmhub_crds.notebook import NotebookStatus

from swarmhub_operator.decide import actions
from swarmhub_operator.decide.build import Placement
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.verdict import SOON, Verdict
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service, Task

SUPERSEDE_WITHIN = 15.0  # seconds that Swarm may take to make the new task of an update


@dataclass(frozen=True, slots=True)
class Seen:
    """A service that is as wanted, and what else one look told."""

    service: Service
    placement: Placement
    observed: Observed
    nowhere: str = ""  # why no node would take a task that waits for one


def move(seen: Seen, task: Task, status: NotebookStatus, why: str) -> Verdict:
    """Ask once for a task in place of one on the wrong node."""
    if superseded(task, seen):
        return Verdict(status, look_again=SOON)
    return force_update(seen, task.id, status, why)


def superseded(task: Task, seen: Seen) -> bool:
    """Return whether an update of ours has already asked for a task in place of this one."""
    recent = seen.observed.unchanged < SUPERSEDE_WITHIN
    return recent and seen.service.labels.get(labels.SUPERSEDES) == task.id


def force_update(seen: Seen, supersedes: str, status: NotebookStatus, why: str) -> Verdict:
    """Ask for a new task, and say which one it supersedes ("" if there is none)."""
    raised = seen.service.force_update + 1
    placement = replace(seen.placement, force_update=raised, supersedes=supersedes)
    update = actions.UpdateService(seen.service.id, seen.service.version, placement, why)
    return Verdict(status, (update,), look_again=SOON)

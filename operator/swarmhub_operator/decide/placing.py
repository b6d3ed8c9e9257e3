"""Where a notebook may run: beside its homes, which are never silently empty elsewhere. Pure.

A home that lies on one node ties its notebook to it. Before a home's first start we choose the
node ourselves, so that it is known where the home is going to be; that choice stands in the
service, and is made anew only if the node is of no use and nothing of the home can be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from swarmhub_crds import constraint, ties
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import ConditionType, Mount, NotebookStatus

from swarmhub_operator.decide.build import Wanted, reservations
from swarmhub_operator.decide.filters import Wish
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.loads import Expected
from swarmhub_operator.decide.place import Choice, place
from swarmhub_operator.decide.verdict import SLOW, Verdict, mark, pending
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Node, Service, Task
from swarmhub_operator.engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a notebook cannot be placed beside its homes; `final` until the spec changes."""

    reason: str
    message: str
    final: bool = True


def pin(wanted: Wanted) -> str | None:
    """Return the node that the notebook's homes tie it to, or None."""
    return next(iter(_tied(wanted)), None)


def _tied(wanted: Wanted) -> dict[str, str]:
    """Return the nodes that hold the notebook's homes: hostname by id."""
    bound = (h.status for h in wanted.homes.values() if h.node_local)
    return {s.node_id: s.node or s.node_id for s in bound if s.node_id}


def settles(wanted: Wanted) -> bool:
    """Return whether some home is on one node once the notebook has started, or may be."""
    return ties.settles(wanted.spec.mounts, wanted.homes)


def _mounts(wanted: Wanted) -> Iterator[Mount]:
    return (mount for mount in wanted.spec.mounts if mount.home)


def _unknown(wanted: Wanted) -> str | None:
    """Return a home whose record is missing or cannot be read."""
    return next((m.volume for m in _mounts(wanted) if m.volume not in wanted.homes), None)


def wish(wanted: Wanted, holders: frozenset[str] = frozenset()) -> Wish:
    """Return what the notebook asks of its node.

    Args:
        wanted: the record with its homes.
        holders: ids of the nodes where others put a home of it that is not bound yet.
    """
    spec = wanted.spec
    tied = frozenset(_tied(wanted)) or (holders if settles(wanted) else frozenset())
    constraints = tuple(constraint.parse(text) for text in spec.constraints)
    return Wish(constraints, Amounts.read(reservations(spec.resources)), tied)


def choose(wanted: Wanted, observed: Observed, now: datetime) -> Choice:
    """Choose a node for the notebook, or tell why there is none."""
    return place(wish(wanted, observed.holders), observed.nodes, observed.loads, now)


def standing_pin(wanted: Wanted, service: Service, task: Task | None) -> str | None:
    """Return the node that a service is to be tied to, as long as that node is of use.

    Where its home is; where a process of it has run, which may have filled the home; or where it
    was to begin.
    """
    if pin(wanted) or not settles(wanted):
        return pin(wanted)
    return task.node_id if task is not None and task.begun else service.pin


def is_adrift(wanted: Wanted, service: Service, observed: Observed) -> bool:
    """Return whether a first start has to go to another node than was chosen for it."""
    if service.pin is None or pin(wanted) or not settles(wanted) or _unknown(wanted):
        return False
    task = observed.task
    if task is not None and task.begun:
        return False
    node = observed.nodes.get(service.pin)
    return node is None or not node.usable or (task is not None and task.stuck)


def beside(wanted: Wanted, snapshot: Snapshot, expected: Mapping[str, Expected]) -> frozenset[str]:
    """Return the nodes where other notebooks put, or are about to put, a home that is not bound.

    Servers of one user may share it: the first one that starts decides where it is.
    """
    volumes = {home.metadata.name for home in _unbound(wanted)}
    found: set[str | None] = set()
    for service in snapshot.tally.mounts_of(volumes):
        if service.labels.get(labels.NOTEBOOK) != wanted.name:
            found |= _homesteads(service, snapshot)
    for name, coming in expected.items():
        if name != wanted.name and name not in snapshot.services and volumes & coming.volumes:
            found.add(coming.node_id)
    return frozenset(ident for ident in found if ident)


def _homesteads(service: Service, snapshot: Snapshot) -> set[str | None]:
    begun = {task.node_id for task in snapshot.tasks.get(service.id, ()) if task.begun}
    node = snapshot.nodes.get(service.pin or "")
    return begun or ({service.pin} if node is not None and node.usable else set())


def needs_place(wanted: Wanted, observed: Observed) -> bool:
    """Return whether it matters what the nodes have left: something waits to be placed."""
    if observed.service is None:
        return True
    if observed.task is not None and observed.task.stuck:
        return True
    if is_leaving(wanted, observed):
        return True
    return is_adrift(wanted, observed.service, observed)


def is_leaving(wanted: Wanted, observed: Observed) -> bool:
    """Return whether what nothing ties to its node has to go: that is down, or to be emptied."""
    task = observed.task
    node = observed.nodes.get(task.node_id or "") if task is not None and not task.ended else None
    return node is not None and (node.state == "down" or node.emptied) and not settles(wanted)


def trouble(wanted: Wanted, nodes: Mapping[str, Node]) -> Trouble | None:
    """Return why a start would give an empty home, or None."""
    unknown = _unknown(wanted)
    if unknown:
        return Trouble(
            "HomeUnreadable",
            f"The record of its home {unknown} is missing or cannot be read; "
            f"see `swarmhub describe home {unknown}`.",
            final=False,
        )
    tied = _tied(wanted)
    if len(tied) > 1:
        return Trouble(
            "HomesApart",
            f"Its homes lie on different nodes ({', '.join(sorted(tied.values()))}); "
            "ask the administrator to bring them together (`swarmhub homes move`).",
        )
    for ident, hostname in tied.items():
        if nodes and ident not in nodes:
            return Trouble(
                "NodeGone",
                f"Its home lies on the node {hostname}, which has left the Swarm; ask the "
                "administrator to bring that node back, or to give the home up "
                "(`swarmhub homes forget`).",
            )
    return None


def _unbound(wanted: Wanted) -> tuple[Home, ...]:
    return tuple(h for h in wanted.homes.values() if h.node_local and not h.status.node_id)


def nowhere(
    pinned: str | None,
    nodes: Mapping[str, Node],
    message: str,
    status: NotebookStatus,
    now: datetime,
) -> NotebookStatus:
    """Return the status of a notebook that no node takes, which is or is not its home's fault."""
    node = nodes.get(pinned or "")
    if node is not None and not node.usable:
        status = mark(status, ConditionType.HOME_READY, False, "NodeUnusable", message, now)
    return mark(status, ConditionType.SCHEDULED, False, "NoNodeFits", message, now)


def waiting(
    pinned: str | None,
    nodes: Mapping[str, Node],
    message: str,
    status: NotebookStatus,
    now: datetime,
) -> Verdict:
    """Decide to look again until some node takes the notebook."""
    status = nowhere(pinned, nodes, message, status, now)
    return Verdict(pending(status, message, now), look_again=SLOW)

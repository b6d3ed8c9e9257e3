"""Which homes of a notebook are known to lie somewhere, as its service tells. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from swarmhub_crds.home import HomePhase, HomeStatus
from swarmhub_crds.notebook import Desired

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.homes import bound
from swarmhub_operator.engine.snapshot import Snapshot


def bindings(wanted: Wanted, snapshot: Snapshot, now: datetime) -> Iterator[tuple[str, HomeStatus]]:
    """Yield the volume of each home whose record does not say yet what its service tells.

    The newest task of the service may not have begun; that of an earlier one, which no operator
    saw run, is then what tells. A service of an earlier start may have had other homes.
    """
    service = snapshot.services.get(wanted.name)
    task = snapshot.last_begun(service) if service else None
    if service is None or task is None:
        return
    node, runs = snapshot.nodes.get(task.node_id or ""), wanted.spec.desired is Desired.RUNNING
    for name, home in wanted.homes.items():
        status = bound(home, task, node, now)
        if status is None or name not in service.volumes:
            continue
        if runs or home.status.phase is HomePhase.PENDING:
            yield name, status

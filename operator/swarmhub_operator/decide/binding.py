"""Which homes of a notebook are known to lie somewhere, as its tasks tell. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from swarmhub_crds.home import HomePhase, HomeStatus
from swarmhub_crds.notebook import Desired

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.homes import bound
from swarmhub_operator.engine.snapshot import Snapshot


def bindings(wanted: Wanted, snapshot: Snapshot, now: datetime) -> Iterator[tuple[str, HomeStatus]]:
    """Yield the volume of each home whose record does not say yet what its tasks tell.

    The newest task of the service may not have begun; that of an earlier one, which no operator
    saw run, is then what tells. A service of an earlier start may have had other homes. Of a
    service that was removed behind our back, the task that ends is the last that can tell.
    """
    service = snapshot.services.get(wanted.name)
    tasks = snapshot.tasks.get(service.id, ()) if service else snapshot.ending.get(wanted.name, ())
    task = next((task for task in tasks if task.begun), None)
    if task is None:
        return
    node = snapshot.nodes.get(task.node_id or "")
    if service is None and (node is None or node.state != "ready"):
        return  # of a dead node nothing ends; a person may have given its homes up
    stays = service is not None and wanted.spec.desired is Desired.RUNNING
    for name, home in wanted.homes.items():
        status = bound(home, task, node, now)
        if status is None or name not in (service.volumes if service else task.volumes):
            continue
        if stays or home.status.phase is HomePhase.PENDING:
            yield name, status

"""Finds out when the steps of a start happened, from what each part of it has written down."""

from __future__ import annotations

import json

from support import look

from bench.parts import Moments, calls, epoch
from bench.site.hub import Start
from bench.site.site import Site


def moments(site: Site, name: str, start: Start, answering: float) -> Moments:
    """Return the moments of a start of a server that runs.

    Args:
        site: where.
        name: of user and record.
        start: as the client saw it.
        answering: when the server first answered, as the prober saw it.

    Raises:
        ValueError: the operator's log does not tell of it.
    """
    record = json.loads(site.stack.swarmhub("get", "notebook", name, "-o", "json"))
    made = json.loads(site.node.docker("inspect", look.notebook_container(site.node, name)))[0]
    log = look.log(site.node, look.stack_container(site.node, "operator")).splitlines()
    done = [call for call in calls(log, name) if call[2] > start.asked]
    if not done or done[-1][0] != "CreateService":
        raise ValueError(f"The operator's log does not tell how it started {name}: {done}.")
    told = epoch(record["status"]["readyAt"])
    return Moments(
        asked=start.asked,
        recorded=epoch(record["metadata"]["specWrittenAt"]),
        called=done[0][1],
        created=done[-1][2],
        container=epoch(made["Created"]),
        started=epoch(made["State"]["StartedAt"]),
        answering=min(answering, told),  # the operator, too, asks from time to time
        told=told,
        ready=start.ready,
    )

"""From the engine's JSON to frozen values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import (
    ENDED,
    Node,
    Reservation,
    Secret,
    Service,
    Task,
    TaskState,
    Volume,
    mounted,
)


def time(text: str) -> datetime:
    """Parse the engine's RFC 3339 time, whose nanoseconds Python does not know."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?", text)
    if not match:
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromisoformat(match[1] + (match[2] or "")).replace(tzinfo=UTC)


def service(raw: Mapping[str, Any]) -> Service:
    """Read one service as the engine lists it."""
    spec = raw.get("Spec", {})
    return Service(
        id=raw["ID"],
        name=spec.get("Name", ""),
        version=raw["Version"]["Index"],
        labels=spec.get("Labels") or {},
        spec=spec,
        created_at=time(raw.get("CreatedAt", "")),
        updated_at=time(raw.get("UpdatedAt", "")),
    )


def task(raw: Mapping[str, Any]) -> Task:
    """Read one task as the engine lists it."""
    status = raw.get("Status", {})
    state = TaskState(status.get("State", "unknown"))
    container = status.get("ContainerStatus") or {}
    addresses = {
        a["Network"]["Spec"]["Name"]: a["Addresses"][0].split("/")[0]
        for a in raw.get("NetworksAttachments") or ()
        if a.get("Addresses")
    }
    spec = raw.get("Spec", {})
    in_container = spec.get("ContainerSpec") or {}
    ended_by_itself = state in (TaskState.COMPLETE, TaskState.FAILED)
    return Task(
        id=raw["ID"],
        service_id=raw.get("ServiceID", ""),
        node_id=raw.get("NodeID") or None,
        state=state,
        desired_state=raw.get("DesiredState", ""),
        message=status.get("Message", ""),
        error=status.get("Err", ""),
        created_at=time(raw.get("CreatedAt", "")),
        changed_at=time(status.get("Timestamp", "")),
        exit_code=container.get("ExitCode", 0) if ended_by_itself else None,
        addresses=addresses,
        container=container.get("ContainerID", ""),
        updated_at=_moment(raw),
        version=raw.get("Version", {}).get("Index", 0),
        force_update=spec.get("ForceUpdate", 0),
        notebook=(in_container.get("Labels") or {}).get(labels.NOTEBOOK, ""),
        volumes=mounted(in_container),
    )


def reservation(raw: Mapping[str, Any]) -> Reservation | None:
    """Read what a task as the engine lists it holds of a node, or None if it holds nothing.

    One that is to end holds it until it has.
    """
    node_id = raw.get("NodeID")
    if not node_id or TaskState(raw.get("Status", {}).get("State", "unknown")) in ENDED:
        return None
    resources = raw.get("Spec", {}).get("Resources") or {}
    amounts = Amounts.read(resources.get("Reservations"))
    return Reservation(raw.get("ServiceID", ""), node_id, amounts)


def node(raw: Mapping[str, Any]) -> Node:
    """Read one node as the engine lists it."""
    description = raw.get("Description", {})
    resources = description.get("Resources", {})
    platform = description.get("Platform") or {}
    engine = description.get("Engine") or {}
    spec = raw.get("Spec", {})
    status = raw.get("Status", {})
    return Node(
        id=raw["ID"],
        hostname=description.get("Hostname", ""),
        role=spec.get("Role", ""),
        availability=spec.get("Availability", ""),
        state=status.get("State", "unknown"),
        cpus=resources.get("NanoCPUs", 0) / 1e9,
        memory=resources.get("MemoryBytes", 0),
        labels=spec.get("Labels") or {},
        updated_at=_moment(raw),
        generic=Amounts.read(resources).generic,
        os=platform.get("OS", ""),
        arch=platform.get("Architecture", ""),
        address=status.get("Addr", ""),
        engine_labels=engine.get("Labels") or {},
        version=raw.get("Version", {}).get("Index", 0),
        engine_version=engine.get("EngineVersion", ""),
        reachability=(raw.get("ManagerStatus") or {}).get("Reachability", ""),
    )


def _moment(raw: Mapping[str, Any]) -> datetime | None:
    """Return when the manager last changed an object."""
    return time(raw["UpdatedAt"]) if raw.get("UpdatedAt") else None


def secret(raw: Mapping[str, Any]) -> Secret:
    """Read one secret as the engine lists it."""
    spec = raw.get("Spec", {})
    return Secret(
        id=raw["ID"],
        name=spec.get("Name", ""),
        labels=spec.get("Labels") or {},
        created_at=time(raw.get("CreatedAt", "")),
    )


def volume(raw: Mapping[str, Any]) -> Volume:
    """Read one volume as the engine lists it."""
    return Volume(
        name=raw["Name"],
        labels=raw.get("Labels") or {},
        driver=raw.get("Driver", ""),
        options=raw.get("Options") or {},
        created_at=time(raw.get("CreatedAt", "")),
        size=_size(raw.get("UsageData") or {}),
    )


def _size(usage: Mapping[str, Any]) -> int | None:
    """Return a volume's size; -1 is what the engine says of drivers that cannot tell."""
    size = usage.get("Size", -1)
    return size if size >= 0 else None

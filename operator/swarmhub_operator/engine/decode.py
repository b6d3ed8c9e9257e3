"""From the engine's JSON to frozen values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from swarmhub_operator.engine.observed import Node, Secret, Service, Task, TaskState


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
    )


def node(raw: Mapping[str, Any]) -> Node:
    """Read one node as the engine lists it."""
    description = raw.get("Description", {})
    resources = description.get("Resources", {})
    spec = raw.get("Spec", {})
    return Node(
        id=raw["ID"],
        hostname=description.get("Hostname", ""),
        role=spec.get("Role", ""),
        availability=spec.get("Availability", ""),
        state=raw.get("Status", {}).get("State", "unknown"),
        cpus=resources.get("NanoCPUs", 0) / 1e9,
        memory=resources.get("MemoryBytes", 0),
        labels=spec.get("Labels") or {},
    )


def secret(raw: Mapping[str, Any]) -> Secret:
    """Read one secret as the engine lists it."""
    spec = raw.get("Spec", {})
    return Secret(
        id=raw["ID"],
        name=spec.get("Name", ""),
        labels=spec.get("Labels") or {},
        created_at=time(raw.get("CreatedAt", "")),
    )

"""What each task that has not ended takes of its node: what Swarm keeps for it, its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.amounts import NOTHING, Amounts
from swarmhub_operator.engine.observed import ENDED, TaskState


@dataclass(frozen=True, slots=True)
class Share:
    """One task, ours or not, and its part of a node.

    Attributes:
        task_id: full id.
        node_id: of the node that it is on.
        requests: what Swarm keeps for it, whether it uses it or not.
        limits: what it cannot exceed; nothing: it may take all there is.
        store: uid of the store whose notebook it runs, or "".
        notebook: name of that notebook, or "".
        container: full id of its container once it has one.
        running: whether a process of it runs, as far as the manager knows.
    """

    task_id: str
    node_id: str
    requests: Amounts = NOTHING
    limits: Amounts = NOTHING
    store: str = ""
    notebook: str = ""
    container: str = ""
    running: bool = False


def read(raw: Mapping[str, Any]) -> Share | None:
    """Read a task as GET /tasks lists it; None if it has ended, or has no node yet."""
    status = raw.get("Status", {})
    state = TaskState(status.get("State", "unknown"))
    if not raw.get("NodeID") or state in ENDED:
        return None
    spec = raw.get("Spec", {})
    resources = spec.get("Resources") or {}
    about = (spec.get("ContainerSpec") or {}).get("Labels") or {}
    return Share(
        task_id=raw["ID"],
        node_id=raw["NodeID"],
        requests=Amounts.read(resources.get("Reservations")),
        limits=Amounts.read(resources.get("Limits")),
        store=about.get(labels.STORE, ""),
        notebook=about.get(labels.NOTEBOOK, ""),
        container=(status.get("ContainerStatus") or {}).get("ContainerID", ""),
        running=state is TaskState.RUNNING,
    )

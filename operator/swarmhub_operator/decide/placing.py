"""Where a notebook may run: beside its homes, which are never silently empty elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.engine.observed import Node


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


def trouble(wanted: Wanted, nodes: Mapping[str, Node]) -> Trouble | None:
    """Return why a start would give an empty home, or None."""
    homes = (m.volume for m in wanted.spec.mounts if m.home)
    unknown = next((volume for volume in homes if volume not in wanted.homes), None)
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
            "ask the administrator to bring them together.",
        )
    for ident, hostname in tied.items():
        if nodes and ident not in nodes:
            return Trouble(
                "NodeGone",
                f"Its home lies on the node {hostname}, which has left the Swarm; ask the "
                "administrator to bring that node back or to restore the home elsewhere.",
            )
    return None


def unusable(pinned: str | None, nodes: Mapping[str, Node]) -> str | None:
    """Return why the node that holds the home takes no task now, or None if it does."""
    node = nodes.get(pinned or "")
    if node is None or node.usable:
        return None
    state = f"is {node.state}" if node.state != "ready" else "takes no servers at the moment"
    return f"Its home lies on the node {node.hostname}, which {state}; it starts when it is back."

"""What `status` says of the nodes: which are down, and who waits for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

from swarmhub_crds.home import Home
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Desired, Notebook

from swarmhub_operator.cli.records import Record, home_names, name_of
from swarmhub_operator.cli.report import Count, Problem
from swarmhub_operator.cli.text import when

_STATES: Final = ("ready", "down", "disconnected", "unknown")
_NAMED: Final = 10  # notebooks that a sentence names


def count_nodes(nodes: Sequence[SeenNode]) -> Count:
    """Return how many nodes there are, by the engine's words for their states."""
    counted = Counter(node.state for node in nodes)
    states = dict.fromkeys((*_STATES, *sorted(counted)), 0)
    return Count(total=len(nodes), phases={state: counted[state] for state in states})


def node_problem(
    node: SeenNode, notebooks: Sequence[Record], homes: Sequence[Record], now: datetime
) -> Problem | None:
    """Return what is wrong with a node, or None."""
    if node.state != "down":
        return None
    lying = {name_of(h) for h in homes if isinstance(h, Home) and h.status.node_id == node.id}
    return Problem(
        kind="Node",
        name=node.hostname,
        phase=node.state,
        message=f"It has been down since {when(node.since, now)}; "
        f"{_waiting(node, notebooks, lying)}; homes on it: {len(lying)}.",
        next_step="Bring the machine or its engine back: what waits for it then starts by itself. "
        f"If it is gone for good, `docker node rm --force {node.id}` says so to the Swarm.",
        needs_person=True,
    )


def _waiting(node: SeenNode, notebooks: Sequence[Record], lying: AbstractSet[str]) -> str:
    running = (n for n in notebooks if isinstance(n, Notebook))
    waiting = [name_of(n) for n in running if _waits(n, node, lying)]
    if not waiting:
        return "no notebook waits for it"
    named = ", ".join(waiting[:_NAMED]) + (", …" if len(waiting) > _NAMED else "")
    return f"notebooks that wait for it ({len(waiting)}): {named}"


def _waits(notebook: Notebook, node: SeenNode, lying: AbstractSet[str]) -> bool:
    """Whether it ran there, or has its home there."""
    if notebook.spec.desired is not Desired.RUNNING:
        return False
    return notebook.status.node_id == node.id or not lying.isdisjoint(home_names(notebook))

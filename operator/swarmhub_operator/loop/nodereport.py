"""Tells in the store which nodes the operator sees, so that commands know them at any time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from swarmhub_crds.node import SeenNode
from swarmhub_crds.store import Store

from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.snapshot import Snapshot, Spell
from swarmhub_operator.loop.leadership import Leadership


class NodeReport:
    """Writes the list whenever a look differs from what was written last."""

    def __init__(
        self,
        store: Store,
        leadership: Leadership,
        memory_used: Callable[[Mapping[str, Node]], Mapping[str, int]],
    ) -> None:
        self._store = store
        self._leadership = leadership
        self._memory_used = memory_used
        self._told: Sequence[SeenNode] | None = None

    def publish(self, snapshot: Snapshot) -> None:
        """Say which nodes the look saw.

        Raises:
            StoreError: the store cannot be read or written.
            LeaseLost: another operator acts now.
        """
        if self._told is None:
            self._told = self._store.list_nodes()
        before = {node.id: node for node in self._told}
        used = self._memory_used(snapshot.nodes)
        seen = [
            _seen(node, snapshot.spells.get(node.id), before.get(node.id), used.get(node.id))
            for node in sorted(snapshot.nodes.values(), key=lambda n: (n.hostname, n.id))
        ]
        if seen != self._told:
            self._store.put_nodes(seen, fence=self._leadership.fence)
            self._told = seen


def _seen(
    node: Node, spell: Spell | None, before: SeenNode | None, memory_used: int | None
) -> SeenNode:
    """Keep since when a node is in its state, which an operator that has just begun cannot see."""
    since = spell.since if spell else None
    if before is not None and before.state == node.state and before.since is not None:
        since = before.since
    return SeenNode(
        id=node.id,
        hostname=node.hostname,
        role=node.role,
        availability=node.availability,
        state=node.state,
        since=since,
        cpus=node.cpus,
        memory=node.memory,
        memory_used=memory_used,
        labels=dict(node.labels),
    )

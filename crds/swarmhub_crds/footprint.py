"""How much memory servers hold of their nodes, by their records. Pure.

What a policy adds, as default limits, is on the services alone, and is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from swarmhub_crds.notebook import Notebook, Phase

_THERE: Final = frozenset({Phase.STARTING, Phase.RUNNING, Phase.STOPPING})


@dataclass(frozen=True, slots=True)
class Footprint:
    """Servers that are on a node, together. Memory is bytes.

    Attributes:
        servers: how many there are.
        reserved: what Swarm keeps for them, whether they use it or not.
        most: what they may take at most; a server without a limit counts with what it reserves.
        unlimited: how many of them have no limit.
    """

    servers: int = 0
    reserved: int = 0
    most: int = 0
    unlimited: int = 0

    def __add__(self, other: Footprint) -> Footprint:
        return Footprint(
            self.servers + other.servers,
            self.reserved + other.reserved,
            self.most + other.most,
            self.unlimited + other.unlimited,
        )


NOTHING: Final = Footprint()


def footprint(records: Iterable[object]) -> Footprint:
    """Return what these records hold; those that cannot be read, or are on no node, hold none."""
    found = (_one(record) for record in records if isinstance(record, Notebook))
    return sum(found, NOTHING)


def _one(record: Notebook) -> Footprint:
    status, asked = record.status, record.spec.resources
    if status.phase not in _THERE or status.node_id is None:
        return NOTHING
    reserved = asked.mem_guarantee or 0
    most = max(reserved, asked.mem_limit or 0)
    return Footprint(1, reserved, most, 1 if asked.mem_limit is None else 0)

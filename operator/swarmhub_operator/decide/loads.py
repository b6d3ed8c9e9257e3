"""What each node has given away: to notebooks, to other services, to what is to come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Reservation
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.engine.tally import UNLOADED, Load, without


@dataclass(frozen=True, slots=True)
class Expected:
    """What a notebook is about to take whose service is being made."""

    node_id: str | None  # None: Swarm chooses
    amounts: Amounts
    volumes: frozenset[str] = frozenset()
    claim: Claim | None = None  # if there are quotas


def loads(
    snapshot: Snapshot,
    reservations: Iterable[Reservation],
    expected: Mapping[str, Expected],
    but: str,
) -> dict[str, Load]:
    """Return the load of each node that has any, by its id.

    Args:
        snapshot: a look, which knows our own services best.
        reservations: what all tasks of the Swarm held a moment ago.
        expected: by notebook, what no look shows yet.
        but: the notebook that needs a place, whose own service does not count.
    """
    own, tallied = snapshot.services.get(but), snapshot.tally.loads
    found = without(tallied, own, snapshot.tasks) if own is not None else dict(tallied)
    for held in reservations:
        if held.service_id not in snapshot.tally.services:
            load = found.get(held.node_id, UNLOADED)
            found[held.node_id] = Load(load.taken + held.amounts, load.notebooks)
    for name, coming in expected.items():
        if coming.node_id and name != but and name not in snapshot.services:
            found[coming.node_id] = found.get(coming.node_id, UNLOADED).plus(coming.amounts)
    return found

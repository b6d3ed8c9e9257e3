"""What each node has given away: to notebooks, to other services, to what is to come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.engine.amounts import NOTHING, Amounts
from swarmhub_operator.engine.observed import UNPLACED, Reservation, Service
from swarmhub_operator.engine.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Load:
    """What a node has given away, and to how many notebooks of ours."""

    taken: Amounts = NOTHING
    notebooks: int = 0

    def plus(self, amounts: Amounts) -> Load:
        """Return the load with one more notebook."""
        return Load(self.taken + amounts, self.notebooks + 1)


UNLOADED = Load()


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
    found: dict[str, Load] = {}
    services = snapshot.all_services()
    ours = {s.id for s in services}
    for held in reservations:
        if held.service_id not in ours:
            load = found.get(held.node_id, UNLOADED)
            found[held.node_id] = Load(load.taken + held.amounts, load.notebooks)
    own = snapshot.services.get(but)
    for service in services:
        if own is None or service.id != own.id:
            for node_id in _places(service, snapshot):
                found[node_id] = found.get(node_id, UNLOADED).plus(service.reserved)
    for name, coming in expected.items():
        if coming.node_id and name != but and name not in snapshot.services:
            found[coming.node_id] = found.get(coming.node_id, UNLOADED).plus(coming.amounts)
    return found


def _places(service: Service, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the nodes on which a service's tasks are, or the one where its first is to be."""
    tasks = snapshot.tasks.get(service.id, ())
    on = tuple(t.node_id for t in tasks if t.node_id and not t.ended)
    if on or service.pin is None:
        return on
    return (service.pin,) if all(t.state in UNPLACED for t in tasks[:1]) else ()

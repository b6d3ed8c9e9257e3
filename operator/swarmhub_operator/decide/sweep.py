"""Garbage: engine resources with our store's uid that no record wants. Pure.

Nothing goes that was not seen unwanted in two sweeps and for the grace period, nothing when the
store is empty, and nothing when suspiciously much would go. Homes are never garbage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from swarmhub_operator.decide.policy import SweepPolicy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Snapshot


@dataclass(frozen=True, slots=True)
class Orphan:
    """One resource that no record wants."""

    kind: Literal["service", "secret"]
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """What to remove now, what has been seen so far, and why nothing is removed if so."""

    remove: tuple[Orphan, ...]
    seen: Mapping[str, datetime]  # orphan id -> first sweep that saw it
    brake: str | None = None


def _orphans(snapshot: Snapshot, records: frozenset[str]) -> Iterator[Orphan]:
    for service in snapshot.all_services():
        if service.labels.get(labels.NOTEBOOK) not in records:
            yield Orphan("service", service.id, service.name)
    for notebook, secrets in snapshot.secrets.items():
        if notebook not in records:
            yield from (Orphan("secret", s.id, s.name) for s in secrets)


def sweep(
    snapshot: Snapshot,
    records: frozenset[str],
    seen: Mapping[str, datetime],
    now: datetime,
    policy: SweepPolicy,
) -> Sweep:
    """Decide what is garbage.

    Args:
        snapshot: one look at the engine, taken *before* `records` was read, so that a service
            made in between already has its record.
        records: names of all notebook records, unreadable ones included.
        seen: what the last sweep returned as `seen`.
        now: the time.
        policy: grace and brake.
    """
    found = tuple(_orphans(snapshot, records))
    first = {o.id: seen.get(o.id, now) for o in found}
    ripe = tuple(
        o for o in found if o.id in seen and now - first[o.id] >= timedelta(seconds=policy.grace)
    )
    brake = _brake(len(ripe), snapshot, records, policy)
    return Sweep(remove=() if brake else _services_first(ripe), seen=first, brake=brake)


def _services_first(orphans: tuple[Orphan, ...]) -> tuple[Orphan, ...]:
    """A secret in use cannot be removed, so its service goes before it."""
    return tuple(sorted(orphans, key=lambda o: o.kind != "service"))


def _brake(
    ripe: int, snapshot: Snapshot, records: frozenset[str], policy: SweepPolicy
) -> str | None:
    if ripe == 0:
        return None
    if not records:
        return (
            f"The store holds no record at all, but the Swarm has {ripe} resources of it; "
            "nothing is removed. Restore the store, or remove them by hand."
        )
    total = len(snapshot.all_services()) + sum(map(len, snapshot.secrets.values()))
    if ripe > policy.brake_floor and ripe > policy.brake_fraction * total:
        return (
            f"{ripe} of {total} resources have no record, which is suspiciously many; "
            "nothing is removed. Look at `swarmhub get notebooks` and remove them by hand."
        )
    return None

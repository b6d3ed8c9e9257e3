"""Garbage: engine resources with our store's uid that no record wants. Pure.

A record is only removed once its service is gone, so real garbage is what a *remembered* removal
left behind: its uid has a tombstone. It goes when it was seen in two sweeps and for the grace
period, unless suspiciously much would go. All else is held until a person confirms its removal:
the store may be new, or an older one. Homes are never garbage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from swarmhub_crds.base import Metadata
from swarmhub_crds.held import Held, Why

from swarmhub_operator.decide.behind import is_behind
from swarmhub_operator.decide.policy import SweepPolicy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Secret, Service
from swarmhub_operator.engine.snapshot import Snapshot

_WAY_OUT = (
    "`swarmhub state rebuild` writes records anew for what runs, `swarmhub gc` lists it all, "
    "and `swarmhub gc --confirm ID` has one of them removed."
)


@dataclass(frozen=True, slots=True)
class Orphan:
    """One resource to remove."""

    kind: Literal["service", "secret"]
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows."""

    records: Mapping[str, Metadata | None]  # by notebook name; None: it cannot be read
    removed: AbstractSet[str] = frozenset()  # uids of the records whose removal it remembers
    confirmed: AbstractSet[str] = frozenset()  # ids whose removal a person has confirmed


@dataclass(frozen=True, slots=True)
class Sweep:
    """What to remove now, what is held back and why, and what has been seen so far."""

    remove: tuple[Orphan, ...]
    seen: Mapping[str, datetime]  # orphan id -> first sweep that saw it
    held: tuple[Held, ...] = ()
    behind: bool = False  # something runs of which the store knows nothing, or too little
    brake: str | None = None  # one sentence on all that is held back


def sweep(
    snapshot: Snapshot,
    known: Known,
    seen: Mapping[str, datetime],
    now: datetime,
    policy: SweepPolicy,
) -> Sweep:
    """Decide what is garbage.

    Args:
        snapshot: one look at the engine, taken *before* the store was read, so that a service
            made in between already has its record.
        known: what the store knows.
        seen: what the last sweep returned as `seen`.
        now: the time.
        policy: grace and brake.
    """
    found = tuple(_unwanted(snapshot, known))
    orphans = tuple(h for h in found if h.why is Why.SUSPICIOUSLY_MANY)
    first = {o.id: seen.get(o.id, now) for o in orphans}
    grace = timedelta(seconds=policy.grace)
    ripe = {o.id for o in orphans if o.id in seen and now - first[o.id] >= grace}
    brake = _brake(len(ripe), snapshot, known, policy)
    held = tuple(h for h in found if h not in orphans or (brake and h.id in ripe))
    due = (h for h in found if h.id in known.confirmed or (h.id in ripe and not brake))
    left = tuple(h for h in held if h.id not in known.confirmed)
    sentence = " ".join(filter(None, (brake, _sentence(left, known))))
    behind = any(h.why is not Why.SUSPICIOUSLY_MANY for h in left)
    return Sweep(_services_first(due), first, held, behind, sentence or None)


def strangers(services: Iterable[Service], store: str) -> tuple[Held, ...]:
    """Return the other stores that have notebooks in this Swarm; nothing of theirs is touched."""
    counted = Counter(s.labels.get(labels.STORE, "") for s in services)
    return tuple(
        Held(
            kind="store",
            id=uid,
            name=f"{count} notebook{'s' if count > 1 else ''}",
            why=Why.OTHER_STORE,
            message=f"{count} running notebook{'s' if count > 1 else ''} of another store "
            f"(uid {uid}) are left alone. If this store took that one's place, "
            f"`swarmhub state rebuild --from-store {uid}` takes them over.",
        )
        for uid, count in sorted(counted.items())
        if uid not in ("", store)
    )


def _unwanted(snapshot: Snapshot, known: Known) -> Iterator[Held]:
    """Yield what no record wants; what a removal left behind is SUSPICIOUSLY_MANY for now."""
    for service in snapshot.all_services():
        name = service.labels.get(labels.NOTEBOOK, "")
        record = known.records.get(name)
        if name not in known.records:
            yield _held("service", service, known)
        elif record is not None and is_behind(record, service, known.removed):
            yield _held("service", service, known, Why.OLDER_RECORD)
    for notebook, secrets in snapshot.secrets.items():
        if notebook not in known.records:
            yield from (_held("secret", secret, known) for secret in secrets)


_MESSAGES = {
    Why.NO_RECORD: "It has no record, and nothing says that it was deleted.",
    Why.OLDER_RECORD: "It was started after its record was last written.",
    Why.SUSPICIOUSLY_MANY: "Its notebook was deleted, but so were suspiciously many at once.",
}


def _held(
    kind: Literal["service", "secret"],
    found: Service | Secret,
    known: Known,
    why: Why | None = None,
) -> Held:
    uid = found.labels.get(labels.UID, "")
    why = why or (Why.SUSPICIOUSLY_MANY if uid in known.removed else Why.NO_RECORD)
    return Held(
        kind=kind,
        id=found.id,
        name=found.name,
        notebook=found.labels.get(labels.NOTEBOOK, ""),
        user=found.labels.get(labels.USER, ""),
        uid=uid,
        why=why,
        message=_MESSAGES[why],
        made_at=found.created_at,
    )


def _services_first(found: Iterable[Held]) -> tuple[Orphan, ...]:
    """A secret in use cannot be removed, so its service goes before it."""
    ordered = sorted(found, key=lambda h: h.kind != "service")
    return tuple(Orphan(h.kind, h.id, h.name) for h in ordered if h.kind != "store")


def _brake(ripe: int, snapshot: Snapshot, known: Known, policy: SweepPolicy) -> str | None:
    if ripe == 0:
        return None
    if not known.records:
        return (
            f"The store holds no record at all, but the Swarm has {ripe} resources of it; "
            f"nothing is removed. {_WAY_OUT}"
        )
    total = len(snapshot.all_services()) + sum(map(len, snapshot.secrets.values()))
    if ripe > policy.brake_floor and ripe > policy.brake_fraction * total:
        return (
            f"{ripe} of {total} resources are of deleted notebooks, which is suspiciously many; "
            f"nothing is removed. {_WAY_OUT}"
        )
    return None


def _sentence(held: tuple[Held, ...], known: Known) -> str:
    """Say what is held for want of a record, and how to go on."""
    counted = Counter(h.kind for h in held if h.why is not Why.SUSPICIOUSLY_MANY)
    if not counted:
        return ""
    parts = (
        f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(counted.items(), reverse=True)
    )
    empty = "The store holds no record at all. " if not known.records else ""
    return (
        f"{empty}{' and '.join(parts)} have no record, or an older one, and nothing says that they "
        f"were deleted: they are left alone, and so are all homes until then. {_WAY_OUT}"
    )

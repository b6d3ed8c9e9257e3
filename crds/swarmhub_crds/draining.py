"""What becomes of the notebooks on a node that is to be emptied: for command and page. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from swarmhub_crds.home import Home
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_crds.ties import settles

IDLE_AFTER: Final = timedelta(minutes=15)  # unless an administrator says otherwise
LOSS: Final = (
    "running kernels and terminals, and all that lies outside the homes. Files in homes stay."
)
_ENDED: Final = (Phase.FAILED, Phase.STOPPED)


class Fate(StrEnum):
    """What a drain does to one notebook."""

    MOVES = "moves"  # the operator starts it on another node
    STOPS = "stops"  # its user starts it again, once the node is back
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Guest:
    """One notebook on the node; `idle` is None when nobody knows when it was last in use."""

    name: str
    user: str
    server: str
    idle: timedelta | None
    fate: Fate
    why: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the administrator asks for."""

    idle_after: timedelta  # what was not in use for so long is stopped
    force: bool = False  # what is in use is stopped, too
    elsewhere: bool = True  # another node takes servers


def guests(
    node_id: str,
    records: Iterable[Notebook],
    homes: Mapping[str, Home],
    activity: Mapping[str, datetime],
    wish: Wish,
    now: datetime,
) -> tuple[Guest, ...]:
    """Return what becomes of each notebook that runs, or would run, on the node, by name.

    Args:
        node_id: the node to be emptied.
        records: all notebooks.
        homes: all homes by name.
        activity: when notebooks were last in use, by name.
        wish: what the administrator asks for.
        now: the time, by the clock of the hub's host.
    """
    there = (r for r in records if _is_there(r, node_id, homes))
    found = (_guest(r, homes, activity, wish, now) for r in there)
    return tuple(sorted(found, key=lambda guest: guest.name))


def to_stop(told: Collection[str], found: Iterable[Guest]) -> tuple[str, ...]:
    """Return which notebooks are to be stopped now, by name.

    Args:
        told: those of which a person was told so.
        found: what is on the node by now: what has come into use since stays.
    """
    return tuple(g.name for g in found if g.name in told and g.fate is Fate.STOPS)


def homes_on(node_id: str, homes: Iterable[Home]) -> tuple[str, ...]:
    """Return the names of the homes that stay on the node."""
    return tuple(home.metadata.name for home in homes if home.status.node_id == node_id)


def is_elsewhere(node_id: str, nodes: Iterable[SeenNode]) -> bool:
    """Return whether another node takes servers."""
    return any(node.usable for node in nodes if node.id != node_id)


def _is_there(record: Notebook, node_id: str, homes: Mapping[str, Home]) -> bool:
    status = record.status
    if record.spec.desired is not Desired.RUNNING or status.phase in _ENDED:
        return False
    if status.node_id is not None:
        return status.node_id == node_id
    tied = (homes[m.volume] for m in record.spec.mounts if m.home and m.volume in homes)
    return any(home.node_local and home.status.node_id == node_id for home in tied)


def _guest(
    record: Notebook,
    homes: Mapping[str, Home],
    activity: Mapping[str, datetime],
    wish: Wish,
    now: datetime,
) -> Guest:
    idle = _idle(record, activity.get(record.metadata.name), now)
    spec = record.spec
    fate, why = _fate(not settles(spec.mounts, homes), idle, wish)
    return Guest(record.metadata.name, spec.user, spec.server, idle, fate, why)


def _fate(floating: bool, idle: timedelta | None, wish: Wish) -> tuple[Fate, str]:
    if floating and wish.elsewhere:
        return Fate.MOVES, "its home is not tied to the node"
    if wish.force:
        return Fate.STOPS, "forced"
    if idle is None:
        return Fate.STAYS, "not known to be idle"
    if idle < wish.idle_after:
        return Fate.STAYS, "in use"
    return Fate.STOPS, "idle"


def _idle(record: Notebook, last: datetime | None, now: datetime) -> timedelta | None:
    """Return for how long it was not in use; what was told of an earlier run says nothing."""
    if last is None:
        return None
    since = (last, record.metadata.spec_written_at, record.status.ready_at)
    return max(timedelta(0), now - max(moment for moment in since if moment is not None))

"""Memory over the last hours: what servers hold, and what is in use where that is told. Pure.

Kept in this process's memory: of what was before it, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from swarmhub_crds.footprint import NOTHING, Footprint, footprint
from swarmhub_crds.node import SeenNode

from swarmhub_spawner.page.history import begin_of, begins

_UP: Final = "ready"


@dataclass(frozen=True)
class InUse:
    """Nodes that tell how much of their memory is in use, by whatever runs there; bytes."""

    used: int
    has: int
    nodes: tuple[str, ...]  # hostnames


@dataclass(frozen=True)
class Reading:
    """Memory at one moment, or the most at any moment of ten minutes.

    Attributes:
        held: what servers hold.
        has: bytes that the nodes that are up have in all.
        in_use: None if no node tells it.
    """

    held: Footprint = NOTHING
    has: int = 0
    in_use: InUse | None = None


@dataclass(frozen=True)
class Span:
    """Ten minutes; `most` is None if nothing is known of them."""

    begin: datetime
    most: Reading | None = None


@dataclass(frozen=True)
class Memory:
    """The last six hours, the newest ten minutes last, and the last reading."""

    spans: tuple[Span, ...] = ()
    last: Reading = Reading()


UNKNOWN: Final = Memory()


def reading(records: Iterable[object], nodes: Sequence[SeenNode]) -> Reading:
    """Return what records and nodes say now."""
    up = [node for node in nodes if node.state == _UP]
    told = [(node.hostname, node.memory_used, node.memory) for node in up]
    known = [(name, used, has) for name, used, has in told if used is not None]
    in_use = None
    if known:
        names, used, has = zip(*known, strict=True)
        in_use = InUse(sum(used), sum(has), tuple(names))
    return Reading(footprint(records), sum(node.memory for node in up), in_use)


class MemoryHistory:
    """The most of each ten minutes of the last hours."""

    def __init__(self) -> None:
        self._most: dict[datetime, Reading] = {}  # by the begin of its span
        self._last = Reading()

    def note(self, now: datetime, one: Reading) -> None:
        """Be told of a moment."""
        begin, self._last = begin_of(now), one
        self._most[begin] = most(self._most.get(begin, one), one)
        kept = {*begins(now)}
        self._most = {at: found for at, found in self._most.items() if at in kept}

    def told(self, now: datetime) -> Memory:
        """Return what is known at this moment."""
        return Memory(tuple(Span(at, self._most.get(at)) for at in begins(now)), self._last)


def most(one: Reading, other: Reading) -> Reading:
    """Return the most of two readings, each figure for itself; `other` is the later one."""
    a, b = one.held, other.held
    held = Footprint(
        max(a.servers, b.servers),
        max(a.reserved, b.reserved),
        max(a.most, b.most),
        max(a.unlimited, b.unlimited),
    )
    told = [x for x in (other.in_use, one.in_use) if x is not None]
    return Reading(held, max(one.has, other.has), max(told, key=lambda x: x.used, default=None))

"""The gate through which starts pass: so many at once, first come first served.

A start is one or two seconds of pure CPU. All at once they share the cores and all finish last;
a few at a time, half of them are done in half the time and the last is no later.
Those that go together would also wait for Swarm and for the disk together: only half of them may be
prepared at the same time, so that no core is idle meanwhile. One that may take half a core counts
for half, since two of them are needed to keep a core busy.
The policy may also say how many a minute there may be.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil, inf

from swarmhub_operator.decide.quota_policy import StartRate
from swarmhub_operator.engine.amounts import CORE
from swarmhub_operator.engine.observed import Node, Reservation

MINUTE = 60.0  # seconds
WHOLE = 4  # quarters, for which a start counts that may take a core or more
NO_RATE = StartRate()
ALWAYS = datetime.min.replace(tzinfo=UTC)


def places(nodes: Iterable[Node], per_core: float, others: Iterable[Reservation] = ()) -> int:
    """Return how many notebooks may be starting at once: by the cores of the usable nodes.

    Args:
        nodes: of the Swarm.
        per_core: starts for each core.
        others: what services that are no notebooks hold of the nodes; a start cannot count on it.
    """
    held: Counter[str] = Counter()
    for one in others:
        held[one.node_id] += one.amounts.nano_cpus
    cores = sum(max(0.0, n.cpus - held[n.id] / CORE) for n in nodes if n.usable)
    return max(1, round(cores * per_core))


def quarters_of(cpu_limit: float | None) -> int:
    """Return for how much of one start a start counts, in quarters of it.

    Servers that are held to half a core would else leave the other half idle while they start. None
    counts for less than a quarter: what the engine does for a start is held to nothing.
    """
    return WHOLE if cpu_limit is None else max(1, min(WHOLE, ceil(cpu_limit * WHOLE)))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A start in the line."""

    user: str
    since: datetime  # when it was asked for
    quarters: int


@dataclass(frozen=True, slots=True)
class _Starting:
    """A start at work."""

    quarters: int = WHOLE
    prepared: bool = False


@dataclass(frozen=True, slots=True)
class _Begun:
    """A start that the gate let through."""

    name: str
    user: str
    at: float


class StartGate:
    """Who is starting and who waits, by notebook name. Thread-safe.

    Args:
        rate: how many may begin within a minute; one that is at its user's limit waits and
            lets those behind it pass.
        clock: monotonic seconds.
    """

    def __init__(
        self, rate: StartRate = NO_RATE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._starting: dict[str, _Starting] = {}  # by name
        self._line: dict[str, _Waiting] = {}  # by name
        self._begun: list[_Begun] = []  # within the last minute
        self._unmade: dict[str, _Begun] = {}  # those of which no service was seen yet

    def ask(
        self,
        name: str,
        width: int,
        user: str = "",
        since: datetime = ALWAYS,
        quarters: int = WHOLE,
    ) -> int:
        """Ask for a place; return 0 when `name` may start, else its number in the line.

        Args:
            name: of the notebook.
            width: how many may be starting at once that count as a whole.
            user: whose it is.
            since: when its start was asked for; who did earlier stands before it.
            quarters: for how much it counts; see `quarters_of`.
        """
        with self._lock:
            if name in self._starting:
                return 0
            if name not in self._line:
                self._line_up(name, _Waiting(user, since, quarters))
            if not self._may_start(name, width):
                return list(self._line).index(name) + 1
            waited = self._line.pop(name)
            begun = _Begun(name, waited.user, self._clock())
            self._starting[name] = _Starting(waited.quarters)
            self._begun.append(begun)
            self._unmade[name] = begun
            return 0

    def _line_up(self, name: str, waiting: _Waiting) -> None:
        """Workers take what is new in any order, so that who comes now may have asked before."""
        last = next(reversed(self._line.values()), waiting)
        self._line[name] = waiting
        if waiting.since < last.since:
            self._line = dict(sorted(self._line.items(), key=lambda one: one[1].since))

    def _may_start(self, name: str, width: int) -> bool:
        """Whether there is room for `name` after all that stand before it and may start."""
        start = self._clock() - MINUTE
        self._begun = [begun for begun in self._begun if begun.at > start]
        room, left = self._room(width), (self._rate.per_minute or inf) - len(self._begun)
        most = self._rate.user_per_minute or inf
        of_user = Counter(begun.user for begun in self._begun)
        for other, waiting in self._line.items():
            may = of_user[waiting.user] < most
            if left <= 0 or room < (waiting.quarters if may else 1):
                return False
            if other == name:
                return may
            of_user[waiting.user] += may
            left -= may
            room -= may * waiting.quarters
        return False

    def _room(self, width: int) -> int:
        """Return for how many more there is room, in quarters."""
        taken = sum(one.quarters for one in self._starting.values())
        unprepared = sum(one.quarters for one in self._starting.values() if not one.prepared)
        return min(WHOLE * width - taken, WHOLE * ((width + 1) // 2) - unprepared)

    def hold(self, name: str, *, prepared: bool = False) -> str | None:
        """Count `name` as starting: its service exists already.

        Args:
            name: of the notebook.
            prepared: whether its process runs, or it waits for something that takes long.

        Returns:
            Who is next in line, if that may have made room.
        """
        with self._lock:
            self._line.pop(name, None)
            before = self._starting.get(name, _Starting())
            self._starting[name] = replace(before, prepared=prepared)
            self._unmade.pop(name, None)
            return next(iter(self._line), None) if prepared and not before.prepared else None

    def leave(self, name: str) -> str | None:
        """Give up the place of `name`; return who is next in line, if that made room.

        A start of which no service was made does not count for the rate.
        """
        with self._lock:
            self._line.pop(name, None)
            unmade = self._unmade.pop(name, None)
            if unmade in self._begun:
                self._begun.remove(unmade)
            if name not in self._starting:
                return None
            del self._starting[name]
            return next(iter(self._line), None)

    def waiting(self) -> int:
        """Return the length of the line."""
        with self._lock:
            return len(self._line)

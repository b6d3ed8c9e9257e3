"""What one person is shown: of a snapshot, what they may see and asked for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.readable import age

from swarmhub_spawner.messages import OPERATOR_SILENT_AFTER, sentence
from swarmhub_spawner.page.history import Bucket
from swarmhub_spawner.page.memory import UNKNOWN, Memory
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.rows import (
    HOME_PHASES,
    PHASES,
    HomeRow,
    NodeRow,
    ServerRow,
    is_unready,
    tone,
)
from swarmhub_spawner.page.words import plural, stamp

PER_PAGE: Final = 50
_LONGEST_FILTER: Final = 200  # characters
_RANK: Final = {"bad": 0, "busy": 1}


class _Row(Protocol):
    @property
    def haystack(self) -> str: ...
    @property
    def phase(self) -> str: ...


R = TypeVar("R", bound=_Row)


@dataclass(frozen=True)
class Snapshot:
    """All that the store said at one moment; `version` differs between any two.

    `events` are the newest first, `trouble` says why the store cannot be read.
    """

    version: int
    at: datetime
    servers: tuple[ServerRow, ...] = ()
    homes: tuple[HomeRow, ...] = ()
    nodes: tuple[NodeRow, ...] = ()
    events: tuple[Event, ...] = ()
    operator_seen_at: datetime | None = None
    trouble: str = ""
    buckets: tuple[Bucket, ...] = ()
    memory: Memory = UNKNOWN
    since: datetime | None = None  # when counting began

    @property
    def silent(self) -> bool:
        """Whether no operator gives a sign of life."""
        seen = self.operator_seen_at
        return seen is None or (self.at - seen).total_seconds() > OPERATOR_SILENT_AFTER


@dataclass(frozen=True)
class Query:
    """What is asked for: words that must all be found, a phase, a page of fifty."""

    text: str = ""
    phase: str = ""
    page: int = 1

    @classmethod
    def of(cls, text: str, phase: str, page: str) -> Self:
        """Read what came in a URL; what makes no sense counts as not said."""
        number = int(page) if page.isascii() and page.isdecimal() and len(page) < 7 else 1  # noqa: PLR2004
        return cls(text[:_LONGEST_FILTER].strip(), phase[:20], max(1, number))

    @property
    def words(self) -> tuple[str, ...]:
        """What must be found, in lower case."""
        return tuple(self.text.casefold().split())

    def arguments(self, **changes: str | int) -> dict[str, str]:
        """Return this as arguments of a URL, with some of it changed."""
        asked = {"q": self.text, "phase": self.phase, "page": self.page, **changes}
        return {key: str(value) for key, value in asked.items() if value and value != 1}


@dataclass(frozen=True)
class Listing(Generic[R]):
    """One page of rows; `chips` counts phases among what the words find."""

    rows: Sequence[R]
    found: int
    total: int
    page: int
    pages: int
    chips: Mapping[str, int]
    noun: str

    @property
    def summary(self) -> str:
        """How many there are, in a sentence that is read out when it changes."""
        if not self.total:
            return f"There is no {self.noun} yet."
        if self.found == self.total:
            said = plural(self.total, self.noun)
        else:
            said = f"{self.found:,} of {plural(self.total, self.noun)}"
        return f"{said}; page {self.page} of {self.pages}." if self.pages > 1 else f"{said}."


@dataclass(frozen=True)
class Notice:
    """Something wrong that concerns everybody; `command` is what an administrator can do."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class View:
    """What one person may see of a snapshot."""

    snapshot: Snapshot
    rights: Rights
    servers: tuple[ServerRow, ...] = field(init=False)
    homes: tuple[HomeRow, ...] = field(init=False)

    def __post_init__(self) -> None:
        servers, homes = self.snapshot.servers, self.snapshot.homes
        if not self.rights.fleet:
            sees = self.rights.sees
            servers = tuple(s for s in servers if sees(s.user, s.server, s.groups))
            users = {s.user for s in servers if s.user} | {self.rights.user} - {""}
            homes = tuple(h for h in homes if h.user in users)
        object.__setattr__(self, "servers", servers)
        object.__setattr__(self, "homes", homes)

    def server(self, name: str) -> ServerRow | None:
        """Return a server that they may see."""
        return next((row for row in self.servers if row.name == name), None)

    def list_servers(self, query: Query) -> Listing[ServerRow]:
        """Return their servers, those in trouble first."""
        return _listing(self.servers, query, PHASES, "server")

    def list_homes(self, query: Query) -> Listing[HomeRow]:
        """Return their homes, those in trouble first."""
        return _listing(self.homes, query, HOME_PHASES, "home")

    def events(self, query: Query) -> Listing[EventRow]:
        """Return what was decided about what they may see, the newest first."""
        return _page([EventRow(e) for e in self._events()], query, ("Normal", "Warning"), "event")

    def events_of(self, name: str, homes: Iterable[str] = ()) -> list[Event]:
        """Return the last events of one server and its homes, the newest first."""
        about = {(Concerned.NOTEBOOK, name), *((Concerned.HOME, home) for home in homes)}
        return [event for event in self._events() if (event.kind, event.name) in about][:20]

    @property
    def events_of_nodes(self) -> list[Event]:
        """Return the last events of nodes, the newest first, for who sees nodes."""
        return [event for event in self._events() if event.kind is Concerned.NODE][:5]

    def _events(self) -> Iterable[Event]:
        if self.rights.fleet:
            return self.snapshot.events
        known = {(Concerned.NOTEBOOK, row.name) for row in self.servers}
        known |= {(Concerned.HOME, row.name) for row in self.homes}
        return [event for event in self.snapshot.events if (event.kind, event.name) in known]

    @property
    def notices(self) -> list[Notice]:
        """What is wrong with the whole of it."""
        shot, fleet = self.snapshot, self.rights.fleet
        found = []
        if shot.trouble:
            found.append(Notice(f"What is shown may be out of date. {sentence(shot.trouble)}"))
        seen = shot.operator_seen_at
        if shot.silent and not shot.trouble:
            when = f"since {stamp(seen)}" if seen else "yet"
            text = f"No operator has been seen {when}: what runs goes on, but nothing is started, "
            command = "docker service ps swarmhub_operator" if fleet else ""
            found.append(Notice(f"{text}stopped or restarted.", command))
        if fleet:
            down = [row for row in shot.nodes if row.node.state == "down"]
            found += [
                Notice(
                    f"The node {row.node.hostname} has been down for "
                    f"{age(row.node.since, shot.at)}: {plural(row.servers, 'server')} and "
                    f"{plural(row.homes, 'home')} are on it. Bring it back, and what waits for it "
                    "starts by itself."
                )
                for row in down
            ]
        return found

    @property
    def headline(self) -> str:
        """How their servers are, in one sentence."""
        running = sum(row.phase == "Running" for row in self.servers)
        unready = sum(map(is_unready, self.servers))
        said = f"{plural(running, 'server')} running"
        return f"{said}, {unready:,} not ready" if unready else said


@dataclass(frozen=True)
class EventRow:
    """An event as a row."""

    event: Event

    @property
    def phase(self) -> str:
        """What it can be chosen by."""
        return str(self.event.type)

    @property
    def haystack(self) -> str:
        """What the filter looks into."""
        one = self.event
        return f"{one.name}\n{one.kind}\n{one.reason}\n{one.message}".casefold()


def _listing(rows: Sequence[R], query: Query, phases: Sequence[str], noun: str) -> Listing[R]:
    ordered = sorted(rows, key=lambda row: _RANK.get(tone(row.phase), 2))  # stable: then by name
    return _page(ordered, query, phases, noun)


def _page(rows: Sequence[R], query: Query, phases: Sequence[str], noun: str) -> Listing[R]:
    words = query.words
    worded = [row for row in rows if all(word in row.haystack for word in words)]
    counted = Counter(row.phase for row in worded)
    chips = {phase: counted[phase] for phase in phases if counted[phase] or phase == query.phase}
    found = [row for row in worded if row.phase == query.phase] if query.phase else worded
    pages = max(1, -(-len(found) // PER_PAGE))
    page = min(query.page, pages)
    shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
    return Listing(shown, len(found), len(rows), page, pages, chips, noun)


def event_age(event: Event, now: datetime) -> str:
    """Return when, and how often, as in "5s (x3)"."""
    last = age(event.last_seen, now)
    return last if event.count == 1 else f"{last} (x{event.count:,})"


def may(row: ServerRow, rights: Rights) -> dict[str, Any]:
    """Return which buttons a server has for somebody."""
    stops = rights.stops(row.user, row.server, row.groups)
    return {"stop": stops and row.wanted, "restart": stops and row.task}

"""Starts and failures of the last hours, counted from how records change. Pure.

Kept in memory: what was before this process is known only of servers that are still there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase

BUCKET: Final = timedelta(minutes=10)
BUCKETS: Final = 36
_MOST: Final = 20_000  # moments kept, however busy it is


@dataclass(frozen=True)
class Moment:
    """A server answered, or failed. `seconds`: how long its user waited, None if not for a start.

    `answered` is False of a failure.
    """

    at: datetime
    answered: bool
    seconds: float | None = None


@dataclass(frozen=True)
class Bucket:
    """What happened in ten minutes."""

    begin: datetime
    answered: int = 0
    failed: int = 0
    waits: tuple[float, ...] = ()

    @property
    def typical(self) -> float | None:
        """How long half of those waited at most who started a server, in seconds."""
        return median(self.waits) if self.waits else None

    @property
    def longest(self) -> float | None:
        """How long the last of them waited, in seconds."""
        return max(self.waits, default=None)


class History:
    """The moments of the last hours."""

    def __init__(self) -> None:
        self._moments: deque[Moment] = deque(maxlen=_MOST)
        self._counted: dict[str, int] = {}  # name -> generation whose start is counted

    def note(self, old: Notebook | None, new: Notebook) -> None:
        """Be told that a record was `old` and is `new`; None: it was not known before."""
        moment = self._moment(old, new)
        if moment is not None:
            self._moments.append(moment)

    def forget(self, name: str) -> None:
        """Let go of a record that is no more; what has happened stays."""
        self._counted.pop(name, None)

    def buckets(self, now: datetime) -> tuple[Bucket, ...]:
        """Return the last six hours, the newest ten minutes last."""
        found: dict[datetime, list[Moment]] = {begin: [] for begin in begins(now)}
        for moment in self._moments:
            if moment.at <= now and (kept := found.get(begin_of(moment.at))) is not None:
                kept.append(moment)
        return tuple(_bucket(begin, moments) for begin, moments in found.items())

    def _moment(self, old: Notebook | None, new: Notebook) -> Moment | None:
        status, before = new.status, old.status if old is not None else NotebookStatus()
        if status.phase is Phase.RUNNING and status.ready_at is not None:
            if status.ready_at == before.ready_at:
                return None
            return Moment(status.ready_at, answered=True, seconds=self._waited(new))
        if status.phase not in (Phase.FAILED, Phase.BACK_OFF):
            return None
        if (status.phase, status.failed_task_id) == (before.phase, before.failed_task_id):
            return None
        return Moment(new.metadata.updated_at, answered=False)

    def _waited(self, new: Notebook) -> float | None:
        """Return how long a start took; None if it came back by itself or by a restart."""
        meta, status = new.metadata, new.status
        is_first = self._counted.get(meta.name) != meta.generation
        self._counted[meta.name] = meta.generation
        since, until = meta.spec_written_at, status.ready_at
        again = status.restarts or status.failures or meta.restart_of is not None
        if not is_first or again or since is None or until is None or until < since:
            return None
        return (until - since).total_seconds()


def _bucket(begin: datetime, moments: Iterable[Moment]) -> Bucket:
    kept = tuple(moments)
    answered = sum(moment.answered for moment in kept)
    waits = tuple(m.seconds for m in kept if m.seconds is not None)
    return Bucket(begin, answered, len(kept) - answered, waits)


def begins(now: datetime) -> list[datetime]:
    """Return when each ten minutes of the last six hours began, the newest last."""
    last = begin_of(now)
    return [last - BUCKET * back for back in reversed(range(BUCKETS))]


def begin_of(moment: datetime) -> datetime:
    """Return when the ten minutes began in which a moment lies."""
    step = BUCKET.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // step * step, UTC)

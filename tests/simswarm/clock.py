"""Time that passes only when it is told to."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@dataclass(slots=True)
class Timer:
    """Something that will happen unless it is cancelled."""

    action: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Let it not happen."""
        self.cancelled = True


class VirtualClock:
    """Seconds since the start of a simulation, and what is due when."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._now = 0.0
        self._due: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._last_stamp = start

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._now

    def utc(self) -> datetime:
        """Return the time of day."""
        return self._start + timedelta(seconds=self._now)

    def jump(self, seconds: float) -> None:
        """Set the time of day forward or back; what falls due does not care."""
        self._start += timedelta(seconds=seconds)
        self._last_stamp = self.utc()

    def stamp(self) -> datetime:
        """Return the time of day, a microsecond later than any stamp before: no two are equal."""
        self._last_stamp = max(self.utc(), self._last_stamp + timedelta(microseconds=1))
        return self._last_stamp

    def after(self, delay: float, action: Callable[[], None]) -> Timer:
        """Let `action` happen in `delay` seconds."""
        timer = Timer(action)
        heapq.heappush(self._due, (self._now + delay, next(self._numbers), timer))
        return timer

    def next_due(self) -> float | None:
        """Return the time, in seconds since the start, at which something will happen next."""
        while self._due and self._due[0][2].cancelled:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def advance(self, seconds: float) -> None:
        """Let time pass, and happen what falls due meanwhile, in order."""
        end = self._now + seconds
        while (due := self.next_due()) is not None and due <= end:
            at, _, timer = heapq.heappop(self._due)
            self._now = max(self._now, at)
            timer.action()
        self._now = max(self._now, end)


def rfc3339(moment: datetime) -> str:
    """Write a time as Go does: UTC, no trailing zeros in the fraction."""
    text = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".") + "Z"

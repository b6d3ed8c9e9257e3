"""Bars of a plot, as numbers that a template writes into SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from swarmhub_spawner.page.history import Bucket

WIDTH: Final = 720
HEIGHT: Final = 150
_LEFT: Final = 44
_BOTTOM: Final = 22
_TOP: Final = 8
_GAP: Final = 3
_NICE: Final = (1, 2, 5)
_GROUND: Final = HEIGHT - _BOTTOM
_ROOM: Final = HEIGHT - _TOP - _BOTTOM
_THICK: Final = 2.0  # of a line


@dataclass(frozen=True)
class Bar:
    """A rectangle; `kind` is its class."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Mark:
    """A number at the left side, or a time below."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Plot:
    """A whole plot.

    Attributes:
        name: tells it from the others of its page.
        title: above it.
        legend: class and meaning of each kind of bar.
        summary: what it says, in words.
    """

    name: str
    title: str
    legend: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    levels: tuple[Mark, ...]
    times: tuple[Mark, ...]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


@dataclass(frozen=True)
class Axes:
    """Where bars stand: one slot for each ten minutes, values from 0 to `top`."""

    begins: Sequence[datetime]
    top: float

    def stack(self, place: int, title: str, *parts: tuple[str, float]) -> list[Bar]:
        """Return bars on one another, each with its kind and value, from below."""
        found, base = [], float(_GROUND)
        x, width = self._slot(place, _GAP)
        for kind, value in parts:
            height = round(value / self.top * _ROOM, 1)
            base -= height
            if height > 0:
                found.append(Bar(kind, x, round(base, 1), width, height, title))
        return found

    def line(self, place: int, title: str, kind: str, value: float) -> Bar:
        """Return a piece of a line at a value."""
        x, width = self._slot(place, 0)
        y = round(_GROUND - value / self.top * _ROOM - _THICK / 2, 1)
        return Bar(kind, x, y, width, _THICK, title)

    def levels(self, unit: str = "") -> tuple[Mark, ...]:
        """Return the numbers at the left side."""
        steps = (0.0, self.top) if self.top <= 1 else (0.0, self.top / 2, self.top)
        return tuple(
            Mark(_LEFT - 6, round(_GROUND - step / self.top * _ROOM, 1), f"{step:g}{unit}")
            for step in steps
        )

    def times(self) -> tuple[Mark, ...]:
        """Return the full hours."""
        return tuple(
            Mark(round(self._slot(place, 0)[0], 1), HEIGHT - 6, f"{begin:%H:%M}")
            for place, begin in enumerate(self.begins)
            if begin.minute == 0 and place < len(self.begins) - 1  # no room beside the last bar
        )

    def _slot(self, place: int, gap: float) -> tuple[float, float]:
        """Return where a slot begins, and how wide it is, with a gap around it."""
        slot = (WIDTH - _LEFT) / max(1, len(self.begins))
        return round(_LEFT + place * slot + gap / 2, 1), round(slot - gap, 1)


def starts(buckets: Sequence[Bucket]) -> Plot:
    """Return how many servers came up and how many failed."""
    axes = _axes(buckets, max((b.answered + b.failed for b in buckets), default=0))
    bars = []
    for place, bucket in enumerate(buckets):
        what = f"{clock(bucket.begin)}: {bucket.answered} came up, {bucket.failed} failed"
        bars += axes.stack(place, what, ("answered", bucket.answered), ("failed", bucket.failed))
    good, bad = sum(b.answered for b in buckets), sum(b.failed for b in buckets)
    return Plot(
        "starts",
        "Starts and failures",
        (("answered", "came up"), ("failed", "failed")),
        tuple(bars),
        axes.levels(),
        axes.times(),
        f"Last six hours: {good:,} came up, {bad:,} failed.",
    )


def waits(buckets: Sequence[Bucket]) -> Plot:
    """Return how long people waited: half of them, and the last of them."""
    axes = _axes(buckets, max((b.longest or 0.0 for b in buckets), default=0.0))
    bars = []
    for place, bucket in enumerate(buckets):
        typical, longest = bucket.typical, bucket.longest
        if typical is None or longest is None:
            continue
        what = f"{clock(bucket.begin)}: half within {typical:.1f} s, all within {longest:.1f} s"
        bars += axes.stack(place, what, ("typical", typical), ("longest", longest - typical))
    found = [wait for bucket in buckets for wait in bucket.waits]
    summary = "Nobody has started a server in the last six hours."
    if found:
        half = sorted(found)[(len(found) - 1) // 2]
        summary = f"Last six hours: half within {half:.1f} s, all within {max(found):.1f} s."
    return Plot(
        "waits",
        "Time to ready",
        (("typical", "half of them"), ("longest", "the last of them")),
        tuple(bars),
        axes.levels(" s"),
        axes.times(),
        summary,
    )


def nice(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... that is not below `value`."""
    scale = 1.0
    while True:
        for step in _NICE:
            if step * scale >= value:
                return step * scale
        scale *= 10


def clock(moment: datetime) -> str:
    """Return the time of day."""
    return f"{moment:%H:%M} UTC"


def _axes(buckets: Sequence[Bucket], most: float) -> Axes:
    return Axes([bucket.begin for bucket in buckets], nice(most))

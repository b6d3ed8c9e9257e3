"""Bars of a plot, as numbers that a template writes into SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from swarmhub_spawner.page.history import Bucket

WIDTH: Final = 720
HEIGHT: Final = 150
_LEFT: Final = 44
_BOTTOM: Final = 22
_TOP: Final = 8
_GAP: Final = 3
_NICE: Final = (1, 2, 5)


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
    """A whole plot; `summary` is what it says in words."""

    bars: tuple[Bar, ...]
    levels: tuple[Mark, ...]
    times: tuple[Mark, ...]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


def starts(buckets: Sequence[Bucket]) -> Plot:
    """Return how many servers came up and how many failed."""
    top = nice(max((b.answered + b.failed for b in buckets), default=0))
    bars = []
    for place, bucket in enumerate(buckets):
        what = f"{_time(bucket)}: {bucket.answered} came up, {bucket.failed} failed"
        bars += _stack(place, len(buckets), top, bucket.answered, bucket.failed, what)
    good, bad = sum(b.answered for b in buckets), sum(b.failed for b in buckets)
    summary = f"Last six hours: {good:,} came up, {bad:,} failed."
    return Plot(tuple(bars), _levels(top, ""), _times(buckets), summary)


def waits(buckets: Sequence[Bucket]) -> Plot:
    """Return how long people waited: half of them, and the last of them."""
    top = nice(max((b.longest or 0.0 for b in buckets), default=0.0))
    bars = []
    for place, bucket in enumerate(buckets):
        typical, longest = bucket.typical, bucket.longest
        if typical is None or longest is None:
            continue
        what = f"{_time(bucket)}: half within {typical:.1f} s, all within {longest:.1f} s"
        bars += _stack(
            place, len(buckets), top, typical, longest - typical, what, kinds=("typical", "longest")
        )
    found = [wait for bucket in buckets for wait in bucket.waits]
    summary = "Nobody has started a server in the last six hours."
    if found:
        half = sorted(found)[(len(found) - 1) // 2]
        summary = f"Last six hours: half within {half:.1f} s, all within {max(found):.1f} s."
    return Plot(tuple(bars), _levels(top, " s"), _times(buckets), summary)


def nice(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... that is not below `value`."""
    scale = 1.0
    while True:
        for step in _NICE:
            if step * scale >= value:
                return step * scale
        scale *= 10


def _stack(
    place: int,
    count: int,
    top: float,
    lower: float,
    upper: float,
    title: str,
    *,
    kinds: tuple[str, str] = ("answered", "failed"),
) -> list[Bar]:
    slot = (WIDTH - _LEFT) / count
    room = HEIGHT - _TOP - _BOTTOM
    x, width = round(_LEFT + place * slot + _GAP / 2, 1), round(slot - _GAP, 1)
    found, ground = [], HEIGHT - _BOTTOM
    base = float(ground)
    for kind, value in zip(kinds, (lower, upper), strict=True):
        height = round(value / top * room, 1)
        base -= height
        if height > 0:
            found.append(Bar(kind, x, round(base, 1), width, height, title))
    return found


def _levels(top: float, unit: str) -> tuple[Mark, ...]:
    ground, room = HEIGHT - _BOTTOM, HEIGHT - _TOP - _BOTTOM
    steps = (0.0, top) if top <= 1 else (0.0, top / 2, top)
    return tuple(
        Mark(_LEFT - 6, round(ground - step / top * room, 1), f"{step:g}{unit}") for step in steps
    )


def _times(buckets: Sequence[Bucket]) -> tuple[Mark, ...]:
    slot = (WIDTH - _LEFT) / max(1, len(buckets))
    return tuple(
        Mark(round(_LEFT + place * slot, 1), HEIGHT - 6, f"{bucket.begin:%H:%M}")
        for place, bucket in enumerate(buckets)
        if bucket.begin.minute == 0 and place < len(buckets) - 1  # no room beside the last bar
    )


def _time(bucket: Bucket) -> str:
    return f"{bucket.begin:%H:%M} UTC"

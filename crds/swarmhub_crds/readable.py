"""Spans of time and sizes as people read them, in a terminal and on a page. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

NONE: Final = "-"

_STEPS: Final = ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h"))
_DAY: Final = 86400
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024


def span(seconds: float) -> str:
    """Return a length of time as kubectl's ages look (5s, 3m, 2h, 4d); never negative."""
    whole = max(0, int(seconds))
    for limit, unit, letter in _STEPS:
        if whole < limit:
            return f"{whole // unit}{letter}"
    return f"{whole // _DAY}d"


def age(moment: datetime | None, now: datetime) -> str:
    """Return how long ago `moment` was, or "-" without one."""
    return NONE if moment is None else span((now - moment).total_seconds())


def size(count: int, gap: str = "") -> str:
    """Return a number of bytes, as in 1.5GiB; `gap` stands before the unit."""
    scaled, unit = float(count), _UNITS[0]
    for unit in _UNITS:
        if scaled < _STEP or unit == _UNITS[-1]:
            break
        scaled /= _STEP
    return f"{scaled:.3g}{gap}{unit}" if scaled < _STEP - 1 else f"{scaled:.0f}{gap}{unit}"

"""Lengths of time as people write them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import typer

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")


def duration(text: str) -> timedelta:
    """Read a length of time: a number and s, m, h or d.

    Raises:
        typer.BadParameter: it is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(
            f"{text!r} is no length of time; write a number and s, m, h or d, as in 15m"
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})

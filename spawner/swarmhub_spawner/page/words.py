"""Times, sizes and counts as the page writes them. Pure."""

from __future__ import annotations

from datetime import datetime

from swarmhub_crds import readable
from swarmhub_crds.readable import NONE


def stamp(moment: datetime | None) -> str:
    """Return a time in UTC, or "-" without one."""
    return NONE if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def size(count: int | None) -> str:
    """Return a number of bytes as a person reads it, as in 1.5 GiB; "-" if it is not known."""
    return NONE if count is None else readable.size(count, gap=" ")


def plural(count: int, word: str) -> str:
    """Return a count and its word, as in "1 server" and "2,000 servers"."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"

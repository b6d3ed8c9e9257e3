"""Times as the store writes them: UTC text of a fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the wall clock of this host."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return `moment` as the store writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def from_text(value: object) -> datetime:
    """Read what `to_text` wrote.

    Raises:
        ValueError: it is no time with an offset.
    """
    if not isinstance(value, str):
        raise ValueError(f"a time should be text and is {type(value).__name__}")  # noqa: TRY004
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time has no offset from UTC")
    return moment.astimezone(UTC)

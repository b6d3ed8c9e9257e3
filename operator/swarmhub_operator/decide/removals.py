"""Removing a volume on another node: what an errand may remove, and what its end means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from swarmhub_operator.engine import labels


class Outcome(IntEnum):
    """How an errand that was to remove a volume ended: its exit code."""

    REMOVED = 0
    ABSENT = 10
    FOREIGN = 11  # a volume of this name is there, but was not made for this home
    IN_USE = 12


def may_remove(found: Mapping[str, str], uid: str) -> bool:
    """Whether a volume with these labels was made for the home with this uid."""
    return bool(uid) and found.get(labels.UID) == uid


def outcome(exit_code: int | None) -> Outcome | None:
    """Return what an exit code says; None: nothing, the errand itself went wrong."""
    return Outcome(exit_code) if exit_code in set(Outcome) else None

"""What can go wrong with the store; every message is one sentence with the next step."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why the store cannot be used at the moment."""

    LOCKED = "Locked"
    FULL = "Full"
    READ_ONLY = "ReadOnly"
    MISSING = "Missing"
    ANOTHER = "AnotherStore"  # the file holds another store than the one that was opened
    CORRUPT = "Corrupt"
    SCHEMA_TOO_NEW = "SchemaTooNew"
    SCHEMA_TOO_OLD = "SchemaTooOld"
    UNREADABLE = "Unreadable"  # no permission, an I/O error, not one of our files


class StoreError(Exception):
    """The store refused; the base of everything that it raises on purpose."""


class StoreUnavailable(StoreError):  # noqa: N818 - the name says what is the case, as Conflict does
    """The database cannot be used now; the same call may succeed later, without a new Store."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Conflict(StoreError):  # noqa: N818
    """The record moved on since it was read, or is being deleted: read it again."""


class NotFound(StoreError):  # noqa: N818
    """There is no such record."""


class HomeTaken(StoreError):  # noqa: N818
    """The volume's name belongs to another user's home."""


class LeaseLost(StoreError):  # noqa: N818
    """The fencing token is no longer the current one: another operator acts now."""

"""What a check has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """How something stands."""

    OK = "ok"
    WARNING = "warning"  # it works; it is worth a change when there is time
    FAILED = "failed"  # it does not work, or soon will not: a person has to do something
    UNKNOWN = "unknown"  # it could not be looked at


class Check(StrEnum):
    """What is looked at, in the order in which it is told."""

    ENGINE = "engine"
    MANAGER = "manager"
    QUORUM = "quorum"
    VERSIONS = "engine-versions"
    NODES = "nodes"
    CLOCK = "clock"
    DISK = "disk"
    NAMES = "names"
    ADDRESSES = "addresses"
    ENDPOINTS = "endpoints"
    REGISTRY = "registry"
    IMAGES = "images"
    STORE = "store"
    SCHEMA = "schema"
    STATE = "state"
    LEASE = "lease"
    RECORDS = "records"
    POLICY = "policy"
    FILES = "files"
    CERTIFICATES = "certificates"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, or could not be.

    Attributes:
        check: what was looked at.
        verdict: how it stands.
        what: one sentence: what is the case.
        why: one sentence: what it means for those who work here; "" where that is plain.
        remedy: the next step; "" if there is none to take.
        subject: the node, registry or file that it is about; "" for the whole.
    """

    check: Check
    verdict: Verdict
    what: str
    why: str = ""
    remedy: str = ""
    subject: str = ""


def ok(check: Check, what: str) -> tuple[Finding, ...]:
    """Return that all is well, as the only finding of a check."""
    return (Finding(check, Verdict.OK, what),)


def unknown(check: Check, what: str, remedy: str = "") -> tuple[Finding, ...]:
    """Return that it could not be looked at, and for want of what."""
    return (Finding(check, Verdict.UNKNOWN, what, remedy=remedy),)


_NAMED: Final = 8  # names that a sentence holds


def named(names: Iterable[str]) -> str:
    """Return some of the names, sorted, for a sentence."""
    found = sorted(set(names))
    return ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" * (len(found) > _NAMED))

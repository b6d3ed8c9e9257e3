"""Fills a volume: unpack beside, verify, exchange. Nothing is lost, whatever breaks off."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.decide.listing import Type
from swarmhub_operator.errand.archive import unpack
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.report import Report
from swarmhub_operator.errand.seal import unseal
from swarmhub_operator.errand.staging import Staging, settle, stage
from swarmhub_operator.errand.tree import read, walk

_SET_ID = stat.S_ISUID | stat.S_ISGID


def before(now: datetime) -> str:
    """Return the name of the folder into which goes what was there before."""
    return f".swarmhub-before-restore-{now:%Y%m%dT%H%M%SZ}"


def fill(
    volume: Path,
    chunks: Iterable[bytes],
    report: Report,
    *,
    keep: str,
    trusted: bool,
    verify: Callable[[Outcome], None],
) -> Outcome:
    """Put the content of an archive in the place of what the volume holds.

    Args:
        volume: the folder.
        chunks: the archive; what it raises passes through.
        report: is told of the progress.
        keep: name of the folder that what is there goes into; "": it is removed.
        trusted: whether the archive may hold devices and programs with another user's rights.
        verify: is asked about the new content before the old one is touched.

    Raises:
        CopyError: the archive is refused; the volume is as it was.
        OSError: likewise, or the exchange stopped half-way and the next run goes on.
    """
    settle(volume)
    staging = stage(volume)
    try:
        outcome = _prepare(staging, chunks, report, trusted=trusted)
        verify(outcome)
    except BaseException:
        staging.discard()
        raise
    return replace(outcome, kept=staging.exchange(keep))


def _prepare(
    staging: Staging, chunks: Iterable[bytes], report: Report, *, trusted: bool
) -> Outcome:
    seals: list[bool] = []
    content = unseal(_counted(chunks, report), lambda: seals.append(True))
    unpack(content, staging.new, trusted=trusted)
    if not trusted:
        _refuse_rights(staging.new)
    tree = read(staging.new, (), lambda _: None)
    return Outcome("", tree.entries, tree.size, tree.digest, sealed=bool(seals))


def _counted(chunks: Iterable[bytes], report: Report) -> Iterable[bytes]:
    for chunk in chunks:
        report.advance(len(chunk))
        yield chunk


def _refuse_rights(top: Path) -> None:
    """Let nobody smuggle in what gives its user more rights than he has.

    Raises:
        CopyError: there is something.
    """
    for found in walk(top):
        name = repr(found.path.decode(errors="replace"))
        if found.type in (Type.CHARACTERS, Type.BLOCKS):
            raise CopyError(
                f"The archive holds a device, {name}; if you trust where it comes from, "
                "add --trusted."
            )
        if found.type is Type.FILE and found.info.st_mode & _SET_ID:
            raise CopyError(
                f"The archive holds a program that runs with its owner's rights, {name}; "
                "if you trust where it comes from, add --trusted."
            )

"""`swarmhub state migrate` and `restore`: the store's file brought up to date, or replaced."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from swarmhub_crds.errors import Conflict, Reason, StoreUnavailable
from swarmhub_crds.sqlstore import upkeep
from swarmhub_crds.sqlstore.sqlite import path_of
from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.options import DryRun, StateUrl, Yes, clock
from swarmhub_operator.cli.records import Kind, Record, list_records, name_of
from swarmhub_operator.cli.text import safe, when
from swarmhub_operator.settings import DEFAULT_STATE_URL

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STOP: Final = "`docker service scale swarmhub_operator=0 swarmhub_hub=0`"
_NAMED: Final = 5  # how many records a sentence names
_UNSEEN: Final = frozenset(  # a present file of which nothing can be told
    {Reason.CORRUPT, Reason.SCHEMA_TOO_NEW, Reason.SCHEMA_TOO_OLD, Reason.UNREADABLE}
)

Backup = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="What `swarmhub state backup` has made, or - for standard input.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Also while an operator acts on the store.")]


def migrate(dry_run: DryRun = False, state_url: StateUrl = DEFAULT_STATE_URL) -> None:
    """Bring an older store up to the schema of this version; a copy of it is kept beside it.

    An operator does this by itself when it starts, without a copy. An older swarmhub cannot use the
    store afterwards.
    """
    path = path_of(state_url)
    version = upkeep.version_of(path)
    if version == SCHEMA_VERSION:
        output.write(f"The store {safe(str(path))} has schema {version} already.")
        return
    copy = path.with_name(f"{path.name}.schema-{version}-{clock():{_STAMP}}")
    if dry_run:
        output.write(
            f"The store {safe(str(path))} would be brought from schema {version} to "
            f"{SCHEMA_VERSION}, and a copy kept as {safe(str(copy))}."
        )
        return
    upkeep.migrate(path, copy)
    output.write(
        f"The store {safe(str(path))} was brought from schema {version} to {SCHEMA_VERSION}; "
        f"as it was before it is kept as {safe(str(copy))}."
    )


def restore(
    file: Backup,
    force: Force = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Put a backup in the place of the store, which is kept beside it. Stop hub and operator first.

    What was written since the backup is told, and lost: run `swarmhub state rebuild` afterwards.
    """
    if file == upkeep.STDIN and not (yes or dry_run):
        raise typer.BadParameter("standard input is the backup, so nobody can be asked; give --yes")
    path = path_of(state_url)
    with upkeep.draft_of(file, path) as draft:
        with closing(Store.open(f"sqlite:///{draft}", create=False)) as old:
            there = _look(old, path, state_url, force=force)
        aside = path.with_name(f"{path.name}.replaced-{clock():{_STAMP}}")
        if dry_run:
            return
        if there and not yes and not typer.confirm(f"Replace {safe(str(path))}?", err=True):
            raise typer.Exit(TROUBLE)
        replaced = upkeep.put_in_place(draft, path, aside)
    output.write(f"The store {safe(str(path))} is now as it was in the backup.")
    if replaced:
        output.write(f"The one before is kept as {safe(str(aside))}.")
    output.write(
        "Next: start the operator, run `swarmhub state rebuild`, which writes anew what runs and "
        "is not in the backup, then start the hub."
    )


def _look(old: Store, path: Path, url: str, *, force: bool) -> bool:
    """Say what would be lost; return whether there is a store that would be replaced.

    Raises:
        Conflict: an operator acts on it, or it is another store than the backup's.
        StoreUnavailable: it cannot be looked at just now.
    """
    try:
        present = Store.open(url, create=False)
    except StoreUnavailable as error:
        if error.reason is Reason.MISSING:
            output.write(f"There is no store at {safe(str(path))}: nothing is lost.")
            return False
        if error.reason not in _UNSEEN:
            raise
        if not force:
            raise Conflict(
                f"The store at {path} cannot be looked at, so what would be lost, and whether an "
                f"operator acts on it, is not known ({error}). Stop both ({_STOP}), and give "
                "--force."
            ) from error
        output.warn(f"{safe(str(error))} What is lost with it cannot be told.")
        return True
    with closing(present):
        if present.uid != old.uid:
            raise Conflict(
                f"The backup is one of another store (uid {old.uid}) than {path} (uid "
                f"{present.uid}); if it is what you want, move that file away first."
            )
        _refuse_while_led(present, force=force)
        for line in _losses(present, old, clock()):
            output.write(line)
    return True


def _refuse_while_led(present: Store, *, force: bool) -> None:
    lease = present.read_lease()
    if lease is None or lease.expires_at <= clock() or force:
        return
    raise Conflict(
        f"The operator {lease.holder} acts on this store; stop it and the hub first ({_STOP}), or "
        "give --force."
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """How records of one kind differ from those of a backup, by their names."""

    made: tuple[str, ...]  # since the backup: lost
    changed: tuple[str, ...]  # since the backup: as they were then
    deleted: tuple[str, ...]  # since the backup: they come back


def difference(present: Sequence[Record], old: Sequence[Record]) -> Difference:
    """Compare records by uid and version; one that was made anew under its name has changed."""
    now = {name_of(record): _identity(record) for record in present}
    then = {name_of(record): _identity(record) for record in old}
    return Difference(
        tuple(sorted(now.keys() - then.keys())),
        tuple(sorted(name for name in now.keys() & then.keys() if now[name] != then[name])),
        tuple(sorted(then.keys() - now.keys())),
    )


def _identity(record: Record) -> tuple[object, object]:
    about = record if isinstance(record, Broken) else record.metadata
    return about.uid, about.resource_version


def _losses(present: Store, old: Store, now: datetime) -> list[str]:
    seen = when(old.operator_seen_at(), now)
    first = (
        f"The store {safe(str(present.path))} has revision {present.revision()}, the backup has "
        f"{old.revision()}; in the backup an operator was last seen at {seen}."
    )
    lines = [first]
    for kind in Kind:
        found = difference(list_records(present, kind), list_records(old, kind))
        lines += [
            f"  {kind.plural} {what} ({len(names)}): {_named(names)}"
            for what, names in (
                ("made since, whose records are lost", found.made),
                ("changed since, which will be as they were then", found.changed),
                ("deleted since, which come back", found.deleted),
            )
            if names
        ]
    if len(lines) == 1:
        lines.append("  All records are in the backup as they are now.")
    return lines


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(safe, names[:_NAMED]))
    return shown if len(names) <= _NAMED else f"{shown}, …"

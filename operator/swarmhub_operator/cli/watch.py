"""`get --watch`: records as they change, until Ctrl-C, a closed pipe or a lost store."""

from __future__ import annotations

import io
import select
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.store import Store
from swarmhub_crds.watch import Changes, StoreWatch

from swarmhub_operator.cli.errors import discard_output
from swarmhub_operator.cli.labels import is_selected
from swarmhub_operator.cli.output import warn
from swarmhub_operator.cli.records import Kind, Record, get_record, list_records, name_of
from swarmhub_operator.cli.selector import Selector
from swarmhub_operator.cli.text import safe

LOOK: Final = 0.1  # seconds between two looks at the store
WAIT: Final = 1.0  # seconds between two looks at whether anybody still reads the output
PATIENCE: Final = 60.0  # seconds that the store may be unusable before the watch gives up


class Happening(StrEnum):
    """What became of a record, in the words of Kubernetes' watches."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True)
class Event:
    """One change; a deleted record is as it was last seen.

    As in Kubernetes, one that is selected no more is told as deleted: `there` says that it is not.
    """

    happening: Happening
    record: Record
    there: bool = True


class Printer(Protocol):
    """What shows events."""

    def __call__(self, events: list[Event], /) -> None:
        """Show events that were found in one look; the first look may find none."""


def follow(
    store: Store, kind: Kind, name: str | None, show: Printer, selector: Selector | None = None
) -> None:
    """Show the records of a kind, those selected or the one of `name`, and their changes.

    Returns on Ctrl-C and when the output's reader has gone.

    Raises:
        StoreUnavailable: the store could not be used for a minute.
    """
    try:
        with closing(StoreWatch(store.url, interval=LOOK)) as watch:
            for events in _looks(store, watch, kind, name, selector):
                show(events)
                sys.stdout.flush()
    except KeyboardInterrupt:
        return
    if reader_gone():
        discard_output()


def _looks(
    store: Store, watch: StoreWatch, kind: Kind, name: str | None, selector: Selector | None
) -> Iterator[list[Event]]:
    seen: dict[str, Record] = {}
    outage = Outage()
    first = missed = True  # missed: what the watch told may not have been read
    while not reader_gone():
        try:
            changes = watch.wait(WAIT)
            if changes is None and not missed:
                continue
            changed = None if changes is None or changes.full or missed else changes
            current = _current(store, kind, name, changed, seen)
            events = differences(seen, current, selector)
        except StoreUnavailable as error:
            outage.begin(error)
            missed = True
            continue
        outage.end()
        if events or first:
            yield events
        first = missed = False


def _current(
    store: Store, kind: Kind, name: str | None, changed: Changes | None, seen: Collection[str]
) -> dict[str, Record | None]:
    """Return what the store holds under each name that may have changed; None: under all."""
    if name is not None:
        return {name: get_record(store, kind, name)}
    if changed is None:
        gone: dict[str, Record | None] = dict.fromkeys(seen)
        return gone | {name_of(record): record for record in list_records(store, kind)}
    names = changed.notebooks if kind is Kind.NOTEBOOK else changed.homes
    return {one: get_record(store, kind, one) for one in names}


def differences(
    seen: dict[str, Record],
    current: Mapping[str, Record | None],
    selector: Selector | None = None,
) -> list[Event]:
    """Return what is new in `current`, in the order of names, and note it in `seen`."""
    events = []
    for name in sorted(current):
        old, new = seen.get(name), current[name]
        if new is None or not is_selected(new, selector):
            if old is not None:
                del seen[name]
                events.append(Event(Happening.DELETED, new or old, there=new is not None))
        elif new != old:
            seen[name] = new
            happening = Happening.ADDED if old is None else Happening.MODIFIED
            events.append(Event(happening, new))
    return events


class Outage:
    """Says once what is wrong with the store, and ends the watch if that lasts."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._since: float | None = None
        self._said = ""

    def begin(self, error: StoreUnavailable) -> None:
        """Note a failed look.

        Raises:
            StoreUnavailable: `error`, when it has lasted too long.
        """
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since >= self._patience:
            raise error
        if str(error) != self._said:
            self._said = str(error)
            warn(f"{safe(self._said)} (waiting up to {self._patience:g} s for it)")

    def end(self) -> None:
        """Note a look that succeeded."""
        if self._since is not None:
            warn("The store is back.")
        self._since, self._said = None, ""


def reader_gone() -> bool:
    """Tell whether the pipe or terminal behind standard output was closed by its reader."""
    try:
        descriptor = sys.stdout.fileno()
    except io.UnsupportedOperation:
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(what & (select.POLLERR | select.POLLHUP) for _, what in poll.poll(0))

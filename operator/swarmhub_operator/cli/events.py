"""`swarmhub events`: what the operator decided, as `kubectl events` tells it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from swarmhub_crds.base import API_VERSION
from swarmhub_crds.errors import NotFound, StoreUnavailable
from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.completing import complete_notebook
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.errors import discard_output
from swarmhub_operator.cli.eventrows import TITLES, WIDE, row
from swarmhub_operator.cli.options import StateUrl, clock, opened
from swarmhub_operator.cli.output import Document
from swarmhub_operator.cli.records import WORDS, Kind, get_record, names_meant
from swarmhub_operator.cli.table import Table
from swarmhub_operator.cli.watch import Outage, reader_gone
from swarmhub_operator.settings import DEFAULT_STATE_URL

LOOK: Final = 0.5  # seconds between two looks at the store
_CONCERNED: Final = {Kind.NOTEBOOK: Concerned.NOTEBOOK, Kind.HOME: Concerned.HOME}

Chooser = Callable[[Event], bool]


class EventForm(StrEnum):
    """The values of `events -o`."""

    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


For = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="NAME",
        help="Only about this: notebook/NAME, home/NAME, NAME, USER or USER/SERVER.",
        autocompletion=complete_notebook,
        show_default=False,
    ),
]
Follow = Annotated[
    bool, typer.Option("-f", "--follow", "-w", "--watch", help="Go on as more happens.")
]
Form = Annotated[
    EventForm | None,
    typer.Option("-o", "--output", help="Another form than the table.", show_default=False),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=1, help="Only the newest N.", show_default=False),
]
Since = Annotated[
    timedelta | None,
    typer.Option(
        "--since",
        parser=duration,
        metavar="AGE",
        help="Only what happened within this time, as in 15m.",
        show_default=False,
    ),
]


def events(
    about: For = None,
    follow: Follow = False,
    form: Form = None,
    limit: Limit = None,
    since: Since = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """List what the operator decided about notebooks and homes, the newest last.

    They are read from the store, so the operator may be down. What happens again is counted.
    """
    with opened(state_url) as store:
        wanted = _chooser(store, about)
        everything = store.list_events()
        found = [event for event in everything if wanted(event)]
        if not found and about is not None:
            _require_known(store, about)
        found = _newest(found, clock(), limit, since)
        if not follow:
            _once(found, form)
            return
        show = _printer(form)
        show(found)
        _follow(store, everything[-1].position if everything else 0, wanted, show)


def _newest(
    found: list[Event], now: datetime, limit: int | None, since: timedelta | None
) -> list[Event]:
    if since is not None:
        found = [event for event in found if event.last_seen >= now - since]
    return found if limit is None else found[-limit:]


def _chooser(store: Store, about: str | None) -> Chooser:
    """Return what tells whether an event is asked for."""
    if about is None:
        return lambda _: True
    kinds, name = _target(about)
    wanted = {(_CONCERNED[kind], one) for kind in kinds for one in names_meant(store, kind, name)}
    return lambda event: (event.kind, event.name) in wanted


def _target(about: str) -> tuple[Sequence[Kind], str]:
    """Return the kinds and the name that `KIND/NAME` or a name alone mean."""
    first, slash, rest = about.partition("/")
    kind = WORDS.get(first.lower())
    return ([kind], rest) if slash and rest and kind is not None else (list(Kind), about)


def _require_known(store: Store, about: str) -> None:
    """Tell a name that nothing has from one about which nothing has happened.

    Raises:
        NotFound: there is nothing of this name.
    """
    kinds, name = _target(about)
    meant = ((kind, one) for kind in kinds for one in names_meant(store, kind, name))
    if not any(get_record(store, kind, one) is not None for kind, one in meant):
        raise NotFound(
            f"There is no notebook or home {about!r}, nor is anything known of one; "
            "`swarmhub get notebooks` and `swarmhub get homes` list them."
        )


def _once(found: list[Event], form: EventForm | None) -> None:
    if form in {EventForm.JSON, EventForm.YAML}:
        output.write(output.document(listed(found), Document(form)))
    elif found:
        _printer(form)(found)
    else:
        output.warn("No event is known that fits.")


def listed(found: Sequence[Event]) -> dict[str, Any]:
    """Return events as one JSON document."""
    items = [_wire(event) for event in found]
    return {"apiVersion": API_VERSION, "kind": "EventList", "items": items}


def _wire(event: Event) -> dict[str, Any]:
    return event.model_dump(mode="json", by_alias=True)


def _printer(form: EventForm | None) -> Callable[[Sequence[Event]], None]:
    """Return what prints events as they come: rows, the header first, or one document each."""
    if form in {EventForm.JSON, EventForm.YAML}:
        return lambda found: _documents(found, Document(form))
    wide = form is EventForm.WIDE
    table = Table(WIDE if wide else TITLES, output.paint, colored="TYPE")
    headed = False

    def show(found: Sequence[Event]) -> None:
        nonlocal headed
        if not found:
            return
        rows = [row(event, clock(), wide=wide) for event in found]
        table.fit(rows)
        if not headed:
            output.write(table.header())
            headed = True
        columns = output.width()
        for cells in rows:
            output.write(table.wrapped(cells, columns) if columns else table.line(cells))

    return show


def _documents(found: Sequence[Event], form: Document) -> None:
    for event in found:
        output.write(output.document(_wire(event), form, compact=True))


def _follow(
    store: Store, seen: int, wanted: Chooser, show: Callable[[Sequence[Event]], None]
) -> None:
    """Show what happens from now on; ends with Ctrl-C, or when nobody reads it any more."""
    try:
        for found in _looks(store, seen):
            show([event for event in found if wanted(event)])
            sys.stdout.flush()
    except KeyboardInterrupt:
        return
    if reader_gone():
        discard_output()


def _looks(store: Store, seen: int) -> Iterator[list[Event]]:
    """Yield what each look finds after the position `seen`.

    The newest event never goes by itself: if it is not there, the store is an older one again.
    """
    outage = Outage()
    while not reader_gone():
        try:
            found = store.list_events(after=seen - 1)
            if not found and seen:
                found = store.list_events()
                seen = found[-1].position if found else 0
        except StoreUnavailable as error:
            outage.begin(error)
        else:
            outage.end()
            yield [event for event in found if event.position > seen]
            seen = found[-1].position if found else seen
        time.sleep(LOOK)

"""`swarmhub get`: records as a table, names, JSON or YAML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from swarmhub_operator.cli import output
from swarmhub_operator.cli.labels import selected
from swarmhub_operator.cli.options import (
    Form,
    KindWord,
    Labels,
    RecordName,
    SortBy,
    StateUrl,
    clock,
    opened,
    ordered,
)
from swarmhub_operator.cli.output import Document, Output
from swarmhub_operator.cli.records import (
    Kind,
    Record,
    find_record,
    kind_of,
    list_records,
    name_of,
    target,
    wire,
    wire_list,
)
from swarmhub_operator.cli.rows import CHANGING, row, titles
from swarmhub_operator.cli.sorting import in_order
from swarmhub_operator.cli.table import Table
from swarmhub_operator.cli.text import safe
from swarmhub_operator.cli.watch import Event, Happening, Printer, follow
from swarmhub_operator.settings import DEFAULT_STATE_URL

REMOVED = "Removed"  # the phase of a row whose record is gone

Watch = Annotated[
    bool, typer.Option("-w", "--watch", help="Go on, and print each record as it changes.")
]


def get(
    kind: KindWord,
    name: RecordName = None,
    form: Form = None,
    watch: Watch = False,
    selector: Labels = None,
    sort_by: SortBy = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """List notebooks or homes, or show one.

    A record that cannot be read has the phase Invalid; `describe` says why.
    """
    which, wanted = target(kind, name)
    if wanted is not None and selector is not None:
        raise typer.BadParameter("give a name or a selector (-l), not both")
    if watch and sort_by is not None:
        output.warn("--sort-by is of no use with --watch: records come as they change.")
    with opened(state_url) as store:
        one = None if wanted is None else find_record(store, which, wanted)
        if watch:
            only = None if one is None else name_of(one)
            follow(store, which, only, printer(which, form), selector)
        elif one is not None:
            _show_one(one, form)
        else:
            found = selected(list_records(store, which), selector)
            _show_all(
                which,
                ordered(found, lambda by: in_order(found, which, by), sort_by),
                form,
                any_at_all=selector is None,
            )


def _show_one(record: Record, form: Output | None) -> None:
    if form in {Output.JSON, Output.YAML}:
        output.write(output.document(wire(record), Document(form)))
    else:
        _show_rows(kind_of(record), [record], form)


def _show_all(
    kind: Kind, records: Sequence[Record], form: Output | None, *, any_at_all: bool
) -> None:
    if form in {Output.JSON, Output.YAML}:
        output.write(output.document(wire_list(records), Document(form)))
    elif records:
        _show_rows(kind, records, form)
    elif any_at_all:
        output.warn(f"There are no {kind.plural} yet.")
    else:
        output.warn(f"No {kind} has such labels; `swarmhub get {kind.plural}` lists all.")


def _show_rows(kind: Kind, records: Sequence[Record], form: Output | None) -> None:
    if form is Output.NAME:
        for record in records:
            output.write(reference(record))
        return
    wide, now = form is Output.WIDE, clock()
    table = Table(titles(kind, wide=wide), output.paint)
    rows = [row(record, now, wide=wide) for record in records]
    table.fit(rows)
    output.write(table.header())
    for cells in rows:
        output.write(table.line(cells))


def reference(record: Record) -> str:
    """Return KIND/NAME, which `get` and `describe` take too."""
    return f"{kind_of(record)}/{safe(name_of(record))}"


def printer(kind: Kind, form: Output | None) -> Printer:
    """Return what shows the events of a watch in the form that was asked for."""
    if form is Output.NAME:
        return _show_names
    if form in {Output.JSON, Output.YAML}:
        return DocumentPrinter(Document(form))
    return RowPrinter(kind, wide=form is Output.WIDE)


def _show_names(events: list[Event]) -> None:
    for event in events:
        output.write(reference(event.record))


class DocumentPrinter:
    """Shows each event as one line of JSON, or one YAML document."""

    def __init__(self, form: Document) -> None:
        self._form = form

    def __call__(self, events: list[Event], /) -> None:
        """Show `events`."""
        for event in events:
            content = {"type": event.happening.value, "object": wire(event.record)}
            output.write(output.document(content, self._form, compact=True))


class RowPrinter:
    """Shows each event as a row, unless the row would look as its last one did."""

    def __init__(self, kind: Kind, *, wide: bool) -> None:
        self._kind = kind
        self._wide = wide
        self._titles = titles(kind, wide=wide)
        self._table = Table(self._titles, output.paint)
        self._table.fit([[_ROOM.get(title, "") for title in self._titles]])
        self._shown: dict[str, list[str]] = {}
        self._begun = False

    def __call__(self, events: list[Event], /) -> None:
        """Show `events`, under the titles the first time."""
        rows = [cells for event in events if (cells := self._news(event))]
        self._table.fit(rows)
        if not self._begun and rows:
            output.write(self._table.header())
            self._begun = True
        if not self._begun:
            output.warn(f"There are no {self._kind.plural} yet; waiting for the first.")
        for cells in rows:
            output.write(self._table.line(cells))

    def _news(self, event: Event) -> list[str] | None:
        """Return the row of `event` if it tells something new."""
        name = name_of(event.record)
        cells = row(event.record, clock(), wide=self._wide)
        if event.happening is Happening.DELETED and not event.there:
            cells[self._titles.index("PHASE")] = REMOVED
        lasting = [
            cell for title, cell in zip(self._titles, cells, strict=True) if title not in CHANGING
        ]
        if self._shown.get(name) == lasting:
            return None
        self._shown[name] = lasting
        return cells


# Rows to come are wider than the first ones: room for what a phase or a node may become.
_ROOM = {"PHASE": "Starting", "READY": "False", "NODE": "x" * 12, "AGE": "120s"}

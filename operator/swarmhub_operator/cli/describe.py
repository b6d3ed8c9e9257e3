"""`swarmhub describe`: everything about one record, for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import typer
from swarmhub_crds.event import Concerned
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_crds.image import newer_content
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.describe_home import describe_home, home_status
from swarmhub_operator.cli.describe_notebook import describe_notebook, notebook_status
from swarmhub_operator.cli.eventrows import OF_ONE, row_of_one
from swarmhub_operator.cli.options import KindWord, RecordName, StateUrl, clock, opened
from swarmhub_operator.cli.records import (
    Record,
    find_record,
    home_names,
    name_of,
    phase_of,
    target,
)
from swarmhub_operator.cli.sections import Page
from swarmhub_operator.settings import DEFAULT_STATE_URL

EVENTS: Final = 10  # how many are shown; `swarmhub events` lists all


def describe(
    kind: KindWord,
    name: RecordName = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Show everything about one notebook or home.

    Secret values are kept apart from the records and never shown.
    """
    which, wanted = target(kind, name)
    if wanted is None:
        raise typer.BadParameter(
            f"give the name of a {which}; `swarmhub get {which.plural}` lists them"
        )
    with opened(state_url) as store:
        page = page_of(store, find_record(store, which, wanted), clock())
    output.write("\n".join(page.lines))


def page_of(store: Store, record: Record, now: datetime) -> Page:
    """Return the page about `record`, with what the store knows of its surroundings.

    Raises:
        StoreError: the store cannot be read.
    """
    page = Page(now)
    if isinstance(record, Notebook):
        found = [store.get_home(name) for name in home_names(record)]
        homes = [home for home in found if home is not None]
        describe_notebook(page, record, homes, newer_content(record, store.list_images()))
    elif isinstance(record, Home):
        describe_home(page, record, _mounting(store, record.metadata.name))
    else:
        _describe_broken(page, record)
    _describe_events(page, store, record)
    return page


def _describe_events(page: Page, store: Store, record: Record) -> None:
    """Add what the operator decided last."""
    found = store.list_events(Concerned(record.kind), name_of(record))
    page.table("Events", OF_ONE, [row_of_one(event, page.now) for event in found[-EVENTS:]])


def _mounting(store: Store, home: str) -> list[Notebook]:
    notebooks = [n for n in store.list_notebooks() if isinstance(n, Notebook)]
    return [n for n in notebooks if home in home_names(n)]


def _describe_broken(page: Page, broken: Broken) -> None:
    """Add what can be read of a record that as a whole cannot."""
    page.field("Name", broken.name)
    page.phase(phase_of(broken))
    page.sentence("Message", broken.message)
    page.field("UID", broken.uid)
    page.field("Generation", broken.generation)
    page.field("Resource version", broken.resource_version)
    if broken.deletion_requested_at is not None:
        page.time("Deletion asked for", broken.deletion_requested_at)
    if isinstance(broken.status, HomeStatus):
        home_status(page, broken.status)
    elif broken.status is not None:
        notebook_status(page, broken.status)

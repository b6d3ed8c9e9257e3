"""Events in the store: counted when repeated, bounded, and a matter of nobody who watches it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.event import Concerned, Event, EventType
from swarmhub_crds.sqlstore import eventing
from swarmhub_crds.sqlstore.tables import events as table
from swarmhub_crds.store import Store
from swarmhub_crds.watch import StoreWatch
from unit.crds.samples import notebook_spec, url_of

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KINDS = (Concerned.NOTEBOOK, Concerned.HOME)


def event(name: str = "ada", message: str = "It answers.", **changes: object) -> Event:
    """Return an event about a notebook."""
    fields: dict[str, object] = {
        "kind": Concerned.NOTEBOOK,
        "name": name,
        "reason": "Ready",
        "message": message,
        "first_seen": WHEN,
        "last_seen": WHEN,
    }
    return Event.model_validate(fields | changes)


def test_the_same_again_is_counted_and_comes_last(store: Store, fence: int) -> None:
    """One row for what happens over and over, with the first time and the last."""
    store.put_events([event(), event("bob")], fence=fence)
    later = WHEN + timedelta(hours=1)
    again = event(first_seen=later, last_seen=later, count=3, type=EventType.WARNING)
    store.put_events([again], fence=fence)
    bob, ada = store.list_events()
    assert (bob.name, bob.count, bob.position) == ("bob", 1, 2)
    assert (ada.count, ada.first_seen, ada.last_seen, ada.position) == (4, WHEN, later, 3)
    assert ada.type is EventType.WARNING


@pytest.mark.parametrize(
    "other",
    [
        event(message="It is lost."),
        event(reason="Lost"),
        event(kind=Concerned.HOME),
        event("bob"),
    ],
)
def test_what_differs_is_an_event_of_its_own(store: Store, fence: int, other: Event) -> None:
    """Kind, name, reason and message tell events apart."""
    store.put_events([event(), other], fence=fence)
    assert [one.count for one in store.list_events()] == [1, 1]


def test_one_object_or_what_came_later_is_asked_for(store: Store, fence: int) -> None:
    """As `describe` and `events --follow` do."""
    home = event(kind=Concerned.HOME)
    store.put_events([event(), home, event("bob"), event()], fence=fence)
    assert [e.position for e in store.list_events(Concerned.NOTEBOOK, "ada")] == [4]
    assert [(e.kind, e.name) for e in store.list_events(after=2)] == [
        (Concerned.NOTEBOOK, "bob"),
        (Concerned.NOTEBOOK, "ada"),
    ]
    assert store.list_events(Concerned.HOME, "ada", after=2) == []


def test_only_who_leads_adds_events(store: Store, fence: int) -> None:
    """What an operator that was replaced still decided was never carried out."""
    with pytest.raises(LeaseLost):
        store.put_events([event()], fence=fence + 1)
    assert store.list_events() == []


def test_events_wake_nobody_and_take_no_revision(store: Store, path: Path, fence: int) -> None:
    """Else each decision would be looked at anew, and make the next event."""
    store.apply_notebook(notebook_spec())
    before = store.revision()
    with closing(StoreWatch(url_of(path))) as watch:
        assert watch.wait(5.0) is not None
        store.put_events([event()], fence=fence)
        assert watch.wait(0.2) is None
    assert store.revision() == before


def test_what_cannot_be_read_is_left_out(store: Store, path: Path, fence: int) -> None:
    """Others than swarmhub may have written it."""
    store.put_events([event()], fence=fence)
    with closing(sqlite3.connect(path)) as raw, raw:
        for at, row in enumerate(
            (
                "'Cat', 'ada', 'Normal', 'Ready', '', 1, '2026-01-05T09:00:00+00:00', '2026'",
                "'Home', 'ada', 'Normal', 'not a reason', '', 1, 'x', 'y'",
                "'Home', x'ff', 'Normal', 'Ready', '', 'many', x'ff', 'y'",
            ),
            10,
        ):
            raw.execute(f"INSERT INTO events VALUES ({at}, {row})")
    store.put_events([event("bob")], fence=fence)
    assert [e.name for e in store.list_events()] == ["ada", "bob"]


def test_the_bounds_hold_however_many_are_written(store: Store, fence: int) -> None:
    """In all, and about one object that fails in ever new words."""
    store.put_events([event("bob")], fence=fence)
    noisy = [event(message=f"Attempt {n} failed.") for n in range(eventing.KEPT_OF_ONE + 20)]
    store.put_events(noisy, fence=fence)
    own = store.list_events(Concerned.NOTEBOOK, "ada")
    assert (len(own), own[0].message) == (eventing.KEPT_OF_ONE, "Attempt 20 failed.")
    assert store.list_events(Concerned.NOTEBOOK, "bob") != []
    store.put_events([event(f"user-{n}") for n in range(eventing.KEPT)], fence=fence)
    everything = store.list_events()
    assert (len(everything), everything[0].name) == (eventing.KEPT, "user-0")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for all examples of one test, each of which empties it."""
    path = tmp_path_factory.mktemp("shared") / "state.db"
    with closing(Store.open(url_of(path))) as store:
        yield store


@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.sampled_from(KINDS),
                st.sampled_from("abcd"),
                st.sampled_from("xyz"),
                st.integers(1, 3),
            ),
            max_size=8,
        ),
        max_size=6,
    ),
    kept=st.integers(1, 12),
    of_one=st.integers(1, 4),
)
def test_counts_and_bounds_are_those_of_a_list_in_memory(
    shared: Store,
    batches: list[list[tuple[Concerned, str, str, int]]],
    kept: int,
    of_one: int,
) -> None:
    """Whatever is written in whatever batches, the store holds what a plain list would."""
    model: list[tuple[tuple[Concerned, str, str], int]] = []  # the newest last
    with shared._database.write() as connection:
        connection.execute(delete(table))
    for batch in batches:
        made = [event(n, m, kind=k, count=c) for k, n, m, c in batch]
        with shared._database.write() as connection:
            eventing.add(connection, made, kept=kept, kept_of_one=of_one)
        for kind, name, message, count in batch:
            key = (kind, name, message)
            before = sum(c for k, c in model if k == key)
            model = [*((k, c) for k, c in model if k != key), (key, before + count)]
        model = _bounded(model, kept, of_one)
        found = shared.list_events()
        assert [((e.kind, e.name, e.message), e.count) for e in found] == model
        assert [e.position for e in found] == sorted({e.position for e in found})


def _bounded(
    model: list[tuple[tuple[Concerned, str, str], int]], kept: int, of_one: int
) -> list[tuple[tuple[Concerned, str, str], int]]:
    seen: Counter[tuple[Concerned, str]] = Counter()
    left = []
    for key, count in reversed(model):
        seen[key[:2]] += 1
        if seen[key[:2]] <= of_one:
            left.append((key, count))
    return left[:kept][::-1]

"""What the store tells beside its records: nodes, and when notebooks were last in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.image import SeenImage
from swarmhub_crds.node import SeenNode
from swarmhub_crds.store import Store
from swarmhub_crds.watch import StoreWatch
from unit.crds.samples import notebook_spec, url_of

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WORKER = SeenNode(
    id="n2",
    hostname="worker1",
    role="worker",
    availability="active",
    state="down",
    since=WHEN,
    cpus=2.0,
    memory=2**30,
    labels={"rack": "2"},
)
MANAGER = SeenNode(id="n1", hostname="manager", role="manager")


def test_nodes_are_told_as_the_operator_saw_them(store: Store, fence: int) -> None:
    """All of them, by hostname, and only the last time counts."""
    assert store.list_nodes() == []
    store.put_nodes([WORKER, MANAGER], fence=fence)
    assert store.list_nodes() == [MANAGER, WORKER]
    store.put_nodes([MANAGER], fence=fence)
    assert store.list_nodes() == [MANAGER]


def test_only_who_leads_says_which_nodes_there_are(store: Store, fence: int) -> None:
    """Another operator may know better."""
    with pytest.raises(LeaseLost):
        store.put_nodes([WORKER], fence=fence + 1)
    assert store.list_nodes() == []


def test_activity_is_known_of_notebooks_alone(store: Store) -> None:
    """Each time replaces the one before, and goes with its notebook."""
    store.apply_notebook(notebook_spec())
    store.note_activity({"ada": WHEN, "nobody": WHEN})
    assert store.last_activity() == {"ada": WHEN}
    abroad = (WHEN + timedelta(hours=1)).astimezone(timezone(timedelta(hours=5)))
    store.note_activity({"ada": abroad})
    assert store.last_activity() == {"ada": WHEN + timedelta(hours=1)}


def test_what_cannot_be_read_is_left_out(store: Store, path: Path, fence: int) -> None:
    """Others than swarmhub may have written it."""
    store.put_nodes([MANAGER], fence=fence)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO nodes VALUES ('n9', '[')")
        raw.execute("INSERT INTO activity VALUES ('ada', 'yesterday')")
        raw.execute("INSERT INTO activity VALUES ('bob', x'ff')")
    assert store.list_nodes() == [MANAGER]
    assert store.last_activity() == {}


def test_none_of_it_wakes_who_watches_records(store: Store, path: Path, fence: int) -> None:
    """A hub with many servers writes their activity once a minute."""
    store.apply_notebook(notebook_spec())
    with closing(StoreWatch(url_of(path))) as watch:
        assert watch.wait(5.0) is not None
        store.note_activity({"ada": WHEN})
        store.put_nodes([WORKER], fence=fence)
        assert watch.wait(0.2) is None


def test_images_are_announced_by_the_hub_and_told_by_the_operator(store: Store, fence: int) -> None:
    """Each in its order, each replaced as a whole; what cannot be read is left out."""
    assert (store.announced_images(), store.list_images()) == ([], [])
    store.announce_images(["lab:2", "lab:1"])
    store.announce_images(["lab:2", "lab:1"])
    assert store.announced_images() == ["lab:2", "lab:1"]
    seen = [SeenImage(image="lab:2"), SeenImage(image="lab:1", origin="hub")]
    store.put_images(seen, fence=fence)
    assert store.list_images() == seen
    with pytest.raises(LeaseLost):
        store.put_images([], fence=fence + 1)
    with closing(sqlite3.connect(store.path)) as raw, raw:
        raw.execute("UPDATE images SET document = '{' WHERE position = 0")
    assert store.list_images() == seen[1:]
    store.announce_images([])
    assert store.announced_images() == []

"""The status side: compare-and-swap, fences, removal, and who writes which column."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from swarmhub_crds.errors import Conflict, LeaseLost, NotFound
from swarmhub_crds.home import HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.notebook import Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Lease, Store
from unit.crds.samples import is_home, is_notebook, notebook_spec, start, url_of

RUNNING = NotebookStatus(observed_generation=1, phase=Phase.RUNNING)

COUNT_RESTARTS = """
import sys, time
from swarmhub_crds.errors import Conflict
from swarmhub_crds.store import Store
store, fence, conflicts = Store.open(sys.argv[1]), int(sys.argv[2]), 0
print("ready", flush=True)
sys.stdin.readline()
for _ in range(40):
    while True:
        seen = store.get_notebook("ada")
        time.sleep(0.001)  # here the others come in
        status = seen.status.model_copy(update={"restarts": seen.status.restarts + 1})
        meta = seen.metadata
        try:
            store.put_notebook_status(
                "ada", meta.uid, meta.resource_version, status, fence=fence)
            break
        except Conflict:
            conflicts += 1
print(conflicts)
"""


def test_status_is_compared_and_swapped(store: Store, fence: int) -> None:
    """Only the version that was read can be replaced; the spec and the generation stay."""
    old = store.apply_notebook(notebook_spec())
    uid, version = old.metadata.uid, old.metadata.resource_version
    new = is_notebook(store.put_notebook_status("ada", uid, version, RUNNING, fence=fence))
    assert (new.status, new.spec, new.metadata.generation) == (RUNNING, old.spec, 1)
    assert new.metadata.resource_version == store.revision() > version
    for stale in ((uid, version), ("another uid", new.metadata.resource_version)):
        with pytest.raises(Conflict, match="has changed since it was read; read it again"):
            store.put_notebook_status("ada", *stale, NotebookStatus(), fence=fence)
    with pytest.raises(NotFound):
        store.put_notebook_status("bob", uid, version, RUNNING, fence=fence)
    assert store.get_notebook("ada") == new


def test_a_spec_written_meanwhile_is_not_overlooked(store: Store, fence: int) -> None:
    """A status that was worked out from an older spec is refused."""
    old = store.apply_notebook(notebook_spec()).metadata
    store.set_desired("ada", Desired.RUNNING)
    with pytest.raises(Conflict):
        store.put_notebook_status("ada", old.uid, old.resource_version, RUNNING, fence=fence)


def test_racing_processes_lose_no_status(store: Store, fence: int) -> None:
    """Three processes that each count to forty by compare-and-swap reach 120 together."""
    store.apply_notebook(notebook_spec())
    processes = [start(COUNT_RESTARTS, store.url, str(fence)) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    conflicts = [int(process.communicate(timeout=120)[0]) for process in processes]
    assert is_notebook(store.get_notebook("ada")).status.restarts == 120
    assert sum(conflicts) > 0, "the processes never met; the test shows nothing"


def test_stale_fence_is_refused_everywhere(store: Store) -> None:
    """An operator that slept through its lease cannot write, whatever it knows."""
    slept = store.acquire_lease("first", ttl=0)
    taken = store.acquire_lease("second", ttl=600, silent=slept)
    assert slept is not None
    assert taken is not None
    assert taken.token == slept.token + 1
    homes = {"home": HomeSpec(user="ada")}
    meta = store.apply_notebook(notebook_spec(), homes=homes, secrets={"A": "1"}).metadata
    store.request_deletion("ada")
    old: dict[str, Any] = {"fence": slept.token}
    for write in (
        lambda: store.put_notebook_status("ada", meta.uid, 9, RUNNING, **old),
        lambda: store.put_home_status("home", meta.uid, 9, HomeStatus(), **old),
        lambda: store.remove_notebook("ada", meta.uid, 9, **old),
        lambda: store.remove_home("home", meta.uid, 9, **old),
        lambda: store.erase_secrets(meta.uid, generation=1, **old),
        lambda: store.renew_lease(slept),
    ):
        with pytest.raises(LeaseLost, match="acquire the lease again"):
            write()
    assert store.secret_environment(meta.uid) == {"A": "1"}


def test_secrets_of_a_newer_start_are_not_erased(store: Store, fence: int) -> None:
    """The end of an old run must not take the token of the next one."""
    uid = store.apply_notebook(notebook_spec(), secrets={"A": "1"}).metadata.uid
    store.apply_notebook(notebook_spec(), secrets={"A": "2"})
    store.erase_secrets(uid, generation=1, fence=fence)
    assert store.secret_environment(uid) == {"A": "2"}
    store.erase_secrets(uid, generation=2, fence=fence)
    assert store.secret_environment(uid) == {}


def test_removal_needs_the_mark(store: Store, fence: int) -> None:
    """A notebook that nobody asked to delete is not removed."""
    meta = store.apply_notebook(notebook_spec()).metadata
    with pytest.raises(Conflict, match="not marked for deletion"):
        store.remove_notebook("ada", meta.uid, meta.resource_version, fence=fence)
    assert store.get_notebook("ada") is not None


def test_homes_have_status_and_end(store: Store, fence: int) -> None:
    """A home's status is swapped like a notebook's, and its record can be removed."""
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    meta = is_home(store.get_home("home")).metadata
    bound = HomeStatus(phase=HomePhase.BOUND, node="one")
    home = is_home(
        store.put_home_status("home", meta.uid, meta.resource_version, bound, fence=fence)
    )
    assert home.status == bound
    with pytest.raises(Conflict):
        store.remove_home("home", meta.uid, meta.resource_version, fence=fence)
    store.remove_home("home", meta.uid, home.metadata.resource_version, fence=fence)
    assert store.list_homes() == []


@contextmanager
def _written(store: Store) -> Iterator[list[str]]:
    """Collect the SQL of every INSERT, UPDATE and DELETE on the record tables."""
    statements: list[str] = []

    def note(_1: object, _2: object, statement: str, *_rest: object) -> None:
        if re.match(r"(INSERT INTO|UPDATE|DELETE FROM) (notebooks|homes)", statement):
            statements.append(statement)

    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_the_spec_side_names_no_status_column(store: Store) -> None:
    """One writer a field: specs, generations and marks."""
    with _written(store) as statements:
        for _ in range(2):
            store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
        store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada", driver="nfs")})
        store.set_desired("ada", Desired.RUNNING)
        store.request_deletion("ada")
    assert len(statements) == 7
    assert not [s for s in statements if re.search(r"\bstatus\b", s)]


def test_the_status_side_names_no_spec_column(store: Store, fence: int) -> None:
    """One writer a field: statuses."""
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    with _written(store) as statements:
        seen = is_notebook(store.get_notebook("ada")).metadata
        store.put_notebook_status("ada", seen.uid, seen.resource_version, RUNNING, fence=fence)
        home = is_home(store.get_home("home")).metadata
        store.put_home_status("home", home.uid, home.resource_version, HomeStatus(), fence=fence)
    assert len(statements) == 2
    owned = r"\b(spec|generation|uid|created_at|deletion_requested_at)\b"
    assert not [s for s in statements if re.search(owned, s)]


def test_a_second_store_object_sees_every_write(store: Store, fence: int) -> None:
    """Two Stores on one file, as hub and operator are, agree at once."""
    other = Store.open(url_of(store._database.path), create=False)
    notebook: Notebook = other.apply_notebook(notebook_spec())
    assert store.get_notebook("ada") == notebook
    assert isinstance(other.read_lease(), Lease)
    other.close()

"""What the store remembers of removals, what is held back, and records that are put back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import swarmhub_crds
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from swarmhub_crds.errors import Conflict, LeaseLost, NotFound
from swarmhub_crds.held import Held, Why
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.sqlstore.recovery import PutBack
from swarmhub_crds.store import Store
from swarmhub_crds.watch import StoreWatch
from unit.crds.samples import is_home, is_notebook, notebook_spec, url_of

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def delete(store: Store, name: str, fence: int) -> str:
    """Delete a notebook, as hub and operator together do, and return its uid."""
    meta = is_notebook(store.request_deletion(name)).metadata
    store.remove_notebook(name, meta.uid, meta.resource_version, fence=fence)
    return meta.uid


def held(ident: str, why: Why = Why.NO_RECORD) -> Held:
    """Return something that is held."""
    return Held(kind="service", id=ident, name=f"jupyter-{ident}", why=why, message="Why not.")


# -- removals


def test_a_removal_is_remembered_by_uid(store: Store, fence: int) -> None:
    """Also when another record has the name by now; the new one's uid is not among them."""
    store.apply_notebook(notebook_spec())
    first = delete(store, "ada", fence)
    second = store.apply_notebook(notebook_spec()).metadata.uid
    assert store.removed_uids() == {first}
    assert delete(store, "ada", fence) == second
    assert store.removed_uids() == {first, second}
    assert store.removed_uids("Home") == frozenset()


def test_a_store_of_version_1_is_migrated(path: Path) -> None:
    """Its records and tombstones stay; what it did not note is empty, and no uid is made up."""
    engine = create_engine(url_of(path))
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        folder = Path(swarmhub_crds.__file__).parent / "migrations"
        config.set_main_option("script_location", str(folder))
        command.upgrade(config, "0001")
        time, spec = "2026-01-05T09:00:00.000000+00:00", notebook_spec().model_dump_json()
        connection.exec_driver_sql(f"INSERT INTO meta VALUES (1, 'old-uid', 7, '{time}')")
        connection.exec_driver_sql("INSERT INTO tombstones VALUES ('Notebook', 'eve', 6)")
        connection.exec_driver_sql(
            "INSERT INTO notebooks VALUES ('ada', 'uid-ada', 2, 5, ?, ?, NULL, ?, '{}')",
            (time, time, spec),
        )
    engine.dispose()
    with closing(Store.open(url_of(path))) as store:
        assert store.uid == "old-uid"
        ada = is_notebook(store.get_notebook("ada"))
        assert (ada.metadata.generation, ada.metadata.spec_written_at) == (2, None)
        assert store.removed_uids() == frozenset()
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT * FROM tombstones").fetchall() == [(6, "Notebook", "eve", None)]


# -- when a spec was written, and its generation


def test_only_the_spec_side_moves_the_time_of_the_spec(store: Store, fence: int) -> None:
    """A status that is written later makes the spec no younger."""
    meta = store.apply_notebook(notebook_spec()).metadata
    assert meta.spec_written_at == meta.created_at
    written = is_notebook(
        store.put_notebook_status(
            "ada", meta.uid, meta.resource_version, NotebookStatus(), fence=fence
        )
    ).metadata
    assert written.updated_at > meta.updated_at
    assert written.spec_written_at == meta.spec_written_at
    again = store.set_desired("ada", Desired.RUNNING).metadata
    assert again.spec_written_at is not None
    assert again.spec_written_at > written.updated_at


def test_a_generation_that_the_operator_has_seen_is_not_given_again(
    store: Store, fence: int
) -> None:
    """A store from a backup holds generation 1 while what runs was made of generation 5."""
    meta = store.apply_notebook(notebook_spec()).metadata
    seen = NotebookStatus(observed_generation=5, phase=Phase.RUNNING)
    store.put_notebook_status("ada", meta.uid, meta.resource_version, seen, fence=fence)
    assert store.apply_notebook(notebook_spec()).metadata.generation == 6
    assert is_notebook(store.request_deletion("ada")).metadata.generation == 7


def test_a_later_start_that_the_operator_has_seen_can_be_stopped(store: Store, fence: int) -> None:
    """The record says "stopped" already, but not of that start."""
    meta = store.apply_notebook(notebook_spec()).metadata
    assert store.set_desired("ada", Desired.STOPPED).metadata.generation == 1
    seen = NotebookStatus(observed_generation=5, phase=Phase.RUNNING)
    store.put_notebook_status("ada", meta.uid, meta.resource_version, seen, fence=fence)
    assert store.set_desired("ada", Desired.STOPPED).metadata.generation == 6
    assert store.set_desired("ada", Desired.STOPPED).metadata.generation == 6


@pytest.mark.parametrize("status", ["{", "[]", "7", '{"observedGeneration": 1e99}', "null"])
def test_a_status_that_cannot_be_read_raises_the_generation_by_one(
    store: Store, path: Path, status: str
) -> None:
    """Nonsense in the operator's part stops no start."""
    store.apply_notebook(notebook_spec())
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE notebooks SET status = ?", (status,))
    assert store.apply_notebook(notebook_spec()).metadata.generation == 2


# -- what is held back


def test_what_is_held_can_be_confirmed_by_its_exact_id(store: Store, fence: int) -> None:
    """All of the ids or none; a confirmation ends with what it was about."""
    store.put_held([held("s1"), held("s2"), held("o", Why.OTHER_STORE)], fence=fence)
    assert [one.id for one in store.list_held()] == ["o", "s1", "s2"]
    for wrong in ("s", "s3", "", "o"):
        with pytest.raises(NotFound, match="swarmhub gc"):
            store.confirm_removals(["s1", wrong])
    assert store.confirmed_removals() == frozenset()
    store.confirm_removals(["s1", "s2"])
    store.confirm_removals(["s1"])
    assert store.confirmed_removals() == {"s1", "s2"}
    store.put_held([held("s2")], fence=fence)
    assert store.confirmed_removals() == {"s2"}
    with pytest.raises(LeaseLost):
        store.put_held([], fence=fence + 1)


def test_an_unreadable_entry_is_not_in_the_way(store: Store, path: Path, fence: int) -> None:
    """The list is for people; the operator writes it anew."""
    store.put_held([held("s1")], fence=fence)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO held VALUES ('s2', '{'), ('s3', x'00')")
    assert [one.id for one in store.list_held()] == ["s1"]


def test_neither_wakes_the_watchers(store: Store, fence: int) -> None:
    """They are no change of a record."""
    with closing(StoreWatch(store.url, interval=0.01)) as watch:
        assert watch.wait(1)
        store.put_held([held("s1")], fence=fence)
        store.confirm_removals(["s1"])
        assert watch.wait(0.2) is None


# -- putting back


def elsewhere(tmp_path: Path, generation: int = 3) -> Notebook:
    """Return a record as another store has it, at this generation."""
    with closing(Store.open(url_of(tmp_path / "lost.db"))) as lost:
        for _ in range(generation):
            made = lost.apply_notebook(
                notebook_spec(desired=Desired.RUNNING), homes={"home-ada": HomeSpec(user="ada")}
            )
    return made


def test_a_record_is_put_back_as_it_was(store: Store, tmp_path: Path) -> None:
    """With its uid, generation and times; a watcher is told."""
    lost = elsewhere(tmp_path)
    store.put_back([PutBack(lost)], [])
    found = is_notebook(store.get_notebook("ada"))
    same = {"resource_version", "updated_at"}
    assert found.metadata.model_dump(exclude=same) == lost.metadata.model_dump(exclude=same)
    assert (found.spec, found.status) == (lost.spec, NotebookStatus())
    assert store.apply_notebook(notebook_spec()).metadata.generation == 4


def test_nothing_is_put_over_what_has_changed(store: Store, tmp_path: Path) -> None:
    """A start that came in between wins, and nothing at all is written."""
    lost = elsewhere(tmp_path)
    other = lost.model_copy(update={"metadata": lost.metadata.model_copy(update={"name": "bob"})})
    read = store.apply_notebook(notebook_spec()).metadata
    store.apply_notebook(notebook_spec())
    for expected in (None, (read.uid, read.resource_version)):
        with pytest.raises(Conflict, match="run the command again"):
            store.put_back([PutBack(other), PutBack(lost, expected)], [])
    assert store.get_notebook("bob") is None
    now = is_notebook(store.get_notebook("ada")).metadata
    store.put_back([PutBack(lost, (now.uid, now.resource_version))], [])
    assert is_notebook(store.get_notebook("ada")).metadata.uid == lost.metadata.uid


# -- the identity of a store that was lost


def test_a_store_is_made_with_a_lost_identity(path: Path) -> None:
    """Only where there is none: one that exists keeps its own."""
    with closing(Store.open(url_of(path), uid="lost")) as made:
        assert made.uid == "lost"
    with closing(Store.open(url_of(path), uid="other")) as made:
        assert made.uid == "lost"


def test_an_adopted_identity_is_noticed_by_whoever_has_the_store_open(
    store: Store, path: Path
) -> None:
    """They go on with it; who held the lease writes nothing more under it."""
    own = store.uid
    lease = store.acquire_lease("the operator", ttl=600)
    assert lease is not None
    with closing(Store.open(url_of(path))) as other:
        other.put_back([], [], adopt="lost")
    with pytest.raises(LeaseLost):
        store.renew_lease(lease)
    assert store.uid == "lost"
    assert store.acquire_lease("the operator", ttl=600) is not None
    store.apply_notebook(notebook_spec(), homes={"home-ada": HomeSpec(user="ada")})
    assert is_home(store.get_home("home-ada")).spec.user == "ada"
    with closing(Store.open(url_of(path))) as again:
        assert again.uid == "lost"
        again.put_back([], [], adopt=own)
        assert again.uid == "lost"  # noticed at the next write
        again.apply_notebook(notebook_spec())
        assert again.uid == own

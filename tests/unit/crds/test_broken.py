"""Stored nonsense: it breaks one record, says so, and can be mended by either side."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from swarmhub_crds.errors import HomeTaken, StoreError
from swarmhub_crds.home import HomeSpec, HomeStatus
from swarmhub_crds.notebook import Desired, NotebookStatus, Phase
from swarmhub_crds.store import Broken, Store
from unit.crds.samples import is_home, is_notebook, notebook_spec

FAILED = NotebookStatus(phase=Phase.FAILED, message="The record is not valid.")

NONSENSE = {
    "spec": [
        "spec = '{'",
        "spec = '[]'",
        "spec = ''",
        "spec = x'ff00ff'",
        "spec = CAST(x'22ff22' AS TEXT)",
        'spec = replace(spec, \'"user"\', \'"shell":1,"user"\')',
        "spec = replace(spec, '8888', '\"8888\"')",
        "spec = replace(spec, '8888', '123456')",
        "spec = replace(spec, '\"ada\"', '\"\\ud800\"')",
        "spec = printf('%.*c', 100000, '[')",
        "spec = NULL",
    ],
    "status": [
        "status = 'null'",
        "status = x'00'",
        'status = \'{"phase": "Sleeping"}\'',
        'status = \'{"readyAt": "0001-01-01T00:00:00+14:00"}\'',
        "status = NULL",
    ],
    "metadata": [
        "generation = 'many'",
        "generation = 1.5",
        "generation = 0",
        "generation = NULL",
        "uid = x'ff'",
        "uid = CAST(x'ff' AS TEXT)",
        "uid = NULL",
        "created_at = 'yesterday'",
        "created_at = '2026-01-01T00:00:00'",
        "created_at = '0001-01-01T00:00:00+14:00'",
        "updated_at = 12",
        "updated_at = NULL",
        "resource_version = 'x'",
        "resource_version = -1",
        "resource_version = NULL",
        "deletion_requested_at = 'soon'",
    ],
}
CASES = [(part, statement) for part, statements in NONSENSE.items() for statement in statements]


def spoil(path: Path, assignment: str, table: str = "notebooks", name: str = "ada") -> None:
    """Write nonsense into a row, past every constraint."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '')")
        connection.commit()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {assignment} WHERE name = ?", (name,))


def is_broken(record: object) -> Broken:
    """Return `record` after making sure that it is broken."""
    assert isinstance(record, Broken), record
    return record


@pytest.mark.parametrize(("part", "nonsense"), CASES)
def test_nonsense_breaks_one_record_only(
    store: Store, path: Path, fence: int, part: str, nonsense: str
) -> None:
    """It is reported by name and part; the operator can give it a status, the spawner mend it."""
    store.apply_notebook(notebook_spec())
    sane = store.apply_notebook(notebook_spec("bob"))
    spoil(path, nonsense)

    broken, other = store.list_notebooks()
    broken = is_broken(broken)
    assert other == sane
    assert store.get_notebook("ada") == broken
    assert (broken.kind, broken.name) == ("Notebook", "ada")
    assert f"The stored {part} of notebook 'ada' cannot be read (" in broken.message
    assert broken.message.isprintable()
    assert len(broken.message) < 600

    told = store.put_notebook_status(
        "ada", broken.uid, broken.resource_version, FAILED, fence=fence
    )
    assert (told.status.phase if isinstance(told.status, NotebookStatus) else None) == "Failed"
    assert store.get_notebook("ada") == told

    mended = store.apply_notebook(notebook_spec())
    assert is_notebook(store.get_notebook("ada")) == mended
    assert mended.status == FAILED
    assert mended.metadata.generation > 1
    if broken.uid is not None:
        assert mended.metadata.uid == broken.uid


def test_what_can_be_read_of_a_broken_record_is_kept(store: Store, path: Path, fence: int) -> None:
    """Its identity, versions, mark and status are there to act on."""
    old = store.apply_notebook(notebook_spec())
    uid, version = old.metadata.uid, old.metadata.resource_version
    store.put_notebook_status("ada", uid, version, FAILED, fence=fence)
    marked = is_notebook(store.request_deletion("ada")).metadata
    spoil(path, "spec = '{}'")
    broken = is_broken(store.get_notebook("ada"))
    assert broken.uid == uid
    assert broken.resource_version == marked.resource_version
    assert broken.generation == marked.generation
    assert broken.deletion_requested_at == marked.deletion_requested_at
    assert broken.status == FAILED


def test_a_broken_record_can_be_deleted(store: Store, path: Path, fence: int) -> None:
    """Marking it works without its spec, and so does the removal."""
    store.apply_notebook(notebook_spec(), secrets={"A": "1"})
    spoil(path, "spec = '{}'")
    marked = is_broken(store.request_deletion("ada"))
    assert marked.deletion_requested_at is not None
    store.remove_notebook("ada", marked.uid, marked.resource_version, fence=fence)
    assert store.list_notebooks() == []


def test_a_broken_spec_cannot_be_told_to_run(store: Store, path: Path) -> None:
    """The error is the record's own sentence."""
    store.apply_notebook(notebook_spec())
    spoil(path, "spec = '{}'")
    with pytest.raises(StoreError, match="start the server again, which writes it anew"):
        store.set_desired("ada", Desired.RUNNING)


def test_unreadable_status_does_not_stop_the_spec_side(store: Store, path: Path) -> None:
    """The spawner goes on; the record stays broken until the operator has overwritten it."""
    store.apply_notebook(notebook_spec())
    spoil(path, "status = 'x'")
    assert store.apply_notebook(notebook_spec()).status == NotebookStatus()
    assert store.set_desired("ada", Desired.RUNNING).status == NotebookStatus()
    assert "the operator writes it anew" in is_broken(store.get_notebook("ada")).message


@pytest.mark.parametrize(
    "name", ["'../../etc'", "'a---b'", "'A'", "x'ff'", "CAST(x'ff' AS TEXT)", "'a' || char(10)"]
)
def test_a_name_that_swarmhub_never_gives_is_broken(store: Store, path: Path, name: str) -> None:
    """A name would become part of service names and paths: it must be one of ours."""
    store.apply_notebook(notebook_spec())
    spoil(path, f"name = {name}")
    broken = is_broken(store.list_notebooks()[0])
    assert "the name is not one that swarmhub gives" in broken.message
    assert broken.name.isprintable()


def test_a_home_of_unreadable_owner_is_given_to_nobody(
    store: Store, path: Path, fence: int
) -> None:
    """Its volume may be somebody else's; the operator can still say what is wrong."""
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    spoil(path, "spec = '{}'", "homes", "home")
    broken = is_broken(store.get_home("home"))
    assert broken.kind == "Home"
    with pytest.raises(HomeTaken, match="whose it is cannot be told"):
        store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    store.put_home_status("home", broken.uid, broken.resource_version, HomeStatus(), fence=fence)
    spoil(path, 'spec = \'{"user": "ada"}\'', "homes", "home")
    assert is_home(store.get_home("home")).spec.user == "ada"


@pytest.mark.parametrize("stored", ["'{'", "'[1]'", "'{\"A\": 1}'", "x'ff'", "CAST(x'ff' AS TEXT)"])
def test_unreadable_secrets_are_an_error_of_their_notebook(
    store: Store, path: Path, stored: str
) -> None:
    """No token is made up; the sentence quotes nothing of what is stored."""
    uid = store.apply_notebook(notebook_spec(), secrets={"A": "1"}).metadata.uid
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE secret_environments SET environment = {stored}")
    with pytest.raises(StoreError, match="start the server again, which writes it anew"):
        store.secret_environment(uid)


def test_sentences_quote_no_content(store: Store, path: Path) -> None:
    """What a hostile or unlucky hub stored must not come out in logs and pages."""
    store.apply_notebook(notebook_spec(image="s3cret"))
    spoil(path, "spec = replace(spec, '8888', '\"s3cret\"')")
    assert "s3cret" not in is_broken(store.get_notebook("ada")).message


def test_a_status_of_a_newer_operator_is_readable(store: Store, path: Path) -> None:
    """Unknown fields of a status are dropped, those of a spec are refused."""
    store.apply_notebook(notebook_spec())
    spoil(path, 'status = \'{"phase": "Running", "colour": "blue"}\'')
    assert is_notebook(store.get_notebook("ada")).status == NotebookStatus(phase=Phase.RUNNING)

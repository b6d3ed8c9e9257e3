"""Opening: creation, modes, several processes at once, versions, files that are not ours."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import swarmhub_crds
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION, metadata
from swarmhub_crds.store import Store
from unit.crds.samples import notebook_spec, start, url_of

OPEN_AND_PRINT_UID = """
import sys
from swarmhub_crds.store import Store
sys.stdin.readline()
print(Store.open(sys.argv[1]).uid)
"""


def refusal(path: Path, *, create: bool = True) -> StoreUnavailable:
    """Return the error with which the store at `path` refuses to open."""
    with pytest.raises(StoreUnavailable) as caught:
        Store.open(url_of(path), create=create)
    return caught.value


def change(path: Path, statement: str) -> None:
    """Change the database behind the store's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_files_are_private(store: Store, path: Path) -> None:
    """The database and what SQLite puts beside it are for their owner only."""
    store.apply_notebook(notebook_spec())
    modes = {f.name: f.stat().st_mode & 0o777 for f in path.parent.iterdir()}
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_uid_is_made_once(store: Store, path: Path) -> None:
    """Opening again finds the same uid, another file has another one."""
    again = Store.open(url_of(path))
    other = Store.open(url_of(path.with_name("other.db")))
    assert again.uid == store.uid != other.uid
    again.close()
    other.close()


def test_processes_that_open_at_once_agree(path: Path) -> None:
    """Six processes that create the same store at the same moment get one uid."""
    processes = [start(OPEN_AND_PRINT_UID, url_of(path)) for _ in range(6)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert len(set(printed)) == 1
    assert printed[0]
    assert [f.name for f in path.parent.iterdir()] == ["state.db"]


def test_missing_file_is_not_made_unasked(path: Path) -> None:
    """With create=False a missing database stays missing."""
    error = refusal(path, create=False)
    assert error.reason == "Missing"
    assert "mount the state volume" in str(error)
    assert not path.exists()


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """The folder is never made: it should be a mounted volume."""
    error = refusal(tmp_path / "volume" / "state.db")
    assert error.reason == "Missing"
    assert f"{tmp_path / 'volume'} of the state database does not exist" in str(error)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
@pytest.mark.parametrize("create", [True, False])
def test_nonsense_is_corrupt_and_kept(path: Path, content: bytes, create: bool) -> None:
    """An empty or foreign file is refused, and left as it is."""
    path.write_bytes(content)
    assert refusal(path, create=create).reason == "Corrupt"
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(path: Path) -> None:
    """A SQLite file of somebody else is neither used nor migrated nor put in WAL mode."""
    change(path, "CREATE TABLE users (id INTEGER)")
    error = refusal(path)
    assert error.reason == "Unreadable"
    assert "another program's database" in str(error)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (f"{SCHEMA_VERSION + 1:04}", "SchemaTooNew"),
        ("0000", "SchemaTooOld"),
        ("x", "Corrupt"),
    ],
)
def test_schema_version_is_checked(store: Store, path: Path, version: str, reason: str) -> None:
    """A database of another version is not touched by code that does not know it."""
    store.close()
    change(path, f"UPDATE alembic_version SET version_num = '{version}'")
    assert refusal(path, create=False).reason == reason


def test_unknown_old_version_cannot_be_migrated(store: Store, path: Path) -> None:
    """A version that no migration starts from is a damage, not a crash."""
    store.close()
    change(path, "UPDATE alembic_version SET version_num = '0000'")
    assert refusal(path).reason == "Corrupt"


def test_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    """The newest migration leaves what tables.py describes, under the version it names."""
    with store._database.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert int(context.get_current_revision() or 0) == SCHEMA_VERSION
    folder = Path(swarmhub_crds.__file__).parent / "migrations"
    assert int(ScriptDirectory(str(folder)).get_current_head() or 0) == SCHEMA_VERSION


def test_leftover_log_is_not_replayed(store: Store, path: Path) -> None:
    """A new database does not swallow the log of one that was removed, nor destroy that log."""
    store.apply_notebook(notebook_spec())
    path.rename(path.with_name("moved.db"))
    fresh = Store.open(url_of(path))
    assert fresh.list_notebooks() == []
    assert fresh.uid != store.uid
    assert any(re.fullmatch(r"state\.db\.left-\d+-wal", f.name) for f in path.parent.iterdir())
    fresh.close()


def test_rollback_mode_backup_comes_back_in_wal_mode(store: Store, path: Path) -> None:
    """A backup made by VACUUM INTO is in another journal mode and works all the same."""
    store.apply_notebook(notebook_spec())
    backup = path.with_name("backup.db")
    change(path, f"VACUUM INTO '{backup}'")
    restored = Store.open(url_of(backup), create=False)
    assert restored.uid == store.uid
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    restored.close()


@pytest.mark.parametrize("url", ["postgresql://db/x", "sqlite:///state.db", "sqlite://", "/a/b"])
def test_url_must_be_understood(url: str) -> None:
    """Only an absolute path of SQLite is taken; the sentence shows one."""
    with pytest.raises(StoreError, match=r"sqlite:////srv/swarmhub/state/state\.db"):
        Store.open(url)


def test_path_with_odd_characters(tmp_path: Path) -> None:
    """A path is a path, whatever characters it holds."""
    odd = tmp_path / "100% of ünïcode #1"
    odd.mkdir()
    store = Store.open(url_of(odd / "state.db"))
    assert (odd / "state.db").exists()
    store.close()


def test_a_closed_store_says_so(store: Store) -> None:
    """After close, calls fail with a sentence rather than re-open the file."""
    store.close()
    with pytest.raises(StoreError, match="was closed; open it again"):
        store.revision()

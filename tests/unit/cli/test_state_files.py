"""`swarmhub state migrate` and `state restore` on real files."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.sqlstore import provision, upkeep
from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION
from swarmhub_crds.store import Store
from swarmhub_operator.cli.app import app
from swarmhub_operator.cli.records import name_of
from typer.testing import CliRunner, Result
from unit.cli.samples import Run, State

MIGRATIONS = Path(provision.__file__).parents[1] / "migrations"


@pytest.fixture
def backup(state: State, run: Run, tmp_path: Path) -> Path:
    """A backup with alice and bob; since then bob was changed, cy made, and alice deleted."""
    for user in ("alice", "bob"):
        state.notebook(user)
    file = tmp_path / "backups" / "monday.db"
    file.parent.mkdir()
    assert run("state", "backup", str(file)).exit_code == 0
    state.notebook("bob", image="another")
    state.notebook("cy")
    state.remove("alice")
    return file


def names(url: str) -> list[str]:
    """Return the names of the notebooks in a store."""
    with closing(Store.open(url, create=False)) as store:
        return [name_of(n) for n in store.list_notebooks()]


def stopped(state: State) -> None:
    """Let the operator end in good order."""
    state.store.release_lease(state.lease)


def restored(run: Run, *words: str) -> Result:
    """Run the command."""
    return run("state", "restore", *words)


def _ageless(said: str) -> str:
    """Return what was said without the ages in it: time passes between two commands."""
    return re.sub(r"\b\d+[smhd]\b", "AGE", said)


def test_a_backup_takes_the_place_of_the_store(
    state: State, run: Run, backup: Path, tmp_path: Path
) -> None:
    """After what is lost was told; the store before is kept whole, with what its log held."""
    stopped(state)
    before = sorted(p.name for p in tmp_path.iterdir())
    dry = restored(run, str(backup), "--dry-run")
    assert dry.exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    done = restored(run, str(backup), "--yes")
    assert done.exit_code == 0
    assert _ageless(done.stdout).startswith(_ageless(dry.stdout))
    assert "notebooks made since, whose records are lost (1): cy\n" in dry.stdout
    assert "notebooks changed since, which will be as they were then (1): bob\n" in dry.stdout
    assert "notebooks deleted since, which come back (1): alice\n" in dry.stdout
    assert "homes made since, whose records are lost (1): home-cy\n" in dry.stdout
    assert names(state.store.url) == ["alice", "bob"]
    assert state.path.stat().st_mode & 0o777 == 0o600
    (kept,) = [
        p for p in tmp_path.glob("state.db.replaced-*") if not p.name.endswith(("wal", "shm"))
    ]
    assert str(kept) in done.stdout
    assert "swarmhub state rebuild" in done.stdout
    assert names(f"sqlite:///{kept}") == ["bob", "cy"]
    assert not list(tmp_path.glob(".state.db.*"))


def test_who_has_it_open_goes_on_with_the_new_one(state: State, run: Run, backup: Path) -> None:
    """At the latest with its second call."""
    stopped(state)
    assert restored(run, str(backup), "--yes").exit_code == 0
    try:
        found = state.store.list_notebooks()
    except StoreUnavailable:
        found = state.store.list_notebooks()
    assert [name_of(n) for n in found] == ["alice", "bob"]


def test_it_asks_and_takes_no_for_an_answer(state: State, backup: Path) -> None:
    """Nothing has changed then, and nothing is left."""
    stopped(state)
    words = ["state", "restore", str(backup), "--state-url", state.store.url]
    refused = CliRunner().invoke(app, words, input="n\n")
    assert refused.exit_code == 1
    assert "Replace " in refused.stderr
    assert names(state.store.url) == ["bob", "cy"]
    assert len(list(state.path.parent.glob("*state.db*"))) <= 3


def test_not_while_an_operator_acts(state: State, run: Run, backup: Path) -> None:
    """Unless it is forced; a lease that has run out is no hindrance."""
    refused = restored(run, str(backup), "--yes")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "The operator manager-1/7 acts on this store" in refused.stderr
    assert "swarmhub_operator=0" in refused.stderr
    assert restored(run, str(backup), "--yes", "--force").exit_code == 0
    assert names(state.store.url) == ["alice", "bob"]


def test_a_lease_that_has_run_out_is_no_hindrance(state: State, run: Run, backup: Path) -> None:
    """Its operator was killed."""
    state.sql("UPDATE lease SET expires_at = '2026-01-01T00:00:00.000000Z'")
    assert restored(run, str(backup), "--yes").exit_code == 0


def test_another_stores_backup_is_refused(state: State, run: Run, tmp_path: Path) -> None:
    """Also if it is forced; the way out is said."""
    stopped(state)
    other = tmp_path / "other.db"
    Store.open(f"sqlite:///{other}").close()
    refused = restored(run, str(other), "--yes", "--force")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "another store" in refused.stderr
    assert "move that file away first" in refused.stderr
    state.store.close()
    state.path.rename(tmp_path / "away.db")
    done = restored(run, str(other), "--yes")
    assert done.exit_code == 0
    assert "nothing is lost" in done.stdout
    assert names(state.store.url) == []


@pytest.mark.parametrize("how", ["damaged", "none", "text", "foreign", "newer", "empty"])
def test_what_is_no_sound_backup_is_refused(
    state: State, run: Run, backup: Path, tmp_path: Path, how: str
) -> None:
    """With one sentence, and before anything is touched."""
    stopped(state)
    _spoil(backup, how)
    before = sorted(p.name for p in tmp_path.iterdir())
    refused = restored(run, str(backup), "--yes", "--force")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert str(backup) in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert names(state.store.url) == ["bob", "cy"]
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def _spoil(file: Path, how: str) -> None:
    content = file.read_bytes()
    match how:
        case "damaged":
            middle = len(content) // 2
            file.write_bytes(content[:middle] + b"\xff" * 9000 + content[middle + 9000 :])
        case "none":
            file.unlink()
        case "text" | "empty":
            file.write_text("no database" * 99 if how == "text" else "")
        case "foreign":
            file.unlink()
            with closing(sqlite3.connect(file)) as made, made:
                made.execute("CREATE TABLE t (x)")
        case "newer":
            with closing(sqlite3.connect(file)) as made, made:
                made.execute("UPDATE alembic_version SET version_num = '0099'")


def test_a_damaged_store_is_replaced_if_it_is_forced(
    state: State, run: Run, backup: Path, tmp_path: Path
) -> None:
    """Whether an operator acts on it nobody knows then."""
    state.store.close()
    state.path.write_bytes(b"nonsense" * 999)
    refused = restored(run, str(backup), "--yes")
    assert refused.exit_code == 1
    assert "give --force" in refused.stderr
    done = restored(run, str(backup), "--yes", "--force")
    assert done.exit_code == 0
    assert "What is lost with it cannot be told" in done.stderr
    assert names(state.store.url) == ["alice", "bob"]
    (kept,) = tmp_path.glob("state.db.replaced-*Z")
    assert kept.read_bytes().startswith(b"nonsense")


def test_a_backup_comes_through_a_pipe(state: State, backup: Path) -> None:
    """Then nobody can be asked."""
    stopped(state)
    words = ["state", "restore", "-", "--state-url", state.store.url]
    assert CliRunner().invoke(app, words, input=backup.read_bytes()).exit_code == 2
    done = CliRunner().invoke(app, [*words, "--yes"], input=backup.read_bytes())
    assert done.exit_code == 0
    assert names(state.store.url) == ["alice", "bob"]


def test_if_it_cannot_be_put_in_place_the_store_is_as_it_was(
    state: State, run: Run, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the last moment, too."""
    stopped(state)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("swarmhub_crds.sqlstore.upkeep.os.link", full)
    failed = restored(run, str(backup), "--yes")
    assert failed.exit_code == 1
    assert "is full" in failed.stderr
    assert names(state.store.url) == ["bob", "cy"]
    assert not list(state.path.parent.glob("*replaced*"))


# migrate


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of an earlier schema, with a row."""
    file = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, "0005")
        row = "(id, uid, revision, created_at) VALUES (1, 'u1', 3, '2026-01-01T00:00:00.000000Z')"
        connection.exec_driver_sql(f"INSERT INTO meta {row}")
    engine.dispose()
    return file


def test_an_older_store_is_brought_up_to_date(run: Run, old: Path) -> None:
    """After a copy; a dry run says the same and does nothing; a second time there is nothing."""
    url = ("--state-url", f"sqlite:///{old}")
    dry = run("state", "migrate", "--dry-run", *url)
    assert dry.exit_code == 0
    assert f"from schema 5 to {SCHEMA_VERSION}" in dry.stdout
    assert upkeep.version_of(old) == 5
    assert not list(old.parent.glob("old.db.schema*"))
    assert "state migrate" in run("get", "homes", *url).stderr
    done = run("state", "migrate", *url)
    assert done.exit_code == 0
    (copy,) = old.parent.glob("old.db.schema-5-*")
    assert str(copy) in done.stdout
    assert (upkeep.version_of(copy), upkeep.version_of(old)) == (5, SCHEMA_VERSION)
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(Store.open(url[1], create=False)) as store:
        assert (store.uid, store.revision()) == ("u1", 3)
    again = run("state", "migrate", *url)
    assert (again.exit_code, len(list(old.parent.glob("old.db.schema*")))) == (0, 1)
    assert "already" in again.stdout


def test_an_older_backup_is_restored_up_to_date(run: Run, old: Path, tmp_path: Path) -> None:
    """The backup itself stays as it is."""
    url = f"sqlite:///{tmp_path}/new.db"
    assert run("state", "restore", str(old), "--state-url", url).exit_code == 0
    assert upkeep.version_of(old) == 5
    assert names(url) == []


@pytest.mark.parametrize("what", ["none", "newer", "text"])
def test_what_cannot_be_migrated_is_one_sentence(run: Run, old: Path, what: str) -> None:
    """Exit code 1, and no copy."""
    _spoil(old, what)
    result = run("state", "migrate", "--state-url", f"sqlite:///{old}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert not list(old.parent.glob("old.db.schema*"))


def test_without_its_copy_nothing_is_migrated(
    run: Run, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full must not cost the way back."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(upkeep, "copy", full)
    assert run("state", "migrate", "--state-url", f"sqlite:///{old}").exit_code == 1
    assert upkeep.version_of(old) == 5

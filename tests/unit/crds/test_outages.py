"""Outages: locked, full, read-only, missing, replaced and damaged, and back by itself from each."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import InterfaceError
from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.sqlstore.failures import BUSY_SECONDS, translate
from swarmhub_crds.store import Store
from unit.crds.samples import is_notebook, notebook_spec, run_with_own_mounts, start, url_of

HOLD_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
print("free", flush=True)
"""

WITH_A_SMALL_DISK = """
import json, subprocess, sys
from pathlib import Path
from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.notebook import NotebookSpec
from swarmhub_crds.store import Store
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
store = Store.open(f"sqlite:///{disk}/state.db")
spec = NotebookSpec(user="ada", image="i", command=("c",), networks=("n",))
store.apply_notebook(spec)
filler = (disk / "filler").open("wb", buffering=0)
try:
    while True:
        filler.write(bytes(4096))
except OSError:
    pass
refusals = []
for attempt in range(300):
    try:
        store.apply_notebook(spec)
    except StoreUnavailable as error:
        refusals.append((error.reason, str(error)))
        if len(refusals) == 2:
            break
reads = store.get_notebook("ada").metadata.generation
filler.truncate(0)
after = store.apply_notebook(spec).metadata.generation
print(json.dumps({"refusals": refusals, "step": after - reads}))
"""

WITH_A_FULL_DISK_FROM_THE_START = """
import subprocess, sys
from pathlib import Path
from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.store import Store
disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk], check=True)
try:
    Store.open(f"sqlite:///{disk}/state.db")
except StoreUnavailable as error:
    print(error.reason, sorted(f.name for f in disk.iterdir()))
"""

ON_A_READ_ONLY_MOUNT = """
import json, subprocess, sys
from pathlib import Path
from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.notebook import NotebookSpec
from swarmhub_crds.store import Store
from swarmhub_crds.watch import StoreWatch
real, view = map(Path, sys.argv[1:])
def mount(*options):
    subprocess.run(["mount", *options], check=True)
def attempt(call):
    try:
        return repr(call())
    except StoreUnavailable as error:
        return [error.reason, str(error)]
mount("--bind", real, view)
url = f"sqlite:///{view}/state.db"
store, watch = Store.open(url), StoreWatch(url)
spec = NotebookSpec(user="ada", image="i", command=("c",), networks=("n",))
apply = lambda: store.apply_notebook(spec).metadata.generation
look = lambda: watch.wait(5).full
seen = [attempt(apply), attempt(look)]
(real / "state.db").rename(real / "away.db")       # everybody lets go of the file ...
seen += [attempt(apply)[0], attempt(look)[0]]
(real / "away.db").rename(real / "state.db")       # ... and finds it back on a read-only mount
mount("-o", "remount,bind,ro", view)
seen += [attempt(apply), attempt(look)]
mount("-o", "remount,bind,rw", view)
seen += [attempt(apply), attempt(look)]
print(json.dumps(seen))
"""


def refusal(store: Store) -> StoreUnavailable:
    """Return the error with which the store refuses to write."""
    with pytest.raises(StoreUnavailable) as caught:
        store.apply_notebook(notebook_spec())
    return caught.value


def test_locked_by_another_process(store: Store, path: Path) -> None:
    """Reading goes on; writing waits some seconds, says who to look for, and then works again."""
    store.apply_notebook(notebook_spec())
    holder = start(HOLD_LOCK, str(path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    began = time.monotonic()
    error = refusal(store)
    waited = time.monotonic() - began
    assert error.reason == "Locked"
    assert f"`fuser {path}`" in str(error)
    assert BUSY_SECONDS - 0.5 < waited < BUSY_SECONDS + 3
    assert is_notebook(store.get_notebook("ada")).metadata.generation == 1
    holder.communicate("go\n", timeout=10)
    assert store.apply_notebook(notebook_spec()).metadata.generation == 2


def test_disk_full_while_running(tmp_path: Path) -> None:
    """A full disk is called so, nothing is half written, reading goes on, space is all it needs."""
    printed = json.loads(run_with_own_mounts(WITH_A_SMALL_DISK, str(tmp_path)))
    assert [reason for reason, _ in printed["refusals"]] == ["Full", "Full"]
    assert "free some space" in printed["refusals"][0][1]
    assert printed["step"] == 1


def test_disk_full_at_creation(tmp_path: Path) -> None:
    """A database that cannot be completed is not left behind."""
    assert run_with_own_mounts(WITH_A_FULL_DISK_FROM_THE_START, str(tmp_path)) == "Full []\n"


def test_read_only_mount(tmp_path: Path) -> None:
    """Store and watch name it, and go on by themselves once it is writable."""
    (tmp_path / "real").mkdir()
    (tmp_path / "view").mkdir()
    arguments = (str(tmp_path / "real"), str(tmp_path / "view"))
    seen = json.loads(run_with_own_mounts(ON_A_READ_ONLY_MOUNT, *arguments))
    assert seen[:4] == ["1", "True", "Missing", "Missing"]
    assert [reason for reason, _ in seen[4:6]] == ["ReadOnly", "ReadOnly"]
    assert "remount the volume read-write" in seen[4][1]
    assert seen[6:] == ["2", "True"]


def test_removed_file(store: Store, path: Path) -> None:
    """Nothing is written into the unlinked file, none is made, and the same file is taken back."""
    store.apply_notebook(notebook_spec())
    away = path.with_name("away.db")
    path.rename(away)
    for _ in range(2):
        error = refusal(store)
        assert error.reason == "Missing"
        assert "mount the state volume or put the file back" in str(error)
        with pytest.raises(StoreUnavailable):
            store.list_notebooks()
    assert not path.exists()
    away.rename(path)
    assert is_notebook(store.get_notebook("ada")).metadata.generation == 1
    assert store.apply_notebook(notebook_spec()).metadata.generation == 2


def test_file_removed_within_a_transaction(store: Store, path: Path) -> None:
    """A write that would go into an unlinked file is refused, not lost in silence."""
    store.apply_notebook(notebook_spec())

    def write() -> None:
        with store._database.write() as connection:
            connection.exec_driver_sql("UPDATE meta SET revision = 99")
            path.rename(path.with_name("away.db"))

    with pytest.raises(StoreUnavailable, match="is missing"):
        write()
    path.with_name("away.db").rename(path)
    assert store.revision() == 1


def could_not_open(error: StoreUnavailable) -> bool:
    """Tell whether the file was away when it was opened; by the time of a look it may be back."""
    cause = getattr(error.__cause__, "orig", error.__cause__)
    return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_CANTOPEN


def test_file_removed_while_it_is_opened(store: Store, path: Path) -> None:
    """It is called missing, even if it is back before anybody looks."""
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        path.rename(path.with_name("away.db"))
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("PRAGMA synchronous=FULL")  # reads the schema, and opens the log
        path.with_name("away.db").rename(path)
    assert translate(caught.value, path).reason == "Missing"


def test_threads_and_a_file_that_comes_and_goes(store: Store, path: Path) -> None:
    """Each write that was not refused is there in the end, and no file stays open."""
    written: Counter[str] = Counter()
    surprises: list[BaseException] = []
    over = threading.Event()

    def write(user: str) -> None:
        while not over.is_set():
            try:
                store.apply_notebook(notebook_spec(user))
                written[user] += 1
                store.list_notebooks()
            except StoreUnavailable as error:
                if error.reason != "Missing" and not could_not_open(error):
                    surprises.append(error)
                time.sleep(0.003)
            except Exception as error:  # noqa: BLE001 - it would be lost with its thread
                surprises.append(error)

    before = len(list(Path("/proc/self/fd").iterdir()))
    threads = [threading.Thread(target=write, args=(user,)) for user in ("ada", "bob", "cy")]
    for thread in threads:
        thread.start()
    for round_ in range(40):
        time.sleep(0.01 * (round_ % 7))
        path.rename(path.with_name("away.db"))
        time.sleep(0.005 * (round_ % 5))
        path.with_name("away.db").rename(path)
    time.sleep(0.2)
    over.set()
    for thread in threads:
        thread.join()
    assert not surprises
    found = {is_notebook(n).spec.user: is_notebook(n) for n in store.list_notebooks()}
    assert {user: n.metadata.generation for user, n in found.items()} == dict(written)
    store.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_another_store_takes_the_files_place(store: Store, path: Path) -> None:
    """It is neither read nor written, and its uid is named."""
    store.apply_notebook(notebook_spec())
    path.rename(path.with_name("away.db"))
    other = Store.open(url_of(path))
    other.apply_notebook(notebook_spec("bob"))
    error = refusal(store)
    assert error.reason == "AnotherStore"
    assert f"now holds another store (uid {other.uid})" in str(error)
    assert "restart to use it" in str(error)
    with pytest.raises(StoreUnavailable):
        store.get_notebook("bob")
    assert other.get_notebook("ada") is None
    other.close()


def test_restored_backup_of_the_same_store(store: Store, path: Path) -> None:
    """A copy that is moved into place is used by the next call."""
    store.apply_notebook(notebook_spec())
    backup = path.with_name("backup.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"VACUUM INTO '{backup}'")
    store.apply_notebook(notebook_spec("bob"))
    for left in path.parent.glob("state.db*"):
        left.unlink()
    backup.rename(path)
    assert [is_notebook(n).spec.user for n in store.list_notebooks()] == ["ada"]
    assert store.apply_notebook(notebook_spec("cy")).metadata.resource_version == 2


@pytest.mark.parametrize("damage", ["empty", "overwritten", "damaged inside"])
def test_damaged_file(store: Store, path: Path, damage: str) -> None:
    """Damage is called so, whatever its kind, and the restored file is used at once."""
    for number in range(100):
        store.apply_notebook(notebook_spec(f"user{number}"))
    store.close()
    good = path.with_name("good.db")
    shutil.copy(path, good)
    reopened = Store.open(url_of(path))
    bad = path.with_name("bad.db")
    content = good.read_bytes()
    bad.write_bytes(
        {
            "empty": b"",
            "overwritten": os.urandom(len(content)),
            "damaged inside": content[:8192] + os.urandom(len(content) - 8192),
        }[damage]
    )
    bad.replace(path)
    error = refusal(reopened)
    assert error.reason == "Corrupt"
    assert "restore it, with hub and operator stopped, from a backup" in str(error)
    good.replace(path)
    assert len(reopened.list_notebooks()) == 100
    reopened.apply_notebook(notebook_spec("late"))
    reopened.close()


def test_lost_counter(store: Store, path: Path) -> None:
    """Without its revision counter the store is damaged, and not written to."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM meta")
    assert refusal(store).reason == "Corrupt"
    with pytest.raises(StoreUnavailable, match="restore it"):
        store.revision()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (sqlite3.SQLITE_BUSY, "Locked"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "Locked"),
        (sqlite3.SQLITE_FULL, "Full"),
        (sqlite3.SQLITE_READONLY_RECOVERY, "ReadOnly"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "Missing"),
        (sqlite3.SQLITE_IOERR_FSTAT, "Missing"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "Corrupt"),
        (sqlite3.SQLITE_NOTADB, "Corrupt"),
        (sqlite3.SQLITE_IOERR_READ, "Unreadable"),
        (sqlite3.SQLITE_NOMEM, "Unreadable"),
    ],
)
def test_table_of_failures(store: Store, path: Path, code: int, reason: str) -> None:
    """Each code of SQLite has a reason and a sentence, alone or wrapped by SQLAlchemy."""
    assert store.uid
    error = sqlite3.OperationalError("the words of SQLite")
    error.sqlite_errorcode = code
    for raised in (error, InterfaceError("SELECT 1", {}, error)):
        known = translate(raised, path)
        assert known.reason == reason
        assert str(path) in str(known)
        assert "SELECT" not in str(known)

"""The watch: what it reports, how soon, and what it costs when there is nothing to see."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import NotebookStatus, Phase
from swarmhub_crds.sqlstore import revisions
from swarmhub_crds.store import Store
from swarmhub_crds.watch import Changes, StoreWatch
from unit.crds.samples import is_notebook, notebook_spec, start, url_of

WATCH_AND_PRINT = """
import sys, time
from swarmhub_crds.watch import StoreWatch
watch = StoreWatch(sys.argv[1])
while True:
    changes = watch.wait(10)
    now = time.monotonic()
    if changes is None:
        break
    print(changes.revision, now, flush=True)
    if changes.revision >= int(sys.argv[2]):
        break
"""


def report(figure: str) -> None:
    """Leave a measured figure in the test's output (`pytest -rP`)."""
    sys.stdout.write(f"{figure}\n")


@pytest.fixture
def watch(store: Store) -> Iterator[StoreWatch]:
    """A watch on the store that has given its first result."""
    made = StoreWatch(store.url)
    assert made.wait(0) == Changes(store.revision(), full=True)
    yield made
    made.close()


def test_it_names_what_changed(store: Store, watch: StoreWatch, fence: int) -> None:
    """Specs, statuses, homes and removals, each once; nothing when nothing happened."""
    store.apply_notebook(notebook_spec(), homes={"home": HomeSpec(user="ada")})
    store.apply_notebook(notebook_spec("bob"))
    both = Changes(3, frozenset({"ada", "bob"}), frozenset({"home"}))
    assert watch.wait(1) == both
    assert watch.wait(0.05) is None
    marked = is_notebook(store.request_deletion("bob")).metadata
    assert watch.wait(1) == Changes(4, frozenset({"bob"}))
    status = NotebookStatus(phase=Phase.STOPPING)
    seen = store.put_notebook_status(
        "bob", marked.uid, marked.resource_version, status, fence=fence
    )
    assert watch.wait(1) == Changes(5, frozenset({"bob"}))
    version = is_notebook(seen).metadata.resource_version
    store.remove_notebook("bob", marked.uid, version, fence=fence)
    assert watch.wait(1) == Changes(6, frozenset({"bob"}))
    store.apply_notebook(notebook_spec("bob"))
    assert watch.wait(1) == Changes(7, frozenset({"bob"}))


def test_lease_and_secrets_wake_nobody(store: Store, watch: StoreWatch, fence: int) -> None:
    """Renewals every few seconds are no changes of records."""
    lease = store.read_lease()
    assert lease is not None
    store.renew_lease(lease)
    store.erase_secrets("none", generation=1, fence=fence)
    assert watch.wait(0.1) is None


def test_a_watcher_far_behind_is_told_to_look_at_everything(
    store: Store, watch: StoreWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Removals of long ago are forgotten, so the names alone would not do."""
    monkeypatch.setattr("swarmhub_crds.watch.KEPT_REVISIONS", 3)
    for _ in range(3):
        store.apply_notebook(notebook_spec())
    assert watch.wait(1) == Changes(3, full=True)


def test_tombstones_do_not_pile_up(
    store: Store, fence: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those of the last revisions are kept."""
    monkeypatch.setattr(revisions, "KEPT_REVISIONS", 10)
    for number in range(20):
        meta = store.apply_notebook(notebook_spec(f"user{number}")).metadata
        marked = is_notebook(store.request_deletion(meta.name)).metadata
        store.remove_notebook(meta.name, meta.uid, marked.resource_version, fence=fence)
    with store._database.read() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM tombstones").scalar_one()
    assert 0 < left <= 4


def test_wake_and_close_end_a_wait(watch: StoreWatch) -> None:
    """Both end it within an interval, from another thread; a closed watch says so."""
    for act in (watch.wake, watch.close):
        timer = threading.Timer(0.1, act)
        began = time.monotonic()
        timer.start()
        assert watch.wait(30) is None
        assert time.monotonic() - began < 5
        timer.join()
    with pytest.raises(StoreError, match="was closed; make a new one"):
        watch.wait(0)


def test_another_process_sees_a_change_within_50_ms(store: Store) -> None:
    """The median over two hundred changes, at uneven distances, stays below 50 ms."""
    count = 200
    watcher = start(WATCH_AND_PRINT, store.url, str(count))
    assert watcher.stdout is not None
    assert watcher.stdout.readline().startswith("0 ")
    written = {}
    for number in range(count):
        revision = store.apply_notebook(notebook_spec()).metadata.resource_version
        written[revision] = time.monotonic()
        time.sleep(0.011 + 0.037 * (number % 7) / 7)
    printed = [line.split() for line in watcher.communicate(timeout=30)[0].splitlines()]
    reported = {int(revision): float(moment) for revision, moment in printed}
    # A result stands for all revisions up to its own.
    delays = [
        min(at for seen, at in reported.items() if seen >= revision) - moment
        for revision, moment in written.items()
    ]
    delays = sorted(max(0.0, delay) * 1000 for delay in delays)
    median, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    report(f"change to watcher: median {median:.1f} ms, p99 {p99:.1f} ms, n={len(delays)}")
    assert median < 50


def test_a_broken_store_costs_no_cpu_and_comes_back(store: Store, path: Path) -> None:
    """A caller that just calls again is slowed down by the watch, and gets a full result after."""
    watch = StoreWatch(store.url)
    watch.wait(0)
    path.rename(path.with_name("away.db"))
    errors, began, cpu = 0, time.monotonic(), time.process_time()
    while time.monotonic() - began < 2:
        with pytest.raises(StoreUnavailable) as caught:
            watch.wait(0.5)
        assert caught.value.reason == "Missing"
        errors += 1
    used = time.process_time() - cpu
    report(f"watch on a missing store: {errors} errors and {used * 1000:.0f} ms of CPU in 2 s")
    assert errors <= 10
    assert used < 0.4
    path.with_name("away.db").rename(path)
    store.apply_notebook(notebook_spec())
    assert _result_after_recovery(watch) == Changes(1, full=True)
    store.apply_notebook(notebook_spec())
    assert watch.wait(1) == Changes(2, frozenset({"ada"}))
    watch.close()


def test_wake_ends_the_pause_after_a_failure(path: Path) -> None:
    """A stop signal need not wait for the back-off."""
    watch = StoreWatch(url_of(path))
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            watch.wait(5)
    watch.wake()
    assert watch.wait(5) is None  # what ends by itself raises
    watch.close()


def test_a_watch_may_start_before_its_store(path: Path) -> None:
    """It reports the store missing until somebody makes it."""
    watch = StoreWatch(url_of(path))
    with pytest.raises(StoreUnavailable, match="is missing"):
        watch.wait(1)
    store = Store.open(url_of(path))
    assert _result_after_recovery(watch) == Changes(0, full=True)
    watch.close()
    store.close()


def test_replaced_store_is_not_followed(store: Store, path: Path) -> None:
    """Another store under the same name is an error, the same one restored is a full result."""
    watch = StoreWatch(store.url)
    watch.wait(0)
    path.rename(path.with_name("away.db"))
    Store.open(url_of(path)).close()
    with pytest.raises(StoreUnavailable, match="now holds another store"):
        watch.wait(1)
    path.with_name("away.db").replace(path)
    assert _result_after_recovery(watch) == Changes(0, full=True)
    watch.close()


def test_idle_watch_is_cheap(watch: StoreWatch) -> None:
    """Watching an idle store stays far below a twentieth of a core."""
    cpu, began = time.process_time(), time.monotonic()
    assert watch.wait(2) is None
    share = (time.process_time() - cpu) / (time.monotonic() - began)
    report(f"idle watch: {share:.2%} of a core")
    assert share < 0.05


def _result_after_recovery(watch: StoreWatch) -> Changes | None:
    """Wait as a caller does: again after each error, for some seconds at most."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            return watch.wait(5)
        except StoreUnavailable:
            continue
    raise AssertionError("the watch did not recover within 10 s")

"""When servers were last in use: told to the store together, seldom, and only if it is news."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from swarmhub_crds.errors import Reason, StoreUnavailable
from swarmhub_crds.store import Store
from swarmhub_spawner.activity import ActivityLog
from unit.spawner.conftest import MakeSpawner
from unit.spawner.fakes import FakeOperator

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EVERY = 0.4  # seconds


class Written:
    """Keeps what a log writes; refuses as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.batches: list[dict[str, datetime]] = []
        self.times: list[float] = []
        self._failures = failures

    async def take(self, seen: Mapping[str, datetime]) -> None:
        """Take one write."""
        self.times.append(asyncio.get_running_loop().time())
        if self._failures:
            self._failures -= 1
            raise StoreUnavailable(Reason.LOCKED, "The store is busy")
        self.batches.append(dict(seen))


async def until(check: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until something is so."""
    end = asyncio.get_running_loop().time() + seconds
    while not check():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


async def test_all_servers_are_told_of_together() -> None:
    """One write serves them all; the hub's times without an offset are UTC."""
    written = Written()
    log = ActivityLog(written.take, EVERY, gather=0.05)
    log.note("ada", WHEN)
    log.note("bob", WHEN.replace(tzinfo=None))
    log.note("cy", None)
    await until(lambda: written.batches)
    assert written.batches == [{"ada": WHEN, "bob": WHEN}]


async def test_the_store_is_told_seldom_and_only_of_news() -> None:
    """However often the hub looks."""
    written = Written()
    log = ActivityLog(written.take, EVERY, gather=0.01)
    for number in range(60):
        log.note("ada", WHEN + timedelta(seconds=number // 20))
        log.note("bob", WHEN)
        await asyncio.sleep(0.02)
    await until(lambda: written.batches[-1].get("ada") == WHEN + timedelta(seconds=2))
    assert [b for b in written.batches if "bob" in b] == written.batches[:1]
    pauses = [b - a for a, b in zip(written.times, written.times[1:], strict=False)]
    assert all(pause > EVERY * 0.9 for pause in pauses)
    count = len(written.batches)
    log.note("ada", WHEN + timedelta(seconds=2))
    await asyncio.sleep(EVERY * 2)
    assert len(written.batches) == count


async def test_what_could_not_be_written_is_written_later() -> None:
    """With what has come in since, which is newer."""
    written = Written(failures=1)
    log = ActivityLog(written.take, EVERY, gather=0.01)
    log.note("ada", WHEN)
    log.note("bob", WHEN)
    await until(lambda: written.times)
    log.note("ada", WHEN + timedelta(seconds=9))
    await until(lambda: written.batches)
    assert written.batches == [{"ada": WHEN + timedelta(seconds=9), "bob": WHEN}]


async def test_a_log_that_is_closed_writes_no_more() -> None:
    """As at the hub's end."""
    written = Written()
    log = ActivityLog(written.take, EVERY, gather=0.05)
    log.note("ada", WHEN)
    log.close()
    await asyncio.sleep(0.2)
    assert written.times == []


async def test_the_hub_tells_of_a_server_whenever_it_polls(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Its own record of the server's last activity ends up in the store."""
    spawner = make_spawner()
    await spawner.start()
    spawner.orm_spawner.last_activity = WHEN.replace(tzinfo=None)
    assert await spawner.poll() is None
    await until(lambda: store.last_activity() == {"ada": WHEN})

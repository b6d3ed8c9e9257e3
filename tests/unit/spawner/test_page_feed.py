"""What the page knows of the store: changes, what wakes nobody, and a store that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_crds.store import Store
from swarmhub_spawner.page.feed import Feed
from swarmhub_spawner.page.views import Snapshot
from unit.spawner.fleet import fleet, notebook


@asynccontextmanager
async def following(path: Path) -> AsyncIterator[Feed]:
    """Give a feed of a store."""
    feed = Feed(f"sqlite:///{path}", asyncio.get_running_loop())
    feed.start()
    try:
        yield feed
    finally:
        await asyncio.to_thread(feed.close)


async def until(feed: Feed, check: Callable[[Snapshot], object]) -> Snapshot:
    """Wait for a snapshot."""
    shot = feed.snapshot
    async with asyncio.timeout(30):
        while not check(shot):
            shot = await feed.after(shot.version, 1.0)
    return shot


async def test_records_come_change_and_go(tmp_path: Path) -> None:
    """Each in its place among the others, and counted."""
    path = tmp_path / "state.db"
    with fleet(path) as made:
        made.put([notebook("bob"), notebook("cleo")])
        async with following(path) as feed:
            shot = await until(feed, lambda s: s.version)
            assert [row.name for row in shot.servers] == ["bob", "cleo"]
            made.put([notebook("ada", minutes=0, phase=Phase.STARTING)])
            shot = await until(feed, lambda s: len(s.servers) > 2)
            assert [row.name for row in shot.servers] == ["ada", "bob", "cleo"]
            made.observe("ada", phase=Phase.FAILED, failed_task_id="t9", message="It is broken.")
            shot = await until(feed, lambda s: s.servers[0].phase == "Failed")
            assert shot.servers[0].message == "It is broken."
            assert shot.buckets[-1].failed + shot.buckets[-2].failed == 1
            marked = made.store.request_deletion("ada")
            assert marked is not None
            await until(feed, lambda s: s.servers[0].phase == "Deleting")
            record = made.store.get_notebook("ada")
            assert isinstance(record, Notebook)
            made.store.remove_notebook(
                "ada", record.metadata.uid, record.metadata.resource_version, fence=made.token
            )
            shot = await until(feed, lambda s: len(s.servers) == 2)
            assert [row.name for row in shot.homes] == ["home-ada", "home-bob", "home-cleo"]


async def test_what_wakes_nobody_is_told_too(tmp_path: Path) -> None:
    """Events, one line for each that is repeated, and nodes."""
    path = tmp_path / "state.db"
    with fleet(path) as made:
        async with following(path) as feed:
            await until(feed, lambda s: s.version)
            for _ in range(2):
                made.tell("ada", "Failed", "It did not answer.")
                made.tell("ada", "Ready", "It answers.")
            shot = await until(feed, lambda s: sum(e.count for e in s.events) == 4)
            assert [(e.reason, e.count) for e in shot.events] == [("Ready", 2), ("Failed", 2)]
            made.put_nodes(down="worker-1")
            shot = await until(feed, lambda s: s.nodes)
            assert [row.refuses for row in shot.nodes] == ["", "down", ""]
            assert not shot.silent


async def test_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    """The page says so, makes none itself, and goes on when it has come."""
    path = tmp_path / "state.db"
    async with following(path) as feed:
        shot = await until(feed, lambda s: s.version)
        assert "state.db" in shot.trouble
        assert not path.exists()
        Store.open(f"sqlite:///{path}").close()
        shot = await until(feed, lambda s: not s.trouble)
        assert shot.silent, "no operator was ever seen"

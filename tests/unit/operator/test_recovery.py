"""The operator process goes on by itself after the store was away, and nothing was removed."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from support.waiting import wait_for
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_crds.store import Store
from swarmhub_operator import main
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.loop.assemble import assemble
from swarmhub_operator.settings import Settings
from unit.operator.fakeswarm import NETWORK, FakeSwarm, spec

POLICY = Policy(sweep=SweepPolicy(interval=0.3, grace=0.0))
REMOVING = ("remove_service", "remove_secret", "remove_volume")


@pytest.fixture
def swarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSwarm]:
    """Yield a Swarm that an operator of short leases looks after."""
    made = FakeSwarm()
    monkeypatch.setattr(main, "DockerEngine", lambda *_: made)
    monkeypatch.setattr(main, "assemble", partial(assemble, ask=lambda _: True))
    settings = Settings(
        state_url=f"sqlite:///{tmp_path}/state.db",
        network=NETWORK,
        health_port=0,
        lease_ttl=3,
        policy=POLICY,
    )
    stop = threading.Event()
    thread = threading.Thread(target=main.run, args=(settings, stop))
    thread.start()
    yield made
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def start(file: Path, user: str) -> None:
    """Start a notebook, as the hub does, and wait until it runs."""
    with closing(Store.open(f"sqlite:///{file}")) as store:
        store.apply_notebook(spec(user), homes={f"jupyterhub-{user}": HomeSpec(user=user)})

        def runs() -> bool:
            record = store.get_notebook(user)
            return isinstance(record, Notebook) and record.status.phase is Phase.RUNNING

        wait_for(f"{user} to run", runs, timeout=20)


def away(file: Path) -> None:
    """Take the store's files away for longer than a lease, and put them back."""
    aside = file.parent / "aside"
    aside.mkdir()
    files = [f for f in file.parent.iterdir() if f.name.startswith(file.name)]
    for one in files:
        one.rename(aside / one.name)
    time.sleep(5)
    for one in reversed(files):
        (aside / one.name).rename(one)


def locked(file: Path) -> None:
    """Lock the store for longer than a lease and a statement's patience."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(9)
        other.execute("ROLLBACK")


@pytest.mark.parametrize("outage", [away, locked])
def test_a_store_that_was_away_is_followed_again(
    swarm: FakeSwarm, tmp_path: Path, outage: Callable[[Path], None]
) -> None:
    """The lease is taken anew, changes are seen, and what runs was left alone."""
    file = tmp_path / "state.db"
    for user in ("ada", "bob"):
        start(file, user)
    outage(file)
    start(file, "cleo")
    assert not any(swarm.calls[call] for call in REMOVING)
    assert swarm.calls["create_service"] == 3

"""A store, notebooks that answer, an operator that pretends, and spawners without a hub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm
from swarmhub_crds.store import Store
from swarmhub_spawner.shared import close_hub
from swarmhub_spawner.spawner import SwarmHubSpawner
from unit.spawner.fakes import FakeNotebooks, FakeOperator

MakeSpawner = Callable[..., SwarmHubSpawner]


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    """Return the URL of a state database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    """Give the store, to look into."""
    store = Store.open(state_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def notebooks() -> Iterator[FakeNotebooks]:
    """Give the server that answers for all notebooks."""
    server = FakeNotebooks()
    yield server
    server.close()


@pytest.fixture
def operator(store: Store, notebooks: FakeNotebooks) -> Iterator[FakeOperator]:
    """Give an operator that acts at once."""
    fake = FakeOperator(store.url, notebooks.url)
    yield fake
    fake.close()


@pytest.fixture
async def make_spawner(state_url: str) -> AsyncIterator[MakeSpawner]:
    """Give a maker of spawners, each with a user and a hub that are only values.

    One that is given a `config` has its image and network from there.
    """
    urls: set[str] = set()

    def make(user: str = "ada", server: str = "", **options: Any) -> SwarmHubSpawner:
        base_url = f"/user/{user}/{server}/" if server else f"/user/{user}/"
        hub = SimpleNamespace(
            public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/", url="http://hub/"
        )
        owner = SimpleNamespace(name=user, id=7, url=f"/user/{user}/", escaped_name=user, groups=[])
        owner.orm_user = SimpleNamespace(orm_spawners={})
        orm_spawner = orm.Spawner(name=server)
        orm_spawner.server = orm.Server(
            proto="http", ip="", port=8888, base_url=base_url, cookie_name="c"
        )
        if "config" not in options:
            options = {"image": "ok", "network_name": "nb", **options}
        options = {"state_url": state_url, **options}
        spawner = SwarmHubSpawner(user=owner, hub=hub, orm_spawner=orm_spawner, **options)
        spawner.api_token = "token-of-" + user
        urls.add(spawner.state_url)
        return spawner

    yield make
    for url in urls:
        await close_hub(url)

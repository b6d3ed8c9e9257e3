"""A home that was brought along from another hub is never hidden by a new and empty one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from swarmhub_crds.base import Metadata
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.sqlstore.recovery import PutBack
from swarmhub_crds.store import Store
from swarmhub_spawner.errors import SpawnError
from unit.spawner.conftest import MakeSpawner
from unit.spawner.fakes import FakeOperator

TEMPLATE = {"jupyterhub-user-{username}": "/work"}
OLD = "jupyterhub-user--41da-2e-4c"  # as DockerSpawner 14 writes Ada.L


def _bring(store: Store, *, server: str = "") -> None:
    now = datetime.now(UTC)
    home = Home(
        metadata=Metadata(
            name=OLD,
            uid="u1",
            generation=1,
            resource_version=1,
            created_at=now,
            updated_at=now,
            spec_written_at=now,
        ),
        spec=HomeSpec(user="Ada.L", server=server),
        status=HomeStatus(phase=HomePhase.BOUND, adopted=True),
    )
    store.put_back([], [PutBack(home)])


async def test_a_forgotten_scheme_makes_no_second_home(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """The start says what is missing, nothing is written, and with the scheme it works."""
    _bring(store)
    with pytest.raises(SpawnError) as refused:
        await make_spawner("Ada.L", volumes=TEMPLATE).start()
    assert OLD in str(refused.value)
    assert "slug_scheme" in str(refused.value)
    assert store.list_notebooks() == []
    assert len(store.list_homes()) == 1
    await make_spawner("Ada.L", volumes=TEMPLATE, slug_scheme="escape").start()


async def test_a_named_server_is_no_way_around_it(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Its home is the user's, not the server's; a home of its own is another matter."""
    _bring(store)
    with pytest.raises(SpawnError, match=OLD):
        await make_spawner("Ada.L", "lab", volumes=TEMPLATE).start()
    own = {"jupyterhub-user-{username}-{servername}": "/work"}
    await make_spawner("Ada.L", "lab", volumes=own).start()


async def test_who_has_used_it_here_may_get_another(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """A later change of the templates is meant."""
    _bring(store)
    spawner = make_spawner("Ada.L", volumes=TEMPLATE, slug_scheme="escape")
    await spawner.start()
    await spawner.stop()
    own = {"scratch-{username}": "/scratch"}
    await make_spawner("Ada.L", "lab", volumes=own, remember_volume_names=False).start()


async def test_one_of_another_server_holds_up_nothing(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Its own server finds it."""
    _bring(store, server="other")
    await make_spawner("Ada.L", volumes=TEMPLATE).start()


async def test_users_who_brought_nothing_start(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """And so does a server without a home."""
    _bring(store)
    await make_spawner("bob", volumes=TEMPLATE).start()
    await make_spawner("Ada.L", volumes={}).start()

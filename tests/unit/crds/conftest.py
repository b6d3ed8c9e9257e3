"""A store in a folder of its own, and a lease on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from swarmhub_crds.store import Store
from unit.crds.samples import url_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state database is, or will be."""
    return tmp_path / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """A new store."""
    opened = Store.open(url_of(path))
    yield opened
    opened.close()


@pytest.fixture
def fence(store: Store) -> int:
    """The token of a lease that is held for the length of the test."""
    lease = store.acquire_lease("the operator", ttl=600)
    assert lease is not None
    return lease.token

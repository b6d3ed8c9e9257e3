"""A real store in a temporary file, and the command."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from swarmhub_crds.store import Store
from swarmhub_operator.cli.app import app
from typer.testing import CliRunner, Result
from unit.cli.samples import Run, State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """An empty store with an operator that holds the lease."""
    path = tmp_path / "state.db"
    store = Store.open(f"sqlite:///{path}")
    lease = store.acquire_lease("manager-1/7", 3600)
    assert lease is not None
    yield State(store, path, lease)
    store.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command on that store."""

    def invoke(*words: str, **environment: str) -> Result:
        variables = {"SWARMHUB_STATE_URL": f"sqlite:///{tmp_path}/state.db"} | environment
        return CliRunner().invoke(app, list(words), env=variables)

    return invoke


@pytest.fixture(autouse=True)
def logging_again() -> Iterator[None]:
    """Let other tests of this process log again, which a command does not."""
    yield
    structlog.reset_defaults()


_CLOCKS = ("describe", "drain", "get", "homes_table", "status")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Stop the command's clock, so that ages are known; ask for it before a store is filled."""
    time = datetime.now(UTC)
    for module in _CLOCKS:
        monkeypatch.setattr(f"swarmhub_operator.cli.{module}.clock", lambda: time)
    return time


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Stop the command's clock three hours from now."""
    later = datetime.now(UTC) + timedelta(hours=3, minutes=1)
    for module in _CLOCKS:
        monkeypatch.setattr(f"swarmhub_operator.cli.{module}.clock", lambda: later)
    return later

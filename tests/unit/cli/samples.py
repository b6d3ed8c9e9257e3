"""A store as spawner and operator fill it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from swarmhub_crds.base import Condition, ConditionStatus
from swarmhub_crds.home import Home, HomeSpec, HomeStatus
from swarmhub_crds.notebook import (
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    NotebookStatus,
)
from swarmhub_crds.store import Lease, Store
from typer.testing import Result

IMAGE = "127.0.0.1:5000/swarmhub/singleuser:1"
Run = Callable[..., Result]


def condition(kind: str, answer: ConditionStatus, reason: str, message: str = "") -> Condition:
    """Return a condition that has held for five minutes."""
    since = datetime.now(UTC) - timedelta(minutes=5)
    return Condition(
        type=kind, status=answer, reason=reason, message=message, last_transition_time=since
    )


READY = condition("Ready", ConditionStatus.TRUE, "Answering")


@dataclass
class State:
    """A store and the lease under which a make-believe operator writes."""

    store: Store
    path: Path
    lease: Lease

    def notebook(self, user: str, server: str = "", **values: Any) -> Notebook:
        """Write a notebook with a home, as the spawner does."""
        volume = values.pop("volume", f"home-{user}")
        mount = Mount(volume=volume, target="/home/jovyan", home=True)
        spec = {
            "user": user,
            "server": server,
            "desired": Desired.RUNNING,
            "image": IMAGE,
            "command": ("jupyterhub-singleuser", "--debug mode"),
            "networks": ("swarmhub_notebooks",),
            "mounts": (mount,),
        }
        return self.store.apply_notebook(
            NotebookSpec.model_validate(spec | values),
            homes={volume: HomeSpec(user=user, server=server)},
            secrets={"JUPYTERHUB_API_TOKEN": "the-token-itself"},
        )

    def observe(self, name: str, **values: Any) -> None:
        """Write a notebook's status, as the operator does."""
        old = self.store.get_notebook(name)
        assert isinstance(old, Notebook)
        values = {"observed_generation": old.metadata.generation} | values
        meta = old.metadata
        status = NotebookStatus.model_validate(values)
        self.store.put_notebook_status(
            name, meta.uid, meta.resource_version, status, fence=self.lease.token
        )

    def observe_home(self, name: str, **values: Any) -> None:
        """Write a home's status, as the operator does."""
        old = self.store.get_home(name)
        assert isinstance(old, Home)
        meta = old.metadata
        status = HomeStatus.model_validate({"observed_generation": meta.generation} | values)
        self.store.put_home_status(
            name, meta.uid, meta.resource_version, status, fence=self.lease.token
        )

    def remove(self, name: str) -> None:
        """Delete a notebook, as hub and operator together do."""
        marked = self.store.request_deletion(name)
        assert isinstance(marked, Notebook)
        meta = marked.metadata
        self.store.remove_notebook(name, meta.uid, meta.resource_version, fence=self.lease.token)

    def sql(self, statement: str) -> None:
        """Change the file behind the store's back."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)


def dates_hidden(text: str) -> str:
    """Return `text` without what differs from run to run."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID", text)
    text = re.sub(r"\b[0-9a-f]{8}(?=\.\d)", "UID", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)

"""Records of many servers in all states, and a hub with the page that shows them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert
from support.front import Front
from support.ports import free_port
from swarmhub_crds.base import Condition, ConditionStatus, Metadata
from swarmhub_crds.event import Concerned, Event, EventType
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.names import notebook_name
from swarmhub_crds.node import DRAIN_LABEL, SeenNode
from swarmhub_crds.notebook import (
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    NotebookStatus,
    Phase,
    Resources,
)
from swarmhub_crds.sqlstore.clock import to_text
from swarmhub_crds.sqlstore.codec import HOME, NOTEBOOK, encode
from swarmhub_crds.sqlstore.revisions import take_revision
from swarmhub_crds.store import Store
from unit.spawner.hubprocess import PASSWORD, HubProcess

NODES = ("manager-1", "worker-1", "worker-2")
ROOM = "No node has room: worker-1 has 1 of 16 GiB left, worker-2 is down."
CRASH = "The server ended with exit code 137, likely out of memory; again in 40s."
WHY = {
    Phase.FAILED: "The server crashed 5 times in a row, the last time with exit code 1.",
    Phase.BACK_OFF: CRASH,
    Phase.PENDING: ROOM,
    Phase.STARTING: "The container runs; Jupyter does not answer yet.",
}
_PHASES = (Phase.FAILED, Phase.BACK_OFF, Phase.PENDING, Phase.STARTING, Phase.STOPPED)


def notebook(user: str, server: str = "", phase: Phase = Phase.RUNNING, **more: Any) -> Notebook:
    """Return a record.

    Of what more may be given `message`, `minutes` (its age) and `where` (its node) are no fields of
    its spec.
    """
    minutes = more.pop("minutes", 30)
    message = more.pop("message", WHY.get(phase, ""))
    where = more.pop("where", NODES[1 + minutes % 2])
    now = datetime.now(UTC)
    begun = now - timedelta(minutes=minutes)
    ready = begun + timedelta(seconds=2 + minutes * 13 % 11 + len(user) % 3)
    up = phase is Phase.RUNNING
    name = notebook_name(user, server)
    spec = {
        "user": user,
        "server": server,
        "desired": Desired.STOPPED if phase is Phase.STOPPED else Desired.RUNNING,
        "image": "127.0.0.1:5000/swarmhub/singleuser:latest",
        "command": ("jupyterhub-singleuser",),
        "networks": ("nb",),
        "resources": Resources(mem_guarantee=2**29, mem_limit=2**31),
        "mounts": (Mount(volume=f"home-{name}", target="/home/jovyan", home=True),),
        **more,
    }
    placed = phase not in (Phase.PENDING, Phase.STOPPED)
    fact = Condition(
        type="Ready",
        status=ConditionStatus.TRUE if up else ConditionStatus.FALSE,
        reason="Answers" if up else "Waiting",
        message=message,
        last_transition_time=ready if up else begun,
    )
    accepted = fact.model_copy(update={"type": "Accepted", "status": ConditionStatus.TRUE})
    return Notebook(
        metadata=Metadata(
            name=name,
            uid=f"uid-{name}",
            generation=1,
            resource_version=1,
            created_at=begun,
            updated_at=now,
            spec_written_at=begun,
        ),
        spec=NotebookSpec.model_validate(spec),
        status=NotebookStatus(
            observed_generation=1,
            phase=phase,
            message=message,
            conditions=(accepted.model_copy(update={"message": ""}), fact),
            task_id=f"task-{name}" if placed else None,
            failed_task_id="t0" if phase in (Phase.FAILED, Phase.BACK_OFF) else None,
            node=where if placed else None,
            node_id=f"id-{where}" if placed else None,
            ready_at=ready if up else None,
            last_log=("Traceback (most recent call last):", "MemoryError")
            if phase is Phase.FAILED
            else (),
        ),
    )


def home_of(record: Notebook) -> Home:
    """Return the home that a record mounts, where it runs."""
    meta, status = record.metadata, record.status
    bound = status.node_id is not None
    return Home(
        metadata=meta.model_copy(update={"name": f"home-{meta.name}"}),
        spec=HomeSpec(user=record.spec.user, server=record.spec.server),
        status=HomeStatus(
            observed_generation=1,
            phase=HomePhase.BOUND if bound else HomePhase.PENDING,
            node=status.node,
            node_id=status.node_id,
            size=734_003_200 if bound else None,
            last_used_at=meta.created_at if bound else None,
        ),
    )


def many(count: int) -> list[Notebook]:
    """Return so many servers of ada, bob and students, one in ten in each of five phases."""
    users = ["ada", "bob", *(f"student-{n:04}" for n in range(count))][:count]
    phases = [_PHASES[n // 20 % 5] if n % 20 == 19 else Phase.RUNNING for n in range(count)]
    return [
        notebook(user, phase=phase, minutes=5 + n * n * 7 % 350, groups=("class",) if n > 1 else ())
        for n, (user, phase) in enumerate(zip(users, phases, strict=True))
    ]


def _row(record: Notebook | Home) -> dict[str, Any]:
    meta = record.metadata
    return {
        "name": meta.name,
        "uid": meta.uid,
        "generation": meta.generation,
        "created_at": to_text(meta.created_at),
        "updated_at": to_text(meta.updated_at),
        "deletion_requested_at": None,
        "spec_written_at": to_text(meta.created_at),
        "spec": encode(record.spec),
        "status": encode(record.status),
    }


@dataclass
class Fleet:
    """A store with a make-believe operator that gives signs of life."""

    store: Store
    token: int

    def put(self, records: Sequence[Notebook]) -> None:
        """Write new records and their homes, whole and at once."""
        homes = [home_of(record) for record in records]
        with self.store._database.write() as connection:
            for kind, found in ((NOTEBOOK, records), (HOME, homes)):
                rows = [_row(record) for record in found]
                revision = take_revision(connection)
                for row in rows:
                    row["resource_version"] = revision
                if rows:
                    connection.execute(insert(kind.table), rows)

    def observe(self, name: str, **values: Any) -> None:
        """Write a status, as the operator does."""
        old = self.store.get_notebook(name)
        assert isinstance(old, Notebook)
        status = NotebookStatus.model_validate(old.status.model_dump() | values)
        meta = old.metadata
        self.store.put_notebook_status(
            name, meta.uid, meta.resource_version, status, fence=self.token
        )

    def tell(self, name: str, reason: str, message: str, *, warning: bool = False) -> None:
        """Write an event about a notebook."""
        now = datetime.now(UTC)
        kind = EventType.WARNING if warning else EventType.NORMAL
        event = Event(
            kind=Concerned.NOTEBOOK, name=name, type=kind, reason=reason, message=message,
            first_seen=now, last_seen=now,
        )  # fmt: skip
        self.store.put_events([event], fence=self.token)

    def put_nodes(self, down: str = "", drained: str = "") -> None:
        """Say which machines there are; one may be down, and one drained."""
        nodes = [
            SeenNode(
                id=f"id-{name}",
                hostname=name,
                role=name.split("-")[0],
                availability="pause" if name == drained else "active",
                labels={DRAIN_LABEL: "true"} if name == drained else {},
                state="down" if name == down else "ready",
                since=datetime.now(UTC) - timedelta(hours=5),
                cpus=8,
                memory=16 * 2**30,
                memory_used=5 * 2**30 if name == NODES[0] else None,
            )
            for name in NODES
        ]
        self.store.put_nodes(nodes, fence=self.token)


def xsrf_of(page: str) -> str:
    """Return what a form of a page sends along."""
    found = re.search(r'name="_xsrf" value="([^"]+)"|data-xsrf="([^"]+)"', page)
    assert found is not None, page
    return found[1] or found[2]


@contextmanager
def fleet(path: Path) -> Iterator[Fleet]:
    """Give a store that is being looked after."""
    store = Store.open(f"sqlite:///{path}")
    lease = store.acquire_lease("operator", 3600)
    assert lease is not None
    ended = threading.Event()

    def renew() -> None:
        held = lease
        while not ended.wait(5):
            held = store.renew_lease(held)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield Fleet(store, lease.token)
    finally:
        ended.set()
        thread.join(10)
        store.close()


@dataclass
class Site:
    """A hub, its page and its records, behind one address."""

    url: str
    fleet: Fleet
    hub: HubProcess

    @contextmanager
    def person(self, user: str) -> Iterator[httpx.Client]:
        """Give a client of somebody who is logged in."""
        with httpx.Client(
            base_url=self.url,
            follow_redirects=True,
            timeout=30,
            headers={"Sec-Fetch-Mode": "navigate"},
        ) as client:
            client.get("/hub/login")
            form = {
                "username": user,
                "password": PASSWORD,
                "_xsrf": client.cookies.get("_xsrf", path="/hub/") or "",
            }
            answer = client.post("/hub/login?next=/hub/home", data=form)
            assert answer.status_code == httpx.codes.OK, answer.text
            yield client


_CONFIG = """
from swarmhub_spawner.page.service import roles, services
c.JupyterHub.services = [
    *c.JupyterHub.services, *services({url!r}, url="http://127.0.0.1:{port}", token="t" * 64)
]
c.JupyterHub.load_roles = [
    *c.JupyterHub.load_roles,
    *roles(),
    {{"name": "tutor", "scopes": ["read:servers!group=class"], "users": ["tess"]}},
    {{"name": "warden", "scopes": ["read:servers", "delete:servers"], "groups": ["wardens"]}},
    {{"name": "steward", "scopes": ["read:servers", "admin:servers"], "groups": ["stewards"]}},
    {{"name": "groups", "scopes": ["groups"], "services": ["tester"]}},
]
c.JupyterHub.load_groups = {{
    "class": {{"users": ["student-0000"]}}, "wardens": {{"users": ["will"]}},
    "stewards": {{"users": ["sue"]}},
}}
c.Authenticator.admin_users = {{"root"}}
"""


@contextmanager
def site(folder: Path, records: Sequence[Notebook] = ()) -> Iterator[Site]:
    """Give a hub with the page, and these records."""
    with fleet(folder / "state.db") as made:
        made.put(records)
        made.put_nodes()
        port = free_port()
        hub = HubProcess(folder, made.store.url, _CONFIG.format(url=made.store.url, port=port))
        front = Front(hub.url, f"http://127.0.0.1:{port}")
        try:
            hub.start()
            _await_page(f"http://127.0.0.1:{port}", hub)
            yield Site(front.url, made, hub)
        finally:
            front.close()
            hub.stop()
            hub.api.close()


def _await_page(url: str, hub: HubProcess) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/services/swarmhub/static/page.css").raise_for_status()
            return
        time.sleep(0.1)
    raise AssertionError(f"the page did not come up: {hub.log()[-3000:]}")

"""Hostile records in the store's table, and hardened notebooks, before a real engine."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.fixtures import overlay_network
from support.node import Node
from support.waiting import wait_for
from swarmhub_crds.base import find_condition
from swarmhub_crds.container import Bind, Container, Dns, Tmpfs
from swarmhub_crds.home import HomeSpec
from swarmhub_crds.notebook import (
    ConditionType,
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    Phase,
    Resources,
)
from swarmhub_crds.store import Broken, Store
from swarmhub_operator.decide.policy import AllowedBind, Policy, SweepPolicy
from swarmhub_operator.decide.quota_policy import Quota, Quotas
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.assemble import assemble
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.settings import Settings

NETWORK = "admission-notebooks"
MOMENT = "2026-03-01T12:00:00.000000Z"
SLEEP = ("sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait")
PIDS = 4096


@pytest.fixture(scope="module")
def network(engine: Node) -> Iterator[str]:
    """Make the notebooks' network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        yield made


@dataclass
class Site:
    """A store that an operator reads, on a real engine."""

    store: Store
    engine: Node
    image: str

    def spec(self, user: str, **changes: Any) -> NotebookSpec:
        """Return the spec of a notebook with a home."""
        base = {
            "user": user,
            "image": self.image,
            "command": SLEEP,
            "networks": (NETWORK,),
            "desired": Desired.RUNNING,
            "mounts": (Mount(volume=f"jupyterhub-user-{user}", target="/data", home=True),),
        }
        return NotebookSpec.model_validate({**base, **changes})

    def start(self, user: str, **changes: Any) -> Notebook:
        """Start a notebook as the spawner does, and wait until it runs."""
        spec = self.spec(user, **changes)
        homes = {m.volume: HomeSpec(user=user) for m in spec.mounts if m.home}
        self.store.apply_notebook(spec, homes=homes, secrets={"TOKEN": "s3cret"})
        record = wait_for(f"{user} to run", lambda: self.running(user), timeout=60)
        assert record is not None
        return record

    def running(self, user: str) -> Notebook | None:
        """Return the record once it runs."""
        record = self.store.get_notebook(user)
        assert isinstance(record, Notebook)
        return record if record.status.phase is Phase.RUNNING else None

    def write(self, name: str, spec: str) -> None:
        """Write a row as whoever has the database file can."""
        row = (name, str(uuid4()), 1, 10**6, MOMENT, MOMENT, spec, "{}")
        with closing(sqlite3.connect(self.store.path, timeout=30)) as database, database:
            database.execute(
                "INSERT INTO notebooks (name, uid, generation, resource_version, created_at, "
                "updated_at, spec, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            database.execute("UPDATE meta SET revision = revision + 1")

    def services(self) -> list[str]:
        """Return the names of all services of notebooks."""
        return self.engine.docker(
            "service", "ls", "--filter", "label=swarmhub.notebook", "--format", "{{.Name}}"
        ).split()

    def inspect(self, user: str) -> dict[str, Any]:
        """Return what the engine says of a notebook's container."""
        label = f"label=swarmhub.notebook={user}"
        container = self.engine.docker("ps", "--quiet", "--filter", label).strip()
        found: dict[str, Any] = json.loads(self.engine.docker("inspect", container))[0]
        return found


@pytest.fixture
def site(engine: Node, network: str, tiny: str, tmp_path: Path) -> Iterator[Site]:
    """Yield a running operator's store; what it made ends with it."""
    engine.run_inside("/bin/mkdir", "-p", "/srv/swarmhub-test")
    policy = Policy(
        sweep=SweepPolicy(interval=0.5, grace=1),
        allowed_binds=(AllowedBind(path="/srv/swarmhub-test"),),
        allowed_capabilities=("CHOWN",),
        quotas=Quotas(groups={"capped": Quota(notebooks=1, memory="64M")}),
    )
    store = Store.open(f"sqlite:///{tmp_path}/state.db")
    leadership = Leadership(store, f"test-{threading.get_ident()}", SignOfLife(store.path))
    assert leadership.acquire()
    settings = Settings(docker_host=engine.socket, network=network, policy=policy)
    adapter = DockerEngine(engine.socket)
    controller = assemble(store, adapter, leadership, settings, Pulse(), ask=lambda _: True)
    controller.start(workers=2)
    yield Site(store, engine, tiny)
    controller.stop(8.0)
    leadership.release()
    for what in ("service", "secret"):
        label = f"label=swarmhub.store={store.uid}"
        left = engine.docker(what, "ls", "--quiet", "--filter", label).split()
        if left:
            engine.docker(what, "rm", *left)
    store.close()


def hostile(site: Site) -> dict[str, str]:
    """Return specs that no policy allows, as JSON by the name of their record."""
    plain = {"type": "none", "o": "bind", "device": "/"}

    def volume(name: str, **more: Any) -> dict[str, Any]:
        return {"mounts": (Mount(volume=name, target="/x", **more),)}

    def bind(source: str) -> dict[str, Any]:
        return {"container": Container(binds=(Bind(source=source, target="/x"),))}

    wishes: dict[str, dict[str, Any]] = {
        "root": bind("/"),
        "root-in-disguise": bind("/srv/swarmhub-test/../.."),
        "socket": bind("/var/run/docker.sock"),
        "socket-elsewhere": bind(site.engine.socket.removeprefix("unix://")),
        "socket-folder": bind("/run"),
        "below": bind("/srv/swarmhub-test/link"),
        "privileged": {"container": Container(cap_add=("ALL",))},
        "admin": {"container": Container(cap_add=("SYS_ADMIN",))},
        "core-pattern": {"container": Container(sysctls={"kernel.core_pattern": "|/x"})},
        "docker-group": {"container": Container(groups=("docker",))},
        "uid0": {"container_user": "0:0"},
        "host-network": {"networks": ("host",)},
        "network-prefix": {"networks": (NETWORK[:12],)},
        "ingress": {"networks": (NETWORK, "ingress")},
        "victims-home": volume("jupyterhub-user-mia"),
        "victims-home-ro": volume("jupyterhub-user-mia", read_only=True),
        "state": volume("swarmhub_state"),
        "option": volume("jupyterhub-x", driver_options=plain),
        "driver": volume("jupyterhub-y", driver="sshfs"),
        "label": {"labels": {"swarmhub.notebook": "mia"}},
        "shim": {"environment": {"SHELLOPTS": "noexec"}},
        "large": {"environment": {"BIG": "x" * 300_000}},
    }
    specs = {name: site.spec(name, mounts=()).model_copy(update=w) for name, w in wishes.items()}
    return {name: spec.model_dump_json() for name, spec in specs.items()}


def test_hostile_records_get_no_service_and_disturb_nobody(site: Site) -> None:
    """Written past the spawner and the store; each is told why, and the victim goes on."""
    before = site.start("mia")
    lies = site.spec("liar", mounts=(Mount(volume="jupyterhub-user-mia", target="/x", home=True),))
    specs = {**hostile(site), "liar": lies.model_dump_json()}
    network = site.engine.docker("network", "inspect", "--format", "{{.ID}}", NETWORK).strip()
    by_id = site.spec("by-id", mounts=(), networks=(network,))
    specs["by-id"] = by_id.model_dump_json()
    for name, spec in specs.items():
        site.write(name, spec)
    site.write("huge", site.spec("huge", command=("x" * 10_000_000,)).model_dump_json())
    # The home record is made to lie: only the labels of volume and service still tell whose it is.
    with closing(sqlite3.connect(site.store.path, timeout=30)) as database, database:
        database.execute(
            "UPDATE homes SET spec = json_set(spec, '$.user', 'liar') WHERE name = ?",
            ("jupyterhub-user-mia",),
        )
        database.execute("UPDATE meta SET revision = revision + 1")

    def verdicts() -> dict[str, str] | None:
        found = {}
        for name in specs:
            record = site.store.get_notebook(name)
            assert isinstance(record, Notebook), record
            accepted = find_condition(record.status.conditions, ConditionType.ACCEPTED)
            if accepted is None or accepted.status != "False":
                return None
            found[name] = accepted.message
        return found

    said = wait_for("each to be refused", verdicts, timeout=60)
    assert said is not None
    assert all(sentence.endswith(".") for sentence in said.values())
    assert "home of another user" in said["liar"]
    assert site.services() == ["jupyter-mia"]
    huge = site.store.get_notebook("huge")
    assert isinstance(huge, Broken)
    assert "longer than" in huge.message
    record = site.store.get_notebook("mia")
    assert isinstance(record, Notebook)
    assert record.status.task_id == before.status.task_id
    site.start("nia")
    assert sorted(site.services()) == ["jupyter-mia", "jupyter-nia"]


def test_a_quota_counts_what_the_engine_has(site: Site) -> None:
    """Groups and limits are read back from the services; who is beyond runs when there is room."""
    resources = Resources(mem_limit=64 * 2**20)
    site.start("first", groups=("capped",), resources=resources)
    second = site.spec("second", groups=("capped",), resources=resources)
    homes = {m.volume: HomeSpec(user="second") for m in second.mounts}
    site.store.apply_notebook(second, homes=homes)

    def refused() -> Notebook | None:
        record = site.store.get_notebook("second")
        assert isinstance(record, Notebook)
        return record if record.status.phase is Phase.FAILED else None

    record = wait_for("the second to be refused", refused, timeout=30)
    assert record is not None
    assert "the group capped may be 1 at most, and 1 is running" in record.status.message
    assert site.services() == ["jupyter-first"]
    site.store.set_desired("first", Desired.STOPPED)
    wait_for("the first to be gone", lambda: not site.services(), timeout=60)
    site.start("second", groups=("capped",), resources=resources)


def test_a_notebook_is_hardened_and_reads_back_as_built(site: Site) -> None:
    """All that a record may say of its container arrives, and the engine rewrites none of it."""
    asked = Container(
        hostname="lab",
        hosts={"db": "10.0.0.9"},
        dns=Dns(nameservers=("127.0.0.11",), search=("x.y",), options=("ndots:1",)),
        groups=("100",),
        read_only=True,
        tty=True,
        stop_signal="SIGINT",
        stop_grace=1.5,
        cap_add=("CHOWN",),
        cap_drop=("NET_RAW",),
        pids_limit=64,
        binds=(Bind(source="/srv/swarmhub-test", target="/b", read_only=True),),
        tmpfs=(Tmpfs(target="/t", size=2**20),),
    )
    first = site.start("ada")
    second = site.start("bob", container=asked)
    third = site.start("dee", container=Container(stop_grace=0))
    plain, own = site.inspect("ada")["HostConfig"], site.inspect("bob")
    assert plain["CapDrop"] == ["ALL"]
    assert plain["Init"] is True
    assert plain["PidsLimit"] == PIDS
    assert own["HostConfig"]["PidsLimit"] == 64
    assert own["HostConfig"]["ReadonlyRootfs"] is True
    assert own["HostConfig"]["CapAdd"] == ["CAP_CHOWN"]
    assert own["HostConfig"]["GroupAdd"] == ["100"]
    assert own["Config"]["Hostname"] == "lab"
    assert {m["Destination"]: m["RW"] for m in own["Mounts"]}["/b"] is False
    grace = ("--format", "{{.Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}")
    assert site.engine.docker("service", "inspect", "jupyter-dee", *grace).strip() == "0s"
    versions = {name: _version(site, name) for name in ("ada", "bob", "dee")}
    site.start("cy")  # by now each has been looked at again, several sweeps long
    for name, record in (("ada", first), ("bob", second), ("dee", third)):
        now = site.running(name)
        assert now is not None
        assert now.status.task_id == record.status.task_id
        assert _version(site, name) == versions[name]


def _version(site: Site, user: str) -> str:
    """Return the service's version, which every update raises."""
    form = ("--format", "{{.Version.Index}}")
    return site.engine.docker("service", "inspect", f"jupyter-{user}", *form).strip()

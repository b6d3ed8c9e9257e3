"""The database is lost while notebooks run: none of them is touched, and records come back.

A real engine, the unmodified operator as a process, a sweep every half second without any grace.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import swarm_services
from support.fixtures import overlay_network
from support.look import kill_container, notebook_container
from support.node import Node
from support.operators import OperatorProcess
from support.waiting import wait_for
from swarmhub_crds.home import Home, HomePhase, HomeSpec
from swarmhub_crds.notebook import Desired, Mount, Notebook, NotebookSpec
from swarmhub_crds.store import Store

NETWORK = "lost-notebooks"
USERS = ("ada", "bob", "cleo")
POLICY = {"sweep": {"interval": 0.5, "grace": 0}, "allowed_volumes": ["lost-*"]}
SERVER = """trap 'exit 0' TERM; test "$TOKEN" = s3cret || exit 1; sleep 600 & wait"""
SWEEPS = 2.5  # seconds in which there are more than two sweeps


@pytest.fixture(scope="module")
def network(engine: Node) -> Iterator[str]:
    """Make the notebooks' network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        yield made


class Site:
    """A store, what runs for it, and the operator."""

    def __init__(self, engine: Node, image: str, folder: Path) -> None:
        self.engine = engine
        self.image = image
        self.folder = folder
        self.file = folder / "state" / "state.db"
        self.url = f"sqlite:///{self.file}"
        self.operators: list[OperatorProcess] = []
        self._before: frozenset[str] = frozenset()
        self._before = frozenset(self.left())
        self.file.parent.mkdir()
        (folder / "policy.yaml").write_text(json.dumps(POLICY))

    def operate(self) -> OperatorProcess:
        """Start an operator and wait until it leads, or waits for its store."""
        name = f"operator-{len(self.operators)}"
        policy = str(self.folder / "policy.yaml")
        made = OperatorProcess(
            self.engine.socket, self.folder, name, NETWORK, POLICY_FILE=policy, LEASE_TTL="3"
        )
        self.operators.append(made)
        made.wait_health("it to lead", lambda seen: seen["leading"] or "store" in seen["trouble"])
        return made

    def start(self, user: str, **values: Any) -> None:
        """Write down that a notebook should run, as the spawner does."""
        volume = f"lost-{user}"
        spec = NotebookSpec(
            user=user,
            image=self.image,
            command=("sh", "-c", SERVER),
            networks=(NETWORK,),
            mounts=(Mount(volume=volume, target="/data", home=True),),
            desired=Desired.RUNNING,
            **values,
        )
        with closing(Store.open(self.url)) as store:
            homes = {volume: HomeSpec(user=user, server="lab")}
            store.apply_notebook(spec, homes=homes, secrets={"TOKEN": "s3cret"})

    def record(self, user: str) -> Notebook:
        """Return what the store says of a user's notebook."""
        with closing(Store.open(self.url, create=False)) as store:
            found = store.get_notebook(user)
        assert isinstance(found, Notebook)
        return found

    def tasks(self) -> dict[str, str]:
        """Return the ids of the running tasks by the name of their notebook."""
        listing = self.engine.client.api.tasks(filters={"label": "swarmhub.store"})
        return {
            task["Spec"]["ContainerSpec"]["Labels"]["swarmhub.notebook"]: task["ID"]
            for task in listing
            if task["Status"]["State"] == "running" and task["DesiredState"] == "running"
        }

    def wait_tasks(self, *users: str) -> dict[str, str]:
        """Wait until exactly these run and have a home, and return their tasks."""
        wait_for(f"{users} to run", lambda: set(self.tasks()) == set(users), timeout=60)
        wait_for("their homes", lambda: all(self.home(user).status.node_id for user in users))
        return self.tasks()

    def followed(self, tasks: dict[str, str]) -> None:
        """Wait until each record's status speaks of its task."""
        wait_for(
            "the operator to follow them",
            lambda: all(self.record(name).status.task_id == task for name, task in tasks.items()),
        )

    def home(self, user: str) -> Home:
        """Return the record of a user's home."""
        with closing(Store.open(self.url, create=False)) as store:
            found = store.get_home(f"lost-{user}")
        assert isinstance(found, Home)
        return found

    def stays(self, tasks: dict[str, str]) -> None:
        """Make sure that these tasks, and no others, run for some sweeps."""
        end = time.monotonic() + SWEEPS
        while time.monotonic() < end:
            assert self.tasks() == tasks
            time.sleep(0.2)

    def uid(self) -> str:
        """Return the identity of the store."""
        with closing(Store.open(self.url, create=False)) as store:
            return store.uid

    def backup(self, name: str) -> Path:
        """Copy the store as it is now."""
        target = self.folder / name
        with closing(sqlite3.connect(self.file)) as source, closing(sqlite3.connect(target)) as to:
            source.backup(to)
        return target

    def lose(self) -> None:
        """Remove the store's files."""
        for path in self.file.parent.glob("state.db*"):
            path.unlink()

    def swarmhub(self, *words: str) -> tuple[int, str]:
        """Run the command and return its exit code and all that it printed."""
        ended = subprocess.run(
            [sys.executable, "-m", "swarmhub_operator.cli.main", *words],
            env={
                **os.environ,
                "SWARMHUB_STATE_URL": self.url,
                "DOCKER_HOST": self.engine.socket,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return ended.returncode, ended.stdout

    def stop_all(self, *users: str) -> None:
        """Stop notebooks as the hub does; nothing but their volumes is left."""
        with closing(Store.open(self.url, create=False)) as store:
            for user in users:
                store.set_desired(user, Desired.STOPPED)
        wait_for("all to stop", lambda: not self.left(), timeout=40)

    def left(self) -> list[str]:
        """Return the names of the services and secrets of all stores, but for those of before."""
        filters = ("--filter", "label=swarmhub.store", "--format", "{{.Name}}")
        listed = self.engine.docker("service", "ls", *filters)
        secrets = self.engine.client.api.secrets(filters={"label": "swarmhub.store"})
        found = (*listed.split(), *(s["Spec"]["Name"] for s in secrets))
        return [name for name in found if name not in self._before]

    def close(self) -> None:
        """End the operators, and remove what is left of a test that failed."""
        for operator in self.operators:
            operator.kill()
        for service in self.engine.client.api.services(filters={"label": "swarmhub.store"}):
            self.engine.client.api.remove_service(service["ID"])
        own = ("--quiet", "--filter", "label=swarmhub.store")
        containers = ("ps", "--all", *own)
        wait_for("containers to go", lambda: not self.engine.docker(*containers), timeout=60)
        for secret in self.engine.client.api.secrets(filters={"label": "swarmhub.store"}):
            self.engine.client.api.remove_secret(secret["ID"])
        volumes = self.engine.docker("volume", "ls", *own).split()
        if volumes:
            self.engine.docker("volume", "rm", *volumes)


@pytest.fixture
def site(engine: Node, tiny: str, network: str, tmp_path: Path) -> Iterator[Site]:
    """Yield a site without notebooks."""
    made = Site(engine, tiny, tmp_path)
    try:
        yield made
    finally:
        made.close()


def brake(operator: OperatorProcess, *words: str) -> None:
    """Wait until the operator's health says of the sweep what has to be said."""
    operator.wait_health(
        f"the brake to say {words}",
        lambda seen: all(word in seen["trouble"].get("sweep", "") for word in words),
    )


def test_a_fresh_store_touches_nothing_and_takes_over_what_runs(site: Site) -> None:
    """The state volume came up empty; the operator never stops while it is taken over."""
    first = site.operate()
    for user in USERS:
        site.start(user)
    running = site.wait_tasks(*USERS)
    lost, homes = site.uid(), [site.home(user).metadata.uid for user in USERS]
    first.end()
    site.lose()
    operator = site.operate()
    brake(operator, lost, "state rebuild --from-store")
    site.stays(running)
    assert site.uid() != lost

    code, said = site.swarmhub("state", "rebuild")
    assert (code, lost in said) == (1, True), said
    code, said = site.swarmhub("state", "rebuild", "--from-store", lost, "--dry-run")
    assert (code, "6 records would be written" in said) == (0, True), said
    code, said = site.swarmhub("state", "rebuild", "--from-store", lost)
    assert (code, "6 records written" in said) == (0, True), said
    assert site.uid() == lost
    site.followed(running)
    site.stays(running)
    assert [site.home(user).metadata.uid for user in USERS] == homes
    assert all(site.home(user).status.phase is HomePhase.BOUND for user in USERS)
    assert all(site.home(user).spec.server == "lab" for user in USERS)
    code, said = site.swarmhub("state", "rebuild")
    assert (code, "0 records written" in said) == (0, True), said

    # The secret's content is lost, but the Swarm still has it: a restart goes on with it.
    kill_container(site.engine, notebook_container(site.engine, "ada"))
    wait_for("ada to come back", lambda: site.tasks().get("ada") not in {None, running["ada"]})
    site.stop_all(*USERS)


def test_an_empty_file_is_damage_and_a_new_one_takes_its_identity(site: Site) -> None:
    """The operator goes on with the store that is made again, without being restarted."""
    operator = site.operate()
    for user in USERS:
        site.start(user)
    running, uid = site.wait_tasks(*USERS), site.uid()
    empty = site.folder / "empty"
    empty.touch()
    for end in ("-wal", "-shm"):
        site.file.with_name(site.file.name + end).unlink(missing_ok=True)
    empty.replace(site.file)
    operator.wait_health("the damage", lambda seen: "empty" in seen["trouble"].get("store", ""))
    site.stays(running)
    code, said = site.swarmhub("state", "rebuild")
    assert (code, "the file is empty" in said) == (1, True), said

    site.lose()
    code, said = site.swarmhub("state", "rebuild")
    assert (code, "6 records written" in said) == (0, True), said
    assert site.uid() == uid
    operator.wait_health("it to lead", lambda seen: seen["leading"] and not seen["trouble"])
    site.followed(running)
    site.stays(running)
    site.stop_all(*USERS)


def test_an_older_backup_loses_no_server_that_was_started_since(site: Site) -> None:
    """One has no record, one an older start, one says stopped; a confirmed one alone goes."""
    first = site.operate()
    site.start("ada")
    site.start("bob")
    site.wait_tasks("ada", "bob")
    with closing(Store.open(site.url)) as store:
        store.set_desired("bob", Desired.STOPPED)
    site.wait_tasks("ada")
    backup = site.backup("backup.db")
    site.start("ada", environment={"AGAIN": "1"})
    wait_for("ada's new start", lambda: site.record("ada").status.task_id)
    site.start("bob")
    site.start("cleo")
    site.start("dora")
    wait_for(
        "ada's second start",
        lambda: (
            site.record("ada").status.observed_generation == 2
            and site.record("ada").status.task_id == site.tasks().get("ada")
        ),
    )
    running = site.wait_tasks("ada", "bob", "cleo", "dora")
    first.end()
    site.lose()
    shutil.copyfile(backup, site.file)
    operator = site.operate()
    brake(operator, "state rebuild", "gc --confirm")
    site.stays(running)
    for user in ("ada", "bob"):
        assert "`swarmhub state rebuild`" in site.record(user).status.message

    code, said = site.swarmhub("gc", "-o", "json")
    held = {(h["kind"], h["notebook"]): h for h in json.loads(said)["items"]}
    assert {key: h["why"] for key, h in held.items()} == {
        ("service", "ada"): "OlderRecord",
        ("service", "bob"): "OlderRecord",
        ("service", "cleo"): "NoRecord",
        ("secret", "cleo"): "NoRecord",
        ("service", "dora"): "NoRecord",
        ("secret", "dora"): "NoRecord",
    }
    code, said = site.swarmhub("status")
    assert (code, "`swarmhub gc` lists what is held" in said) == (1, True), said
    ids = [held[kind, "dora"]["id"] for kind in ("service", "secret")]
    code, said = site.swarmhub("gc", "--yes", "--confirm", ids[0], "--confirm", ids[1])
    assert code == 0, said
    wait_for("dora to go", lambda: not [name for name in site.left() if "dora" in name])
    running.pop("dora")
    site.stays(running)

    code, said = site.swarmhub("state", "rebuild")
    assert (code, "5 records written" in said) == (0, True), said
    assert site.home("dora").status.node_id  # her volume is still there
    operator.wait_health("all to be well", lambda seen: not seen["trouble"])
    site.followed(running)
    site.stays(running)
    assert site.swarmhub("gc", "-o", "name") == (0, "")
    site.stop_all(*USERS)


def test_another_stores_file_touches_nothing_and_can_be_put_right(site: Site) -> None:
    """Neither side's notebooks suffer; with the right file all is as before."""
    first = site.operate()
    for user in USERS:
        site.start(user)
    running, uid = site.wait_tasks(*USERS), site.uid()
    first.end()
    right = site.backup("right.db")
    site.lose()
    site.start("zoe")
    with closing(Store.open(site.url)) as store:
        store.set_desired("zoe", Desired.STOPPED)
    operator = site.operate()
    brake(operator, uid, "state rebuild --from-store")
    site.stays(running)
    site.start("ada")
    wait_for("the refusal", lambda: f"--from-store {uid}" in site.record("ada").status.message)
    site.stays(running)
    operator.end()
    site.lose()
    shutil.copyfile(right, site.file)
    operator = site.operate()
    operator.wait_health("all to be well", lambda seen: seen["leading"] and not seen["trouble"])
    site.stays(running)
    site.stop_all(*USERS)


def test_a_service_of_an_older_operator_gets_its_record_without_a_restart(site: Site) -> None:
    """Only labels change, also where the home has tied the notebook to a node since it began."""
    site.operate()
    site.start("ada")
    running = site.wait_tasks("ada")
    swarm_services.update(site.engine, "jupyter-ada", "--label-rm", "swarmhub.record")

    def noted() -> bool:
        (service,) = site.engine.client.api.services(filters={"label": "swarmhub.notebook=ada"})
        return "swarmhub.record" in service["Spec"]["Labels"]

    wait_for("the label to come back", noted)
    site.stays(running)
    assert site.record("ada").status.restarts == 0
    site.stop_all("ada")

"""One swarmhub without a hub: a store, records as the spawner writes them, an operator."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.cluster import Cluster
from support.node import Node
from support.waiting import wait_for
from survival.operators import Operator
from swarmhub_crds.home import Home, HomeSpec
from swarmhub_crds.notebook import Desired, Mount, Notebook, NotebookSpec, Phase
from swarmhub_crds.store import Store

# Writes into its home that it began, answers HTTP, and ends at once when it is told to.
SERVE = """
echo started >> /home/starts
trap 'exit 0' TERM
httpd -p 8888 -h /tmp
sleep 100000 &
wait
"""
POLICY = """
allowed_images: ["{image}"]
sweep: {{interval: 3}}
"""


@dataclass
class Site:
    """What the tests of this folder work with."""

    cluster: Cluster
    manager: Node
    store: Store
    operator: Operator
    database: Path
    image: str
    network: str

    # Records

    def spec(self, user: str, **values: Any) -> NotebookSpec:
        """Return the spec of a notebook that should run."""
        home = Mount(volume=f"jupyterhub-{user}", target="/home", home=True)
        given: dict[str, Any] = {
            "user": user,
            "image": self.image,
            "command": ("sh", "-c", SERVE),
            "networks": (self.network,),
            "desired": Desired.RUNNING,
            "mounts": (home,),
            **values,
        }
        return NotebookSpec(**given)

    def start(self, *users: str, **values: Any) -> None:
        """Write down that these notebooks should run, as the spawner does."""
        for user in users:
            spec = self.spec(user, **values)
            homes = {m.volume: HomeSpec(user=user) for m in spec.mounts if m.home}
            self.store.apply_notebook(spec, homes=homes, secrets={"TOKEN": f"secret of {user}"})

    def stop(self, *users: str) -> None:
        """Write down that these notebooks should not run."""
        for user in users:
            self.store.set_desired(user, Desired.STOPPED)

    def record(self, name: str) -> Notebook:
        """Return a record that can be read."""
        found = self.store.get_notebook(name)
        assert isinstance(found, Notebook)
        return found

    def in_phase(self, name: str, phase: Phase) -> bool:
        """Whether the newest generation of a notebook is in a phase."""
        record = self.record(name)
        seen = record.status.observed_generation == record.metadata.generation
        return seen and record.status.phase is phase

    def wait(self, phase: Phase, *users: str, timeout: float = 60) -> None:
        """Wait until all these notebooks are in a phase."""
        wait_for(
            f"{', '.join(users)} to be {phase}",
            lambda: not self.not_in(phase, users),
            timeout=timeout,
        )

    def not_in(self, phase: Phase, users: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return phase and message of the notebooks that are in another phase."""
        others = (self.record(user) for user in users if not self.in_phase(user, phase))
        return {r.metadata.name: (r.status.phase, r.status.message) for r in others}

    def run(self, *users: str, timeout: float = 60) -> None:
        """Start notebooks, wait until they run, and put a marker into each home."""
        self.start(*users)
        self.wait(Phase.RUNNING, *users, timeout=timeout)
        for user in users:
            self._home(user).joinpath("marker").write_text(f"of {user}")

    def restarts(self, *users: str) -> dict[str, tuple[int, int]]:
        """Return restarts and failures in a row of each notebook."""
        status = {user: self.record(user).status for user in users}
        return {user: (s.restarts, s.failures) for user, s in status.items()}

    # What is on the nodes

    def _home(self, user: str) -> Path:
        volume = f"jupyterhub-{user}"
        home = self.store.get_home(volume)
        assert isinstance(home, Home)
        assert home.status.node is not None, f"{volume} is bound to no node"
        node = self.cluster.nodes[home.status.node]
        return node.folder / "data" / "volumes" / volume / "_data"

    def starts(self, user: str) -> int:
        """Return how many containers have begun in the user's home."""
        return len(self._home(user).joinpath("starts").read_text().splitlines())

    def marked(self, *users: str) -> bool:
        """Whether each home still holds its marker."""
        return all(self._home(u).joinpath("marker").read_text() == f"of {u}" for u in users)

    def services(self) -> list[str]:
        """Return the notebooks that have a service, once for each service."""
        return sorted(s["Spec"]["Labels"]["swarmhub.notebook"] for s in self._ours("services"))

    def secrets(self) -> list[str]:
        """Return the notebooks that have a secret, once for each secret."""
        return sorted(s["Spec"]["Labels"]["swarmhub.notebook"] for s in self._ours("secrets"))

    def running(self) -> list[str]:
        """Return the notebooks of all running tasks, once for each task."""
        return sorted(
            task["Spec"]["ContainerSpec"]["Labels"]["swarmhub.notebook"]
            for task in self._ours("tasks")
            if task["Status"]["State"] == "running" and task["DesiredState"] == "running"
        )

    def task_ids(self) -> set[str]:
        """Return the ids of all running tasks."""
        return {t["ID"] for t in self._ours("tasks") if t["Status"]["State"] == "running"}

    def _ours(self, what: str) -> list[dict[str, Any]]:
        ours = {"label": f"swarmhub.store={self.store.uid}"}
        found: list[dict[str, Any]] = getattr(self.manager.client.api, what)(filters=ours)
        return found

    # Verdicts

    def assert_settled(self, *users: str, looks: int = 5) -> None:
        """Check that exactly these notebooks run, each once, and that nothing changes any more."""
        wanted = sorted(users)
        self.wait(Phase.RUNNING, *users)
        wait_for("nothing else to run", lambda: self.running() == wanted, timeout=30)
        tasks, before = self.task_ids(), self.restarts(*users)
        for _ in range(looks):
            self.operator_looks()
            assert self.services() == wanted
            assert self.secrets() == wanted
            assert self.running() == wanted
            assert self.task_ids() == tasks
            assert self.not_in(Phase.RUNNING, users) == {}
            assert self.restarts(*users) == before

    def operator_looks(self) -> None:
        """Wait until the operator has looked at something that changed after this call."""
        self.start("probe", desired=Desired.STOPPED)
        self.wait(Phase.STOPPED, "probe")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the database's write lock, as another process could."""
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")

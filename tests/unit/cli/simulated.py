"""The command on a simulated Swarm behind a socket: with the real Docker client between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simswarm.clock import VirtualClock
from simswarm.programs import Program
from simswarm.server import Served, serve
from simswarm.swarm import Swarm
from simswarm.world import World
from support.ports import free_port
from support.waiting import wait_for
from swarmhub_crds.home import Home
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Notebook, Resources
from swarmhub_operator.decide.build import Placement, Wanted, service_spec
from swarmhub_operator.engine.docker_engine import DockerEngine
from typer.testing import Result
from unit.cli.samples import Run, State

NETWORK = "swarmhub_notebooks"
MIB = 2**20
SAID = (
    (1, "200 GET /hub/api/users/ada/server (ada@10.0.0.7)"),
    (2, "Using token the-token-itself for ada"),
    (2, "connecting to postgres://hub:pa55w0rd@db/hub"),
)


@dataclass
class Site:
    """A store, a Swarm of `manager` and `worker`, and the command."""

    state: State
    served: Served
    run_command: Run
    folder: Path

    @property
    def swarm(self) -> Swarm:
        """The simulated Swarm."""
        return self.served.swarm

    def run(self, *words: str, **environment: str) -> Result:
        """Run the command with this Swarm's manager."""
        given = {
            "DOCKER_HOST": self.served.url,
            "SWARMHUB_HEALTH_PORT": str(free_port()),
            **environment,
        }
        return self.run_command(*words, **given)

    def start(self, user: str, on: str = "manager", **values: Any) -> None:
        """Have a notebook on a node, as spawner and operator would."""
        resources = values.pop("resources", None) or Resources()
        record = self.state.notebook(user, resources=resources, **values)
        home = self.state.store.get_home(f"home-{user}")
        assert isinstance(home, Home)
        wanted = Wanted(record, self.state.store.uid, {f"home-{user}": home})
        spec = service_spec(wanted, Placement("lab", pin=self.node(on)), "x1")
        spec = {**spec, "TaskTemplate": {**spec["TaskTemplate"]}}
        container = {**spec["TaskTemplate"]["ContainerSpec"], "Secrets": []}
        spec["TaskTemplate"]["ContainerSpec"] = container
        self.create(spec)
        self.state.observe(user, phase="Running", node_id=self.node(on), node=on)

    def create(self, spec: dict[str, Any]) -> None:
        """Make a service, and wait for its task to run."""
        DockerEngine(self.served.url).create_service(spec)

        def runs() -> bool:
            with self.served.lock:
                tasks = self.swarm.tasks_of(spec["Name"])
            return any(t["Status"]["State"] == "running" for t in tasks)

        wait_for(f"{spec['Name']} to run", runs, timeout=20)

    def stack_service(self, name: str, *environment: str) -> None:
        """Make a service of the stack."""
        about = {"com.docker.stack.namespace": "swarmhub"}
        container = {"Image": name, "Labels": about, "Env": list(environment)}
        template = {
            "ContainerSpec": container,
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": ["node.role==manager"]},
        }
        self.create(
            {
                "Name": f"swarmhub_{name}",
                "Labels": about,
                "TaskTemplate": {**template, "Networks": [{"Target": NETWORK}]},
                "Mode": {"Replicated": {"Replicas": 1}},
                "EndpointSpec": {"Mode": "dnsrr"},
            }
        )

    def node(self, hostname: str) -> str:
        """Return the id of a node."""
        with self.served.lock:
            nodes = self.swarm.world.nodes.values()
            return str(next(n["ID"] for n in nodes if n["Description"]["Hostname"] == hostname))

    def nodes_are_known(self) -> None:
        """Let the store tell of the nodes, as an operator does."""
        seen = [
            SeenNode(id=n.id, hostname=n.hostname, state=n.state, cpus=n.cpus, memory=n.memory)
            for n in DockerEngine(self.served.url).nodes()
        ]
        self.state.store.put_nodes(seen, fence=self.state.lease.token)

    def record(self, name: str) -> Notebook:
        """Return a notebook's record."""
        found = self.state.store.get_notebook(name)
        assert isinstance(found, Notebook)
        return found


@contextmanager
def simulated(state: State, run: Run, folder: Path) -> Iterator[Site]:
    """Serve a Swarm for a block; what runs in it has said `SAID`."""
    program = Program(log=SAID)
    clock = VirtualClock(datetime.now(UTC))
    world = World(behaviour=lambda _image, _command: program, clock=clock)
    swarm = Swarm(world, workers=("worker",))
    swarm.networks.create(NETWORK)
    with serve(swarm, folder / "engine.sock") as served:
        yield Site(state, served, run, folder)

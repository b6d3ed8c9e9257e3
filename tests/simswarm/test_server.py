"""The real docker SDK, and the operator's own process, against a simulated Swarm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import docker
import pytest
from docker.errors import APIError, NotFound
from simswarm.clock import VirtualClock
from simswarm.programs import Program, by_command
from simswarm.server import LOOPBACK_POOL, Served, serve
from simswarm.swarm import Swarm
from simswarm.world import World
from simulation.driver import NETWORK
from support.ports import free_port
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec, NotebookStatus, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.engine.docker_engine import DockerEngine

FAILS = Program(runs_for=0.1, exit_code=3, log=((1, "out"), (2, "oops")))
SOON = Program(answers_after=0.2)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Yield a served Swarm whose tasks have addresses on this machine's loopback."""
    behaviour = by_command({("fails",): FAILS, ("start",): SOON})
    world = World(behaviour=behaviour, clock=VirtualClock(datetime.now(UTC)))
    swarm = Swarm(world, workers=("worker",), pool=LOOPBACK_POOL)
    swarm.networks.create(NETWORK)
    with serve(swarm, tmp_path / "engine.sock", free_port()) as made:
        yield made


def test_docker_sdk_gets_along_with_it(served: Served) -> None:
    """Versions, lists, refusals, events, logs: all of it through docker-py."""
    api = docker.APIClient(base_url=served.url, version="auto")
    assert api.ping()
    assert api.info()["Swarm"]["ControlAvailable"]
    assert {n["Description"]["Hostname"] for n in api.nodes()} == {"manager", "worker"}
    since = int(datetime.now(UTC).timestamp())
    events = api.events(since=since, until=since + 3, filters={"type": "service"}, decode=True)
    template = docker.types.TaskTemplate(
        docker.types.ContainerSpec("tiny", args=["fails"]),
        restart_policy=docker.types.RestartPolicy(condition="none"),
        networks=[NETWORK],
    )
    made = api.create_service(template, name="web", labels={"a": "b"})
    with pytest.raises(APIError, match="name conflicts with an existing object"):
        api.create_service(template, name="web")
    with pytest.raises(NotFound):
        api.inspect_service("we")
    (task,) = wait_for(
        "a failed task",
        lambda: [
            t for t in api.tasks(filters={"label": "a=b"}) if t["Status"]["State"] == "failed"
        ],
        timeout=10,
    )
    assert task["Status"]["ContainerStatus"]["ExitCode"] == 3
    assert sorted(DockerEngine(served.url).task_log(task["ID"], 5)) == ["oops", "out"]
    api.remove_service(made["ID"])
    assert api.inspect_distribution("x/y:1")["Descriptor"]["digest"].startswith("sha256:")
    assert [e["Action"] for e in events] == ["create", "remove"]
    api.close()


@pytest.fixture
def operator(served: Served, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield an operator process that has the simulation for its engine."""
    environment = {
        **os.environ,
        "DOCKER_HOST": served.url,
        "SWARMHUB_STATE_URL": f"sqlite:///{tmp_path}/state.db",
        "SWARMHUB_NETWORK": NETWORK,
        "SWARMHUB_HEALTH_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "swarmhub_operator.main"]
    with (tmp_path / "operator.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    yield process
    process.kill()
    process.wait(timeout=10)


def test_operator_process_cannot_tell_the_difference(
    served: Served, operator: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """It starts a notebook, restarts it after a failure, and stops it."""
    store = Store.open(f"sqlite:///{tmp_path}/state.db")
    spec = NotebookSpec(
        user="ada",
        image="registry/lab:1",
        command=("start",),
        port=served.port,
        networks=(NETWORK,),
        desired=Desired.RUNNING,
    )
    store.apply_notebook(spec)

    def status() -> NotebookStatus:
        record = store.get_notebook("ada")
        assert isinstance(record, Notebook)
        return record.status

    def phase(wanted: Phase, restarts: int = 0) -> Callable[[], bool]:
        return lambda: status().phase is wanted and status().restarts == restarts

    wait_for("the notebook to run", phase(Phase.RUNNING), timeout=20)
    with served.lock:
        served.swarm.kill(served.swarm.tasks_of("jupyter-ada")[-1]["ID"])
    wait_for("it to run again", phase(Phase.RUNNING, restarts=1), timeout=20)
    store.set_desired("ada", Desired.STOPPED)
    wait_for("it to stop", lambda: status().phase is Phase.STOPPED, timeout=20)
    with served.lock:
        assert served.swarm.world.services == {}
    operator.send_signal(signal.SIGTERM)
    assert operator.wait(timeout=10) == 0
    store.close()

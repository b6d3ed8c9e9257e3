"""Where a notebook runs on a real Swarm of two machines, and why it waits.

The engine takes back a task with a generic resource whenever its node is changed, as when the node
joins the task's network. So another service keeps both nodes in the notebooks' network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from contract.test_operator import NETWORK, Operator
from support import swarm_nodes
from support.cluster import Cluster
from support.fixtures import overlay_network
from support.node import Node
from support.tiny import load_tiny
from support.waiting import wait_for
from swarmhub_crds.home import Home, HomeSpec
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase, Resources
from swarmhub_crds.store import Store
from swarmhub_operator.decide.build import Placement, Wanted, service_spec
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.engine.observed import Reservation

GPU = Resources(generic={"NVIDIA-GPU": 1})
GIB = 2**30


@pytest.fixture(scope="module")
def worker(cluster: Cluster, engine: Node, tiny: str) -> Iterator[Node]:
    """Yield a second node, which has a GPU: that is what it says of itself."""
    node = cluster.add("worker", {"node-generic-resources": ["NVIDIA-GPU=gpu-0", "SSD=3"]})
    node.join(engine)
    load_tiny(node)
    yield node
    cluster.remove(node)
    engine.docker("node", "rm", "--force", "worker")


@pytest.fixture(scope="module")
def network(engine: Node, worker: Node, tiny: str) -> Iterator[str]:
    """Make the notebooks' network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        place = ("--mode", "global", "--network", NETWORK, "--endpoint-mode", "dnsrr")
        options = ("--detach", "--no-resolve-image", "--name", "keeper", *place)
        engine.docker("service", "create", *options, tiny, "sleep", "600")
        wait_for("the worker to be in the network", lambda: worker.docker("ps", "--quiet"))
        yield made
        left = engine.docker("service", "ls", "--quiet").split()
        if left:
            engine.docker("service", "rm", *left)
        wait_for("the worker's containers to end", lambda: not worker.docker("ps", "--quiet"))


@pytest.fixture
def operator(engine: Node, network: str, tiny: str, tmp_path: Path) -> Iterator[Operator]:
    """Yield a running operator with a store of its own; its services end with it."""
    made = Operator(Store.open(f"sqlite:///{tmp_path}/state.db"), engine, tiny)
    made.start()
    yield made
    made.stop()
    left = [name for name in made.names("service") if name != "keeper"]
    if left:
        engine.docker("service", "rm", *left)
    wait_for("all to be given back", lambda: not held(engine), timeout=30)
    made.store.close()


def held(engine: Node) -> list[Reservation]:
    """Return what tasks hold of any node."""
    return [r for r in DockerEngine(engine.socket).reservations() if r.amounts != Amounts()]


def says(operator: Operator, name: str, pattern: str) -> NotebookStatus:
    """Wait until a notebook's message matches."""

    def found() -> bool:
        status = operator.status(name)
        return re.search(pattern, status.message) is not None

    wait_for(f"{name} to say {pattern!r}", found, timeout=30)
    return operator.status(name)


def reason(status: NotebookStatus, kind: ConditionType) -> tuple[str, str]:
    """Return a condition's answer and reason."""
    condition = next(c for c in status.conditions if c.type == kind)
    return condition.status, condition.reason


def stop(operator: Operator, name: str) -> None:
    """Stop a notebook."""
    operator.store.set_desired(name, Desired.STOPPED)
    operator.wait(name, Phase.STOPPED)


def test_a_gpu_is_given_to_one_notebook_after_the_other(operator: Operator, worker: Node) -> None:
    """On the node that has it; the second one is told of each node why it waits."""
    first = operator.run("ann", resources=GPU)
    assert first.node == "worker"
    home = operator.store.get_home("home-ann")
    assert isinstance(home, Home)
    assert home.status.node == "worker"
    container = worker.docker("ps", "--quiet", "--filter", "label=swarmhub.notebook=ann").strip()
    assert "DOCKER_RESOURCE_NVIDIA-GPU=gpu-0" in worker.docker("exec", container, "env")

    operator.apply(operator.spec("ben", resources=GPU))
    status = says(operator, "ben", "No node can take your server now")
    assert status.message == (
        "No node can take your server now (engine: no NVIDIA-GPU; worker: 0 NVIDIA-GPU free of 1 "
        "asked); it starts as soon as one can."
    )
    assert reason(status, ConditionType.SCHEDULED) == ("False", "NoNodeFits")
    assert operator.ours("service") == ["jupyter-ann"]

    stop(operator, "ann")
    second = operator.wait("ben", Phase.RUNNING)
    assert second.node == "worker"
    assert (second.restarts, second.failures) == (0, 0)


def test_a_service_with_generic_resources_is_as_it_was_made(operator: Operator) -> None:
    """What the engine reads back is no drift: nothing is put right for ever."""
    before = operator.run("eva", resources=Resources(generic={"NVIDIA-GPU": 1, "SSD": 2}))
    service = DockerEngine(operator.engine.socket).find_service("jupyter-eva")
    assert service is not None
    assert dict(service.reserved.generic) == {"NVIDIA-GPU": 1, "SSD": 2}
    operator.stop()
    operator.start()
    operator.run("zoe")
    again = DockerEngine(operator.engine.socket).find_service("jupyter-eva")
    assert again is not None
    assert again.version == service.version
    assert operator.status("eva").task_id == before.task_id


def test_one_that_floats_waits_in_swarm_and_reads_our_words(operator: Operator) -> None:
    """It has no home, so Swarm places it as soon as there is room."""
    operator.run("ida", resources=GPU)
    operator.apply(operator.spec("jon", resources=GPU, mounts=()))
    says(operator, "jon", r"engine: no NVIDIA-GPU; worker: 0 NVIDIA-GPU free of 1 asked")
    assert sorted(operator.ours("service")) == ["jupyter-ida", "jupyter-jon"]
    stop(operator, "ida")
    assert operator.wait("jon", Phase.RUNNING).node == "worker"


def test_a_constraint_is_obeyed_and_explained(operator: Operator) -> None:
    """A label that is set while it waits lets it start."""
    operator.apply(operator.spec("kit", constraints=("node.labels.disk==ssd",)))
    says(operator, "kit", r"\(engine, worker: not node\.labels\.disk==ssd\)")
    assert operator.ours("service") == []
    swarm_nodes.update(operator.engine, "worker", "--label-add", "disk=ssd")
    try:
        assert operator.wait("kit", Phase.RUNNING).node == "worker"
    finally:
        swarm_nodes.update(operator.engine, "worker", "--label-rm", "disk")


def test_what_foreign_services_reserve_counts(operator: Operator, tiny: str) -> None:
    """Swarm counts it too, and would leave the notebook waiting without its home's node."""
    memory = min(node.memory for node in DockerEngine(operator.engine.socket).nodes())
    part = memory // 3
    for node in ("engine", "worker"):
        place = ("--constraint", f"node.hostname=={node}", "--name", f"big-{node}")
        reserve = ("--reserve-memory", str(part * 2))
        options = ("--detach", "--no-resolve-image", *place, *reserve)
        operator.engine.docker("service", "create", *options, tiny, "sleep", "600")
    wait_for("both to hold their share", lambda: len(held(operator.engine)) == 2)
    operator.apply(operator.spec("lou", resources=Resources(mem_guarantee=part * 2)))
    says(operator, "lou", r"\(engine, worker: [0-9.]+ (G|M)iB free of [0-9.]+ asked\)")
    operator.engine.docker("service", "rm", "big-worker")
    assert operator.wait("lou", Phase.RUNNING).node == "worker"
    operator.engine.docker("service", "rm", "big-engine")


def test_a_home_on_a_drained_node_is_waited_for(operator: Operator) -> None:
    """While others start elsewhere."""
    only = ("node.hostname==worker",)
    operator.run("max", constraints=only)
    stop(operator, "max")
    swarm_nodes.set_availability(operator.engine, "worker", "drain")
    try:
        operator.apply(operator.spec("max", constraints=only))
        status = says(operator, "max", "worker holds your home but is drained")
        assert reason(status, ConditionType.HOME_READY) == ("False", "NodeUnusable")
        assert operator.ours("service") == []
        assert operator.run("nat").node == "engine"
    finally:
        swarm_nodes.set_availability(operator.engine, "worker", "active")
    assert operator.wait("max", Phase.RUNNING).node == "worker"


def made_for(operator: Operator, user: str, node_id: str) -> None:
    """Make the record of a first start, and its service for a node, as if an operator then died."""
    spec, volume = operator.spec(user), f"home-{user}"
    record = operator.store.apply_notebook(spec, homes={volume: HomeSpec(user=user)})
    home = operator.store.get_home(volume)
    assert isinstance(home, Home)
    wanted = Wanted(record, operator.store.uid, {volume: home})
    placement = Placement(operator.image, pin=node_id)
    DockerEngine(operator.engine.socket).create_service(service_spec(wanted, placement, None))


def test_a_first_start_leaves_a_node_that_takes_none(operator: Operator, worker: Node) -> None:
    """It begins on one node alone, though the other takes tasks again while it moves."""
    operator.stop()
    swarm_nodes.set_availability(operator.engine, "worker", "pause")
    made_for(operator, "pia", worker.docker("info", "--format", "{{.Swarm.NodeID}}").strip())
    operator.start()

    def tied_to_none() -> bool:
        service = DockerEngine(operator.engine.socket).find_service("jupyter-pia")
        return service is not None and service.force_update > 0

    try:
        wait_for("it to be taken off the worker", tied_to_none, pause=0.02)
    finally:
        swarm_nodes.set_availability(operator.engine, "worker", "active")
    status = operator.wait("pia", Phase.RUNNING)
    home = operator.store.get_home("home-pia")
    assert isinstance(home, Home)
    assert home.status.node == status.node
    volumes = {n.name: n.docker("volume", "ls", "--quiet") for n in (operator.engine, worker)}
    assert [name for name, held in volumes.items() if "home-pia" in held] == [status.node]


def test_a_dead_node_is_told_with_the_time_of_its_death(operator: Operator, worker: Node) -> None:
    """By the manager's clock, as a person would look it up."""
    operator.run("oda", resources=GPU)
    stop(operator, "oda")
    worker.kill()
    killed = datetime.now(UTC)
    adapter = DockerEngine(operator.engine.socket)

    def down() -> datetime | None:
        return next(n.down_since for n in adapter.nodes() if n.hostname == "worker")

    since = wait_for("the worker to be down", down, timeout=60)
    assert since is not None
    assert timedelta(0) <= since - killed < timedelta(seconds=30)
    operator.apply(operator.spec("oda", resources=GPU))
    words = f"worker holds your home but is down since {since:%H:%M} UTC"
    says(operator, "oda", re.escape(words))
    worker.start()
    assert operator.wait("oda", Phase.RUNNING, timeout=60).node == "worker"

"""A Swarm of a manager and a worker, and an operator that lives beside the manager's engine.

The operator is a process of this machine in the network of a container on the manager, and so
reaches the notebooks. Its process outlives the engine, but that network does not: when the engine
has come back, the operator is started anew, as Swarm does it with the operator's service.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cluster import Cluster
from support.fixtures import throw_away_cluster
from support.node import Node
from support.shell import CommandError
from support.tiny import load_tiny
from support.waiting import wait_for
from survival.operators import Operator
from survival.site import POLICY, Site
from swarmhub_crds.store import Store

NETWORK = "survival-notebooks"
PLACE = "place-of-the-operator"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Yield the cluster."""
    with throw_away_cluster("survival") as made:
        yield made


@pytest.fixture(scope="session")
def manager(cluster: Cluster) -> Node:
    """Return the one manager of the Swarm; it notices a lost node within some six seconds."""
    node = cluster.add("manager")
    node.swarm_init("--dispatcher-heartbeat", "2s")
    load_tiny(node)
    return node


@pytest.fixture(scope="session")
def worker(cluster: Cluster, manager: Node) -> Node:
    """Return the other node."""
    node = cluster.add("worker")
    node.join(manager)
    load_tiny(node)
    return node


@pytest.fixture(scope="session")
def operators_network(manager: Node, worker: Node) -> Callable[[], int]:
    """Return a function that tells the pid of a process in the notebooks' network."""
    manager.docker("network", "create", "--driver", "overlay", "--attachable", NETWORK)
    image = load_tiny(manager)
    manager.docker("create", "--name", PLACE, "--network", NETWORK, image, "sleep", "100000")

    def pid() -> int:
        wait_for("the network after an engine's start", lambda: _started(manager), timeout=60)
        return manager.pid_of_container(PLACE)

    return pid


def _started(manager: Node) -> bool:
    """Start the container whose network the operator shares, as soon as the engine can do it."""
    try:
        manager.docker("start", PLACE)
    except CommandError:  # the manager has no leader yet, or the network is not there yet
        return False
    return True


@pytest.fixture
def state_folder(tmp_path: Path) -> Path:
    """Return the folder of the database; a module may have its own."""
    return tmp_path


@pytest.fixture
def site(
    cluster: Cluster,
    manager: Node,
    operators_network: Callable[[], int],
    state_folder: Path,
    tmp_path: Path,
) -> Iterator[Site]:
    """Yield a site with an operator that leads; its services end with it."""
    image = load_tiny(manager)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(image=image))
    database = state_folder / "state.db"
    environment = {
        "DOCKER_HOST": manager.socket,
        "SWARMHUB_STATE_URL": f"sqlite:///{database}",
        "SWARMHUB_NETWORK": NETWORK,
        "SWARMHUB_POLICY_FILE": str(policy),
    }
    store = Store.open(f"sqlite:///{database}")
    operator = Operator(operators_network, tmp_path / "operator.log", environment)
    made = Site(cluster, manager, store, operator, database, image, NETWORK)
    operator.start()
    try:
        operator.wait_leading()
        yield made
    finally:
        operator.kill()
        _clear(manager, store.uid)
        store.close()


def _clear(manager: Node, store: str) -> None:
    if not manager.running:
        manager.start()
    label = f"label=swarmhub.store={store}"
    for what in ("service", "secret"):
        left = manager.docker(what, "ls", "--quiet", "--filter", label).split()
        if left:
            manager.docker(what, "rm", *left)

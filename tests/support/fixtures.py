"""What the conftest files of several folders have in common."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cluster import Cluster
from support.node import Node
from support.waiting import wait_for

OUTPUT = Path(__file__).parents[1] / "output"


@contextmanager
def throw_away_cluster(name: str) -> Iterator[Cluster]:
    """Make a cluster for a test session and end it, however the session goes.

    With SWARMHUB_TEST_CACHE=DIR in the environment, the engines keep their images in that
    directory from one session to the next. The engines' logs are left in tests/output.

    Args:
        name: tells the clusters of one session apart.
    """
    cache = os.environ.get("SWARMHUB_TEST_CACHE")
    cluster = Cluster(Path(cache, name) if cache else None)
    try:
        yield cluster
    finally:
        _keep_logs(cluster, name)
        cluster.close()


@contextmanager
def overlay_network(node: Node, name: str, subnet: str = "") -> Iterator[str]:
    """Make an overlay network, and remove it after whatever services are still there.

    Args:
        node: a manager.
        name: of the network.
        subnet: its block of addresses; empty: the engine chooses.
    """
    block = ("--subnet", subnet) if subnet else ()
    node.docker("network", "create", "--driver", "overlay", "--attachable", *block, name)
    yield name
    names = node.docker("service", "ls", "--quiet").split()
    if names:
        node.docker("service", "rm", *names)
    wait_for("containers to end", lambda: not node.docker("ps", "--quiet"), timeout=30)
    node.docker("network", "rm", name)


def _keep_logs(cluster: Cluster, name: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    for node in cluster.nodes.values():
        if node.log.exists():
            shutil.copyfile(node.log, OUTPUT / f"dockerd-{name}-{node.name}.log")

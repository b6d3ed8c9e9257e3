"""A real engine for the contract tests: one manager of a Swarm, and a tiny image."""

from collections.abc import Iterator

import pytest
from support.cluster import Cluster
from support.fixtures import throw_away_cluster
from support.node import Node
from support.tiny import load_tiny


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Yield the cluster to which a test may add nodes."""
    with throw_away_cluster("contract") as made:
        yield made


@pytest.fixture(scope="session")
def engine(cluster: Cluster) -> Node:
    """Return the manager of a Swarm that notices a lost node within some six seconds."""
    node = cluster.add("engine")
    node.swarm_init("--dispatcher-heartbeat", "2s")
    return node


@pytest.fixture(scope="session")
def tiny(engine: Node) -> str:
    """Return the name of an image with busybox that is on the engine."""
    return load_tiny(engine)

"""A real engine for the tests of the whole product: one manager of a Swarm."""

from collections.abc import Iterator

import pytest
from support.cluster import Cluster
from support.fixtures import throw_away_cluster
from support.node import Node


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Yield the cluster to which a test may add nodes."""
    with throw_away_cluster("swarm") as made:
        yield made


@pytest.fixture(scope="session")
def engine(cluster: Cluster) -> Node:
    """Return the manager of a Swarm."""
    node = cluster.add("engine")
    node.swarm_init()
    return node

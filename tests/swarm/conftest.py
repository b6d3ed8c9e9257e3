"""The whole product on a real engine: one manager of a Swarm, set up as a user would do it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver
from support.chromium import chromium
from support.cluster import Cluster
from support.fixtures import OUTPUT, throw_away_cluster
from support.node import Node
from support.stack import HubStack, bring_up

HERE = Path(__file__).parent
SITE = {
    "HUB_CONFIG": str(HERE / "hub_config.py"),
    "OPERATOR_POLICY": str(HERE / "policy.yaml"),
}


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


@pytest.fixture(scope="session")
def hub_stack(engine: Node) -> HubStack:
    """Return the product, running on the engine; its set-up's output is in tests/output/up.log."""
    OUTPUT.mkdir(exist_ok=True)
    return bring_up(engine, OUTPUT / "up.log", SITE)


@pytest.fixture
def browser() -> Iterator[WebDriver]:
    """Yield a headless Chromium of Debian's packages."""
    with chromium() as driver:
        yield driver

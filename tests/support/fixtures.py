"""What the conftest files of several folders have in common."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cluster import Cluster

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


def _keep_logs(cluster: Cluster, name: str) -> None:
    OUTPUT.mkdir(exist_ok=True)
    for node in cluster.nodes.values():
        if node.log.exists():
            shutil.copyfile(node.log, OUTPUT / f"dockerd-{name}-{node.name}.log")

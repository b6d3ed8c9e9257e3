"""Which containers of a notebook run, on which nodes, and whether one ran twice."""

from collections import Counter
from collections.abc import Iterable

from support import look
from support.node import Node


def places(nodes: Iterable[Node], notebook: str) -> list[str]:
    """Return the node of each running container of a notebook, whatever the Swarm believes."""
    return [
        node.name
        for node in nodes
        if node.running
        for _ in look.containers(node, f"swarmhub.notebook={notebook}")
    ]


def believed(manager: Node) -> Counter[str]:
    """Return for each notebook how many servers of it run by the Swarm's belief.

    That is: the task runs, is meant to run, and its node is not down.
    """
    alive = {node["ID"] for node in manager.client.api.nodes() if node["Status"]["State"] != "down"}
    tasks = manager.client.api.tasks(filters={"label": "swarmhub.store"})
    return Counter(
        task["Spec"]["ContainerSpec"]["Labels"]["swarmhub.notebook"]
        for task in tasks
        if task["Status"]["State"] == "running"
        and task["DesiredState"] == "running"
        and task.get("NodeID") in alive
    )

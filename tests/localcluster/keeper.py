"""The process that holds the local cluster until it is told to end.

    python -m localcluster.keeper FOLDER NODES

Its output is the log that `make cluster` shows.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from localcluster import orders
from localcluster.note import NodeNote, Note
from support import swarm_nodes
from support.cluster import Cluster
from support.node import Node
from support.processes import ProcessId

_REGISTRY_PORT = 5001
_PATIENCE = 120.0  # seconds until all nodes are ready in the Swarm


def keep(folder: Path, count: int) -> None:
    """Make a Swarm of one manager and workers, and hold it until SIGTERM.

    Args:
        folder: takes the nodes' data and the note; images in it are used again.
        count: number of nodes.

    Raises:
        RuntimeError: an engine did not start, or the Swarm did not come about.
        CleanupError: something could not be removed at the end.
    """
    with Cluster(folder) as cluster:
        note = Note(ProcessId.of(os.getpid()), cluster.network.bridge, count)
        note.write(folder)
        for number in range(1, count + 1):
            node = _add(cluster, number)
            note = replace(note, nodes=(*note.nodes, _noted(node)))
            note.write(folder)
        manager = cluster.nodes["node1"]
        for name in cluster.nodes:
            swarm_nodes.wait_ready(manager, name, _PATIENCE)
        replace(note, ready=True).write(folder)
        orders.serve(folder, cluster.nodes)


def _add(cluster: Cluster, number: int) -> Node:
    name = f"node{number}"
    if number == 1:
        node = cluster.add(name)
        node.swarm_init()
    else:
        manager = cluster.nodes["node1"]
        node = cluster.add(name, registry=f"{manager.address}:{_REGISTRY_PORT}")
        node.join(manager)
    role = "the manager" if number == 1 else "a worker"
    _say(f"{name} is up at {node.address}, {role}")
    return node


def _noted(node: Node) -> NodeNote:
    return NodeNote(node.name, str(node.address), node.socket)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder, count = sys.argv[1:]
    try:
        keep(Path(folder), int(count))
    except (RuntimeError, ValueError, OSError) as failed:
        _say(f"swarmhub: {failed}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())

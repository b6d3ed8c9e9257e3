"""The command line behind `make cluster`, `make cluster-node` and `make cluster-down`.

python -m localcluster up 3
python -m localcluster down [--keep-images]
python -m localcluster node node2 kill
"""

import argparse
import sys

from localcluster.commands import ClusterError, down, order, up
from localcluster.note import Note, place
from localcluster.orders import ORDERS


def _describe(note: Note) -> str:
    manager = note.nodes[0]
    width = max(len(node.address) for node in note.nodes)
    rows = [f"  {node.name}  {node.address:<{width}}  {node.socket}" for node in note.nodes]
    size = "one node" if note.wanted == 1 else f"{note.wanted} nodes"
    title = f"A Swarm of {size} runs, {manager.name} its manager:"
    return "\n".join(
        [
            title,
            *rows,
            "",
            "To use docker and make on it:",
            f"  export DOCKER_HOST={manager.socket} SWARMHUB_ADDRESS={manager.address}",
            "and then",
            "  docker node ls                         its nodes",
            "  make up                                swarmhub on it",
            "  make cluster-node NODE=node2 DO=kill   or stop, start, cut-off, heal",
            "  make cluster-down                      the end of it, homes and all",
        ]
    )


def main() -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="localcluster", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up").add_argument("nodes", type=int)
    commands.add_parser("down").add_argument("--keep-images", action="store_true")
    node = commands.add_parser("node")
    node.add_argument("name")
    node.add_argument("order", choices=ORDERS)
    given = parser.parse_args()
    try:
        if given.command == "up":
            said = _describe(up(place(), given.nodes))
        elif given.command == "node":
            said = order(place(), given.order, given.name)
        else:
            said = down(place(), keep_images=given.keep_images)
    except (ClusterError, RuntimeError, OSError) as failed:
        sys.stderr.write(f"swarmhub: {failed}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

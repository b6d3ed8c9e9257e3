"""What a person may do to one node of the local cluster: its power switch and its network cable."""

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from support.node import Node

ORDERS: Mapping[str, Callable[[Node], None]] = {
    "kill": Node.kill,
    "stop": Node.stop,
    "start": Node.start,
    "cut-off": Node.cut_off,
    "heal": Node.heal,
}
_DONE = "done"
_LONGEST = 120.0  # seconds that an order may take


def serve(folder: Path, nodes: Mapping[str, Node]) -> None:
    """Obey orders, one after the other, until a signal ends this process."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(_door(folder)))
        _door(folder).chmod(0o600)
        door.listen()
        while True:
            line, _ = door.accept()
            with line, line.makefile("rw") as talk:
                talk.write(_obey(nodes, talk.readline().split()))


def _obey(nodes: Mapping[str, Node], words: list[str]) -> str:
    try:
        verb, name = words
        if name not in nodes:
            return f"There is no node {name!r}: choose among {', '.join(nodes)}."
        ORDERS[verb](nodes[name])
    except (RuntimeError, OSError) as failed:
        return str(failed)
    return _DONE


def give(folder: Path, verb: str, node: str) -> None:
    """Have the keeper of the cluster in a folder carry out an order.

    Args:
        folder: the cluster's.
        verb: one of ORDERS.
        node: a node's name.

    Raises:
        RuntimeError: it failed; the message is the keeper's.
        OSError: no cluster runs there.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_LONGEST)
        line.connect(str(_door(folder)))
        with line.makefile("rw") as talk:
            talk.write(f"{verb} {node}\n")
            talk.flush()
            answer = talk.read()
    if answer != _DONE:
        raise RuntimeError(answer or "The cluster ended meanwhile.")


def _door(folder: Path) -> Path:
    return folder / "cluster.sock"

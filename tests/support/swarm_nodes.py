"""The nodes of a Swarm as one of its managers sees them, and what lies on which of them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from support import look
from support.node import Node
from support.sequence import in_sequence
from support.shell import CommandError
from support.waiting import wait_for

_PATIENCE = 60.0  # seconds; a Swarm with a heartbeat of 2 s notices a lost node within some six


def state(manager: Node, node: str) -> str:
    """Return what the Swarm says of a node: "ready", "down" or "unknown"."""
    return manager.docker("node", "inspect", "--format", "{{.Status.State}}", node).strip()


def wait_ready(manager: Node, node: str, timeout: float = _PATIENCE) -> None:
    """Wait until the Swarm calls a node ready.

    Raises:
        TimeoutError: it did not within `timeout` seconds.
    """
    wait_for(f"{node} to be ready", lambda: state(manager, node) == "ready", timeout)


def wait_down(manager: Node, node: str, timeout: float = _PATIENCE) -> None:
    """Wait until the Swarm calls a node down.

    Raises:
        TimeoutError: it did not within `timeout` seconds.
    """
    wait_for(f"{node} to be down", lambda: state(manager, node) == "down", timeout)


def wait_leader(manager: Node, timeout: float = _PATIENCE) -> None:
    """Wait until a manager that was started again answers for the Swarm.

    Raises:
        TimeoutError: it did not within `timeout` seconds.
    """

    def leads() -> bool:
        try:
            return bool(names(manager))
        except CommandError:  # the Swarm has no leader yet
            return False

    wait_for(f"{manager.name} to lead the Swarm", leads, timeout)


def names(manager: Node) -> list[str]:
    """Return the host names of all nodes of the Swarm."""
    return manager.docker("node", "ls", "--format", "{{.Hostname}}").split()


def set_availability(manager: Node, node: str, availability: str) -> None:
    """Set a node to "active", "pause" (no new tasks) or "drain" (no tasks)."""
    update(manager, node, "--availability", availability)


def update(manager: Node, node: str, *options: str) -> None:
    """Run `docker node update`; a node that has just come back writes of itself meanwhile.

    Raises: as `in_sequence`.
    """
    in_sequence(manager, "node", "update", *options, node)


@contextmanager
def only(manager: Node, node: str) -> Iterator[None]:
    """Have new tasks go to one node, by a pause of all others, as long as the block lasts."""
    others = [name for name in names(manager) if name != node]
    for name in others:
        set_availability(manager, name, "pause")
    try:
        yield
    finally:
        for name in others:
            set_availability(manager, name, "active")


def node_of(manager: Node, notebook: str) -> str:
    """Return the host name of the node on which a notebook should run; empty when on none yet.

    Raises:
        LookupError: it has not exactly one service.
    """
    found = look.services(manager, f"swarmhub.notebook={notebook}")
    if len(found) != 1:
        raise LookupError(f"The notebook {notebook} has {len(found)} services.")
    listing = ("service", "ps", "--filter", "desired-state=running", "--format", "{{.Node}}")
    return manager.docker(*listing, found[0]["ID"]).strip()


def holders(nodes: Iterable[Node], volume: str) -> list[str]:
    """Return the names of those running nodes on which a volume lies."""
    return [
        node.name
        for node in nodes
        if node.running and volume in node.docker("volume", "ls", "--quiet").split()
    ]


def write_file(node: Node, notebook: str, path: str, text: str) -> None:
    """Write a file in the running container of a notebook, as its user.

    Args:
        node: the one on which it runs.
        notebook: its name.
        path: inside the container; its folder exists.
        text: becomes the whole content.
    """
    container = look.notebook_container(node, notebook)
    shell = ("sh", "-c", 'cat >"$0"', path)
    node.docker("exec", "--interactive", container, *shell, input=text)


def read_file(node: Node, notebook: str, path: str) -> str:
    """Read a file in the running container of a notebook.

    Raises:
        CommandError: there is no such file.
    """
    return node.docker("exec", look.notebook_container(node, notebook), "cat", path)

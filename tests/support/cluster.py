"""Several engines on one machine, joined by a network of their own, and gone without a trace."""

import fcntl
import os
import re
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support import cgroups
from support.janitor import CleanupError, Janitor, remove_tree
from support.leftovers import leftovers
from support.network import Network
from support.node import Node
from support.shell import require_programs, require_root

_PROGRAMS = ("dockerd", "docker", "docker-init", "ip", "iptables", "nsenter", "socat", "unshare")
_NODE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class Cluster:
    """A set of nodes; a context manager that leaves nothing behind.

    However the process ends that made it, also by SIGKILL, the nodes end within seconds, and
    interfaces, rules, control groups and temporary files are removed.

    Attributes:
        workdir: holds a folder for each node.
        nodes: by name.
    """

    def __init__(self, workdir: Path | None = None) -> None:
        """Make the network.

        Args:
            workdir: kept at the end, and with it the images of its nodes for the next cluster
                there; by default a temporary directory, removed at the end.

        Raises:
            RuntimeError: no root, a program is missing, or another cluster uses `workdir`.
        """
        require_root()
        require_programs(*_PROGRAMS)
        self.nodes: dict[str, Node] = {}
        self.workdir = (workdir or Path(tempfile.mkdtemp(prefix="swarmhub-"))).resolve()
        self.workdir.mkdir(parents=True, exist_ok=True)
        lock = _lock(self.workdir)
        self._janitor = Janitor(keep_open=[lock])
        os.close(lock)
        if workdir is None:
            self._janitor.remember("the working directory", "rmtree", str(self.workdir))
        try:
            self.network = Network(self._janitor)
        except BaseException:
            self._janitor.finish()
            raise

    def add(
        self, name: str, config: dict[str, Any] | None = None, registry: str | None = None
    ) -> Node:
        """Start a further node, in no Swarm yet.

        Args:
            name: up to 31 lower-case letters, digits and hyphens; new in this cluster.
            config: further options of the engine, as in its daemon.json.
            registry: HOST:PORT of the registry that it shall reach at its own 127.0.0.1:5000.

        Raises:
            ValueError: the name does not do.
            RuntimeError: the engine does not start.
        """
        if not _NODE_NAME.fullmatch(name) or name in self.nodes:
            raise ValueError(f"A node cannot be called {name!r} here: choose another name.")
        node = Node(name, self.workdir / name, self.network, self._janitor, config, registry)
        self.nodes[name] = node
        node.start()
        return node

    def remove(self, node: Node) -> None:
        """End one node and forget its data; the Swarm that it was in is not told."""
        node.kill()
        cgroups.remove(node.cgroup)
        self._janitor.forget(f"{node.name}'s cgroup")
        remove_tree(node.folder)
        del self.nodes[node.name]

    def close(self) -> None:
        """End everything; a second call does nothing.

        Raises:
            CleanupError: something is left; the message names it.
        """
        self._janitor.finish()
        for node in self.nodes.values():
            node.bury()
        left = leftovers(self.network.bridge, self.workdir)
        self.nodes.clear()
        if left:
            raise CleanupError(f"The cluster in {self.workdir} left behind: {'; '.join(left)}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _lock(workdir: Path) -> int:
    """Lock a directory for as long as the descriptor, or a copy of it, is open."""
    folder = os.open(workdir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(folder)
        raise RuntimeError(
            f"Another cluster uses {workdir}: wait until it has ended or choose another directory."
        ) from None
    return folder

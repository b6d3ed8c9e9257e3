"""What `make cluster` leaves in its folder for those who come later: a note of what runs."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from support.processes import ProcessId

_ROOT = Path(__file__).parents[2]


def place() -> Path:
    """Return the cluster's folder: SWARMHUB_CLUSTER_DIR, by default .cluster of this checkout."""
    return Path(os.environ.get("SWARMHUB_CLUSTER_DIR") or _ROOT / ".cluster").resolve()


@dataclass(frozen=True)
class NodeNote:
    """One node.

    Attributes:
        name: its host name.
        address: by which this machine and the other nodes reach it.
        socket: URL of its engine.
    """

    name: str
    address: str
    socket: str


@dataclass(frozen=True)
class Note:
    """A cluster that runs or, if its process has ended, that ran.

    Attributes:
        keeper: the process that holds the cluster.
        bridge: its network's interface.
        wanted: how many nodes it shall have.
        nodes: those that are up, the manager first.
        ready: whether all of them are ready in the Swarm.
    """

    keeper: ProcessId
    bridge: str
    wanted: int
    nodes: tuple[NodeNote, ...] = field(default=())
    ready: bool = False

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the note in a folder, or None if there is none."""
        try:
            found = json.loads(_file(folder).read_text())
        except FileNotFoundError:
            return None
        keeper = ProcessId(**found.pop("keeper"))
        nodes = tuple(NodeNote(**node) for node in found.pop("nodes"))
        return cls(keeper=keeper, nodes=nodes, **found)

    def write(self, folder: Path) -> None:
        """Put this note into a folder, in place of an earlier one."""
        draft = folder / "cluster.draft"
        draft.write_text(json.dumps(asdict(self), indent=2))
        draft.replace(_file(folder))


def _file(folder: Path) -> Path:
    return folder / "cluster.json"

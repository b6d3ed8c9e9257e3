"""What an earlier spawner has left, and what is to become of it: the values of a migration."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from swarmhub_crds.home import Home
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.sqlstore.codec import Broken

from swarmhub_operator.decide.volumenames import Template
from swarmhub_operator.engine.workloads import Workload, WorkloadKind


class Origin(StrEnum):
    """The spawner that made what is there."""

    DOCKERSPAWNER = "dockerspawner"
    SWARMSPAWNER = "swarmspawner"

    @property
    def kind(self) -> WorkloadKind:
        """What it makes of a user's server."""
        return WorkloadKind.SERVICE if self is Origin.SWARMSPAWNER else WorkloadKind.CONTAINER


class Step(StrEnum):
    """What is done about a volume."""

    ADOPT = "Adopt"  # a record is written
    ADOPTED = "Adopted"  # it has one
    LEAVE = "Leave"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an administrator wants.

    Attributes:
        origin: the spawner to come from.
        templates: how it named volumes.
        doubts: the same in the other way of escaping, if it is not sure which one it was.
        allowed: patterns of the volumes that the policy lets notebooks mount.
        users: all there are, if that is known; names are then read as theirs alone.
        stop_services: remove its services.
    """

    origin: Origin
    templates: tuple[Template, ...]
    doubts: tuple[Template, ...] = ()
    allowed: tuple[str, ...] = ("*",)
    users: AbstractSet[str] | None = None
    stop_services: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """What is there.

    Attributes:
        workloads: all services, and the containers of the manager.
        inventories: of the nodes that could tell.
        homes: the records by name.
    """

    workloads: tuple[Workload, ...]
    inventories: tuple[Inventory, ...]
    homes: Mapping[str, Home | Broken]


@dataclass(frozen=True, slots=True)
class Finding:
    """A volume (or a path of the node), and what is done about it."""

    step: Step
    name: str
    why: str
    user: str = ""
    server: str = ""
    node_id: str = ""
    node: str = ""
    used_by: tuple[str, ...] = ()  # what runs now and mounts it


@dataclass(frozen=True, slots=True)
class Migration:
    """All findings, and the services of the old spawner that are removed first."""

    findings: tuple[Finding, ...]
    stops: tuple[Workload, ...]
    running: tuple[Workload, ...]  # servers of the old spawner that run on

    @property
    def adopts(self) -> tuple[Finding, ...]:
        """The volumes that get a record."""
        return tuple(f for f in self.findings if f.step is Step.ADOPT)

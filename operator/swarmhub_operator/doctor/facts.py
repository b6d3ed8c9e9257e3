"""What was gathered for a diagnosis, as frozen values; what could not be had says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from swarmhub_crds.image import SeenImage
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.node import SeenNode

from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.probes import Disk, Probe
from swarmhub_operator.engine.errors import Kind
from swarmhub_operator.engine.observed import Node, Service, Task
from swarmhub_operator.engine.surroundings import About, Network


def container_of(service: Service) -> Mapping[str, Any]:
    """Return what a service's spec says of its containers; a plugin has none."""
    return service.spec.get("TaskTemplate", {}).get("ContainerSpec") or {}


@dataclass(frozen=True, slots=True)
class Missing:
    """What could not be had: one sentence, and a word for it where a check tells them apart."""

    why: str
    kind: str = ""

    @property
    def clause(self) -> str:
        """The reason as the end of a sentence."""
        return self.why.strip().rstrip(".")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong that `status` has judged."""

    kind: str  # Operator, Node, Notebook, Home, Held, Image
    name: str
    phase: str
    message: str
    next_step: str
    needs_person: bool


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What the store holds.

    Attributes:
        uid: its identity.
        schema: version of its schema, which is the one that this program knows.
        troubles: what `status` finds wrong.
        renewed_at: when the lease was last renewed, by the clock of who holds it.
        images: what nodes are to have, and which have it.
        nodes: as an operator saw them last.
        inventories: what volumes each node has told of.
    """

    uid: str
    schema: int
    troubles: tuple[Trouble, ...] = ()
    renewed_at: datetime | None = None
    images: tuple[SeenImage, ...] = ()
    nodes: tuple[SeenNode, ...] = ()
    inventories: tuple[Inventory, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said, asked by this manager, of an image that servers or nodes want."""

    image: str
    registry: str
    kind: Kind | None = None  # of the refusal; None: the registry has the image
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file or folder that should be closed to others."""

    path: str
    what: str  # as in "the state database"
    mode: int  # permission bits
    secret: bool  # whether nobody else may even read it


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, and until when it is good."""

    name: str
    good_until: datetime | Missing
    renewal: str  # how to get a new one


@dataclass(frozen=True, slots=True)
class Swarm:
    """What the engine told; each list is missing for itself."""

    about: About | Missing
    nodes: tuple[Node, ...] | Missing
    services: tuple[Service, ...] | Missing
    tasks: tuple[Task, ...] | Missing
    networks: tuple[Network, ...] | Missing


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a diagnosis is made of.

    Attributes:
        now: this machine's time.
        swarm: what the engine told.
        network: name of the notebooks' network.
        store: what the store holds.
        policy: the operator's.
        files: those that were found.
        state_disk: room on the disk of the state database.
        answers: of registries.
        certificates: those that could be asked for.
        unasked: how many images are wanted of which no registry was asked.
        errand_image: which those run who tell what they see from within a node, or "".
        probes: what was seen from within each node, by its id.
    """

    now: datetime
    swarm: Swarm
    network: str
    store: StoreFacts | Missing
    policy: Policy | Missing
    files: tuple[FileFact, ...] | Missing
    state_disk: Disk | Missing
    answers: tuple[Answer, ...] | Missing
    certificates: tuple[Certificate, ...] | Missing
    unasked: int = 0
    errand_image: str = ""
    probes: Mapping[str, Probe | Missing] | Missing = field(
        default_factory=lambda: Missing("no node was asked")
    )

"""What all parts of a simulated Swarm share: time, chance, and what the managers know."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simswarm.clock import VirtualClock, rfc3339
from simswarm.journal import Journal
from simswarm.programs import Behaviour, Images, always
from simswarm.raw import Raw
from simswarm.table import Table, labels, mounted, names, node, pairs, service

_LETTERS = string.digits + string.ascii_lowercase


@dataclass(frozen=True)
class Durations:
    """How long the Swarm takes, in seconds; each is drawn anew between it and 1 + `spread` of it.

    Attributes:
        decide: from a change to what the orchestrator makes of it.
        allocate: from a new task to its address.
        schedule: from a task's address to its node.
        accept: from there until the node has taken it.
        prepare: until the image is there and the container is made.
        start: until the container runs.
        reap: until ended tasks are cleared away.
        discard: until the container of a task that is gone is removed.
        withdraw: from an order to stop until the process is told, for tasks in a network.
        notice: until a node that lost its power counts as down.
        monitor: for which an update watches its new task.
        orphan: until the tasks of a node that stays down are given up.
    """

    decide: float = 0.002
    allocate: float = 0.002
    schedule: float = 0.05
    accept: float = 0.1
    prepare: float = 0.4
    start: float = 0.3
    reap: float = 0.25
    discard: float = 1.0
    withdraw: float = 2.9
    notice: float = 6.0
    monitor: float = 5.0
    orphan: float = 24 * 3600.0
    spread: float = 0.3


@dataclass
class World:
    """Time, chance, and the managers' memory of every object."""

    seed: int = 0
    clock: VirtualClock = field(default_factory=VirtualClock)
    durations: Durations = field(default_factory=Durations)
    behaviour: Behaviour = field(default_factory=always)
    images: Images = field(default_factory=Images)
    services: Table = field(init=False)
    tasks: Table = field(init=False)
    nodes: dict[str, Raw] = field(default_factory=dict)
    secrets: Table = field(init=False)
    networks: dict[str, Raw] = field(default_factory=dict)
    task_labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    sights: dict[str, Raw] = field(default_factory=dict)  # by node: what a probe sees otherwise
    index: int = 10

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.journal = Journal(self.clock)
        self.services = Table(name=names, label=labels, secret=mounted)
        self.secrets = Table(name=names, label=labels)
        self.tasks = Table(service=service, node=node, label=self._labels_of_task)

    def _labels_of_task(self, task: Raw) -> Iterable[str]:
        return pairs(self.task_labels.get(task["ID"], {}))

    def new_id(self, length: int = 25, alphabet: str = _LETTERS) -> str:
        """Return an id that the seed determines."""
        return "".join(self.random.choices(alphabet, k=length))

    def took(self, usual: float) -> float:
        """Return how long something takes this time."""
        return usual * (1 + self.random.random() * self.durations.spread)

    def stamp(self) -> str:
        """Return the time as the engine writes it."""
        return rfc3339(self.clock.stamp())

    def put(self, table: dict[str, Raw], raw: Raw) -> Raw:
        """Write an object, with a new version and, at first, the time of its creation."""
        self.index += 1
        now = self.stamp()
        head = {
            "ID": raw["ID"],
            "Version": {"Index": self.index},
            "CreatedAt": raw.get("CreatedAt", now),
            "UpdatedAt": now,
        }
        written = {**head, **{k: v for k, v in raw.items() if k not in head}}
        table[raw["ID"]] = written
        return written

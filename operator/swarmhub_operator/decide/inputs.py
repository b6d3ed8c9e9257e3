"""What a decision about one notebook is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from swarmhub_operator.decide.claim import Claim
from swarmhub_operator.decide.inventories import Found
from swarmhub_operator.decide.mounting import Owners
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine.observed import Node, Secret, Service, Task
from swarmhub_operator.engine.tally import Load


@dataclass(frozen=True, slots=True)
class Observed:
    """What one look told about one notebook."""

    service: Service | None = None
    strays: tuple[Service, ...] = ()
    task: Task | None = None
    earlier: tuple[Task, ...] = ()  # of the service, before the newest
    ending: tuple[Task, ...] = ()  # tasks of its services that were removed
    secrets: tuple[Secret, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)  # by node id, if a place is needed
    holders: frozenset[str] = frozenset()  # ids of nodes where others put a home of it just now
    log: tuple[str, ...] = ()  # last lines of the newest task, if it has ended
    answering: bool = False  # the newest task answers HTTP at its own address
    image: str = ""  # what the image resolves to, for a service still to be made
    registry: str = ""  # one sentence: why the image's registry told no digest
    removed: frozenset[str] = frozenset()  # of its services' uids: those known to be deleted
    unchanged: float = 0.0  # seconds for which the service has been seen as it is
    since_repair: float = float("inf")  # seconds since we last put the service right
    found: Mapping[str, Found] = field(default_factory=dict)  # homes that are bound to no node
    owners: Owners = field(default_factory=dict)  # by volume that it mounts
    down_for: float = 0.0  # seconds for which the task's node has been seen down
    down_since: datetime | None = None  # by the manager's clock
    taken: tuple[Claim, ...] = ()  # by others, if a service is to be made and there are quotas
    place: int = 0  # 0: may start now; n: n-th in line


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision depends on besides the notebook."""

    policy: Policy
    network: str
    now: datetime

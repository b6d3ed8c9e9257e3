"""What a decision about one notebook is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine.observed import Node, Secret, Service, Task


@dataclass(frozen=True, slots=True)
class Observed:
    """What one look told about one notebook."""

    service: Service | None = None
    strays: tuple[Service, ...] = ()
    task: Task | None = None
    secrets: tuple[Secret, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    log: tuple[str, ...] = ()  # last lines of the newest task, if it has ended
    answering: bool = False  # the newest task answers HTTP at its own address
    image: str = ""  # what the image resolves to, for a service still to be made
    since_repair: float = float("inf")  # seconds since we last put the service right
    place: int = 0  # 0: may start now; n: n-th in line


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision depends on besides the notebook."""

    policy: Policy
    network: str
    now: datetime

"""Records as rows: what the page shows of one server, home or machine. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from swarmhub_crds.base import Condition, ConditionStatus
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.node import NodeOrder, NodeVerb, SeenNode
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_crds.store import Broken

from swarmhub_spawner.messages import failure_text, waiting_events

INVALID: Final = "Invalid"
DELETING: Final = "Deleting"
PHASES: Final = (*map(str, Phase), DELETING, INVALID)
HOME_PHASES: Final = (*map(str, HomePhase), INVALID)
_BAD: Final = frozenset({Phase.FAILED, Phase.BACK_OFF, HomePhase.LOST, INVALID, "down", "Warning"})
_GOOD: Final = frozenset({Phase.RUNNING, HomePhase.BOUND, "ready"})
_AT_REST: Final = frozenset({Phase.STOPPED, HomePhase.RELEASED, "Normal"})


def tone(word: str) -> str:
    """Return how a phase or state is coloured: good, bad, rest, or busy."""
    if word in _BAD:
        return "bad"
    if word in _GOOD:
        return "good"
    return "rest" if word in _AT_REST else "busy"


@dataclass(frozen=True)
class ServerRow:
    """One server. `message` says why it is not simply running, "" if nothing is to be said."""

    name: str
    user: str
    server: str
    phase: str
    message: str
    groups: tuple[str, ...] = ()
    node: str = ""
    restarts: int = 0
    created_at: datetime | None = None
    wanted: bool = False  # it should run
    task: bool = False  # there is something that a restart would replace
    record: Notebook | None = None

    @property
    def haystack(self) -> str:
        """What the filter looks into."""
        parts = (self.name, self.user, self.server, self.phase, self.node, self.message)
        return "\n".join(parts).casefold()

    @property
    def title(self) -> str:
        """Whose it is, in short."""
        return f"{self.user}/{self.server}" if self.server else self.user or self.name

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What the operator knows of it, one fact each."""
        return self.record.status.conditions if self.record else ()

    @property
    def homes(self) -> tuple[str, ...]:
        """The names of the homes that it mounts."""
        return tuple(m.volume for m in self.record.spec.mounts if m.home) if self.record else ()


def server_row(record: Notebook | Broken, now: datetime, seen: datetime | None) -> ServerRow:
    """Return the row of a notebook; `seen` is when an operator gave its last sign of life."""
    if isinstance(record, Broken):
        return ServerRow(record.name, "", "", INVALID, record.message)
    meta, spec, status = record.metadata, record.spec, record.status
    phase = DELETING if meta.deletion_requested_at is not None else str(status.phase)
    wanted = spec.desired is Desired.RUNNING and phase != DELETING
    ended = status.phase in (Phase.FAILED, Phase.STOPPED)
    return ServerRow(
        name=meta.name,
        user=spec.user,
        server=spec.server,
        phase=phase,
        message=_why(record, now, seen),
        groups=spec.groups,
        node=status.node or "",
        restarts=status.restarts,
        created_at=meta.created_at,
        wanted=wanted,
        task=wanted and not ended and status.task_id is not None,
        record=record,
    )


def _why(record: Notebook, now: datetime, seen: datetime | None) -> str:
    status = record.status
    current = status.observed_generation >= record.metadata.generation
    if current and status.phase is Phase.FAILED:
        return failure_text(status.model_copy(update={"last_log": ()})).plain
    if current and status.phase in (Phase.RUNNING, Phase.STOPPED, Phase.STOPPING):
        return status.message
    if current and status.message:
        return status.message
    if record.spec.desired is not Desired.RUNNING:
        return "It is to stop; waiting for the operator."
    events = waiting_events(record, now=now, operator_seen_at=seen)
    return events[-1].message if events else ""


def is_unready(row: ServerRow) -> bool:
    """Whether a server should answer and does not."""
    return row.wanted and row.phase != Phase.RUNNING


@dataclass(frozen=True)
class HomeRow:
    """One home."""

    name: str
    user: str
    server: str
    phase: str
    message: str
    node: str = ""
    size: int | None = None
    last_used_at: datetime | None = None
    reclaim: str = ""

    @property
    def haystack(self) -> str:
        """What the filter looks into."""
        parts = (self.name, self.user, self.server, self.phase, self.node, self.message)
        return "\n".join(parts).casefold()


def home_row(record: Home | Broken) -> HomeRow:
    """Return the row of a home."""
    if isinstance(record, Broken):
        return HomeRow(record.name, "", "", INVALID, record.message)
    spec, status = record.spec, record.status
    return HomeRow(
        name=record.metadata.name,
        user=spec.user,
        server=spec.server,
        phase=str(status.phase),
        message=status.message,
        node=status.node or "",
        size=status.size,
        last_used_at=status.last_used_at,
        reclaim=str(spec.reclaim),
    )


@dataclass(frozen=True)
class NodeRow:
    """One machine, how much of ours is on it, and what is ordered about it and not done yet."""

    node: SeenNode
    servers: int
    homes: int
    order: NodeOrder | None = None

    @property
    def refuses(self) -> str:
        """Why it takes no servers, in the engine's words; "" if it does."""
        if self.node.state != "ready":
            return self.node.state
        drained = "draining" if self.node.drained else self.node.availability
        return "" if drained == "active" else drained

    @property
    def takes(self) -> str:
        """Whether it takes servers, why not, and whether that is to change."""
        said = f"no: {self.refuses}" if self.refuses else "yes"
        if self.order is None:
            return said
        coming = "to be drained" if self.order.verb is NodeVerb.DRAIN else "to be uncordoned"
        return f"{said}; {coming}, as {self.order.asked_by} asked"


def node_rows(
    nodes: Iterable[SeenNode],
    notebooks: Iterable[Notebook | Broken],
    homes: Iterable[Home | Broken],
    orders: Iterable[NodeOrder] = (),
) -> tuple[NodeRow, ...]:
    """Return the rows of the machines."""
    ordered = {order.node_id: order for order in orders}
    running = Counter(
        n.status.node_id
        for n in notebooks
        if isinstance(n, Notebook) and n.spec.desired is Desired.RUNNING
    )
    lying = Counter(h.status.node_id for h in homes if isinstance(h, Home))
    return tuple(
        NodeRow(node, running[node.id], lying[node.id], ordered.get(node.id)) for node in nodes
    )


def failing(condition: Condition) -> bool:
    """Whether a condition says no."""
    return condition.status is ConditionStatus.FALSE

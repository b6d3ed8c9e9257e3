"""What notebooks and nodes use, hold and may use, put together from tasks and readings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Desired, Notebook

from swarmhub_operator.engine.amounts import CORE, NOTHING, Amounts
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.shares import Share
from swarmhub_operator.engine.usage import Usage


@dataclass(frozen=True, slots=True)
class Machine:
    """A node, by whoever told of it."""

    id: str
    hostname: str
    state: str = ""
    has: Amounts = NOTHING
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known at one moment.

    Attributes:
        machines: all nodes.
        shares: of all tasks, ours or not; from the store: of ours alone.
        usages: what was measured, by the id of the container.
        asked: id of the node whose engine was asked for its containers; "": none was.
    """

    machines: tuple[Machine, ...]
    shares: tuple[Share, ...]
    usages: Mapping[str, Usage] = field(default_factory=dict)
    asked: str = ""


@dataclass(frozen=True, slots=True)
class OfNotebook:
    """One notebook that has a place; `usage` is None where it was not measured."""

    name: str
    node_id: str
    node: str
    requests: Amounts
    limits: Amounts
    usage: Usage | None
    record: Notebook | None


@dataclass(frozen=True, slots=True)
class OfNode:
    """One node; `usage` is that of all tasks on it, None if its engine was not asked."""

    machine: Machine
    notebooks: int
    requests: Amounts
    limits: Amounts
    usage: Usage | None


def machine(node: Node | SeenNode) -> Machine:
    """Return a node as the engine or the store tells of it."""
    has = Amounts(round(node.cpus * CORE), node.memory)
    return Machine(node.id, node.hostname, node.state, has, node.labels)


def share_of(notebook: Notebook) -> Share | None:
    """Return what a notebook takes of its node by its record; None if it has no place.

    What a policy adds, as default limits, is on its service alone, and is not told here.
    """
    status, asked = notebook.status, notebook.spec.resources
    if notebook.spec.desired is not Desired.RUNNING or not status.node_id:
        return None
    return Share(
        task_id=status.task_id or "",
        node_id=status.node_id,
        requests=_amounts(asked.cpu_guarantee, asked.mem_guarantee),
        limits=_amounts(asked.cpu_limit, asked.mem_limit),
        notebook=notebook.metadata.name,
    )


def _amounts(cpus: float | None, memory: int | None) -> Amounts:
    return Amounts(round((cpus or 0) * CORE), memory or 0)


def notebooks(taken: Taken, records: Mapping[str, Notebook], uid: str) -> list[OfNotebook]:
    """Return the notebooks of a store that have a place, in the order of their names.

    Args:
        taken: what is known.
        records: by name, as far as they can be read.
        uid: of the store; a task that was told by the store itself carries none.
    """
    own: dict[str, Share] = {}
    for share in sorted(taken.shares, key=lambda s: (s.running, s.task_id)):
        if share.notebook and share.store in ("", uid):
            own[share.notebook] = share  # of several the one that runs
    hosts = {one.id: one.hostname for one in taken.machines}
    return [
        OfNotebook(
            name=name,
            node_id=share.node_id,
            node=hosts.get(share.node_id, share.node_id),
            requests=share.requests,
            limits=share.limits,
            usage=taken.usages.get(share.container),
            record=records.get(name),
        )
        for name, share in sorted(own.items())
    ]


def nodes(taken: Taken, uid: str) -> list[OfNode]:
    """Return all nodes in the order of their hostnames, with what their tasks have together."""
    return [
        _node(one, [s for s in taken.shares if s.node_id == one.id], taken, uid)
        for one in sorted(taken.machines, key=lambda m: (m.hostname, m.id))
    ]


def _node(one: Machine, shares: Sequence[Share], taken: Taken, uid: str) -> OfNode:
    own = [share for share in shares if share.notebook and share.store in ("", uid)]
    used = [taken.usages[s.container] for s in shares if s.container in taken.usages]
    return OfNode(
        machine=one,
        notebooks=len({share.notebook for share in own}),
        requests=sum((share.requests for share in shares), NOTHING),
        limits=sum((share.limits for share in shares), NOTHING),
        usage=sum(used, Usage()) if taken.asked == one.id else None,
    )


def unmeasured(taken: Taken, found: Iterable[OfNotebook]) -> list[str]:
    """Return the hostnames of the nodes with notebooks whose engine was not asked."""
    return sorted({one.node for one in found if one.usage is None and one.node_id != taken.asked})

"""On which node a notebook is to run, or why on none: one choice, one sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from swarmhub_operator.decide.filters import FILTERS, ROOM, Candidate, Fault, Wish, size
from swarmhub_operator.engine.amounts import CORE, Amounts
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.tally import UNLOADED, Load


@dataclass(frozen=True, slots=True)
class Choice:
    """The node that was chosen, and for each other one that was no good the reason."""

    node: Node | None
    faults: tuple[tuple[Node, Fault], ...] = ()
    holders: frozenset[str] = frozenset()

    def explain(self) -> str:
        """Return why no node was chosen, in one sentence that names each node."""
        groups: dict[str, list[str]] = {}
        for node, fault in self.faults:
            if node.id in self.holders:
                groups[f"{_name(node)} holds your home but {fault.verb} {fault.text}"] = []
            else:
                groups.setdefault(fault.text, []).append(_name(node))
        why = "; ".join(f"{', '.join(on)}: {text}" if on else text for text, on in groups.items())
        why = why or "the Swarm has none"
        return f"No node can take your server now ({why}); it starts as soon as one can."


def place(
    wish: Wish, nodes: Mapping[str, Node], loads: Mapping[str, Load], now: datetime
) -> Choice:
    """Choose the node with the fewest notebooks, then the most free memory, that is good enough.

    Args:
        wish: what the notebook asks for, and where its home lies.
        nodes: the nodes of the Swarm by id.
        loads: what they have given away, by id; a node that is left out has all that it has.
        now: the time, for the words.
    """
    good: list[Candidate] = []
    faults: list[tuple[Node, Fault]] = []
    for node in sorted(nodes.values(), key=_order):
        candidate = Candidate(node, loads.get(node.id, UNLOADED))
        failed = next((f for f in FILTERS if not f.passes(wish, candidate)), None)
        if failed is None:
            good.append(candidate)
        else:
            faults.append((node, failed.explain(wish, candidate, now)))
    best = min(good, key=_emptiness, default=None)
    return Choice(best.node if best else None, tuple(faults), wish.holders)


def impossible(wish: Wish, nodes: Iterable[Node]) -> str | None:
    """Return why even an empty node is too small, or the one that holds the home, or None.

    Nodes that are down count too: they may come back. So do those that a constraint excludes: a
    label is soon set.
    """
    nodes = tuple(sorted(nodes, key=_order))
    holders = tuple(n for n in nodes if n.id in wish.holders)
    able = holders or nodes
    if not able or any(all(f.passes(wish, Candidate(n)) for f in ROOM) for n in able):
        return None
    kinds = tuple(sorted(wish.amounts.generic))
    sizes = ", ".join(f"{_name(n)}: {_sizes(n, kinds)}" for n in able)
    asked = _asked(wish.amounts)
    if holders:
        return (
            f"The node that holds your home is not large enough for the {asked} it is guaranteed "
            f"({sizes}); ask for less, or ask the administrator to move the home."
        )
    return f"No node is large enough for the {asked} it is guaranteed ({sizes}); ask for less."


def _asked(amounts: Amounts) -> str:
    parts = [f"{size(amounts.memory)} of memory"] if amounts.memory else []
    parts += [f"{amounts.nano_cpus / CORE:g} CPUs"] if amounts.nano_cpus else []
    parts += [f"{asked} {kind}" for kind, asked in sorted(amounts.generic.items())]
    return " and ".join(parts)


def _sizes(node: Node, kinds: Iterable[str]) -> str:
    generic = (f"{node.generic.get(kind, 0)} {kind}" for kind in kinds)
    return ", ".join((size(node.memory), f"{node.cpus:g} CPUs", *generic))


def _emptiness(candidate: Candidate) -> tuple[int, int, tuple[str, str]]:
    return candidate.load.notebooks, -candidate.memory, _order(candidate.node)


def _order(node: Node) -> tuple[str, str]:
    return _name(node), node.id


def _name(node: Node) -> str:
    return node.hostname or node.id

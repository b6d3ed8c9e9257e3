"""Why no node could ever run a notebook, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

from swarmhub_crds.notebook import Resources

from swarmhub_operator.engine.observed import Node

GIB = 2**30


def impossible(resources: Resources, nodes: Iterable[Node]) -> str | None:
    """Return why even an empty node is too small for `resources`, or None.

    Nodes that are down count too: they may come back.
    """
    nodes = tuple(nodes)
    if not nodes:
        return None
    memory, cpus = resources.mem_guarantee or 0, resources.cpu_guarantee or 0.0
    if any(n.memory >= memory and n.cpus >= cpus for n in nodes):
        return None
    asked = " and ".join(
        part
        for part in (
            f"{_size(memory)} of memory" if memory else "",
            f"{cpus:g} CPUs" if cpus else "",
        )
        if part
    )
    sizes = ", ".join(f"{n.hostname}: {_size(n.memory)}, {n.cpus:g} CPUs" for n in nodes)
    return f"No node is large enough for the {asked} it is guaranteed ({sizes}); ask for less."


def _size(size: int) -> str:
    unit, name = (GIB * 1024, "TiB") if size >= GIB * 1024 else (GIB, "GiB")
    return f"{size / unit:.3g} {name}"

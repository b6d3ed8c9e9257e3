"""The plots of memory: what servers hold, and what is in use. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from swarmhub_spawner.page.memory import InUse, Memory, Reading
from swarmhub_spawner.page.plots import Axes, Bar, Plot, clock, nice
from swarmhub_spawner.page.words import plural, size

_UNITS: Final = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20))


def held(memory: Memory) -> Plot:
    """Return what is reserved for servers and what they may take, against what nodes have."""
    known = _known(memory)
    highest = max((max(one.held.most, one.has) for one in known), default=0)
    unit, scale = _unit(highest)
    axes = _axes(memory, highest / scale)
    bars: list[Bar] = []
    for place, span in enumerate(memory.spans):
        if (most := span.most) is None:
            continue
        what = f"{clock(span.begin)}: {_holds(most)}"
        above = most.held.most - most.held.reserved
        bars += axes.stack(
            place, what, ("reserved", most.held.reserved / scale), ("most", max(0, above) / scale)
        )
        bars.append(axes.line(place, what, "has", most.has / scale))
    return Plot(
        "held",
        f"Memory of servers, in {unit}",
        (("reserved", "reserved"), ("most", "may be taken at most"), ("has", "the nodes have")),
        tuple(bars),
        axes.levels(),
        axes.times(),
        _says_held(memory, known),
    )


def used(memory: Memory) -> Plot:
    """Return what is in use where that is told, against what is there."""
    known = [reading.in_use for reading in _known(memory) if reading.in_use is not None]
    highest = max((max(one.used, one.has) for one in known), default=0)
    unit, scale = _unit(highest)
    axes = _axes(memory, highest / scale)
    bars: list[Bar] = []
    for place, span in enumerate(memory.spans):
        if span.most is None or (one := span.most.in_use) is None:
            continue
        what = f"{clock(span.begin)}: {_uses(one)}"
        bars += axes.stack(place, what, ("used", one.used / scale))
        bars.append(axes.line(place, what, "has", one.has / scale))
    return Plot(
        "used",
        f"Memory in use, in {unit}",
        (("used", "in use"), ("has", "there is")),
        tuple(bars),
        axes.levels(),
        axes.times(),
        _says_used(memory, known),
    )


def _known(memory: Memory) -> list[Reading]:
    return [span.most for span in memory.spans if span.most is not None]


def _unit(most: float) -> tuple[str, int]:
    """Return the unit in which the greatest number is one or more, and its bytes."""
    return next(((name, scale) for name, scale in _UNITS if most >= scale), _UNITS[-1])


def _axes(memory: Memory, most: float) -> Axes:
    return Axes([span.begin for span in memory.spans], nice(most))


def _holds(one: Reading) -> str:
    return (
        f"{size(one.held.reserved)} reserved, {size(one.held.most)} at most, "
        f"the nodes have {size(one.has)}"
    )


def _uses(one: InUse) -> str:
    return f"{size(one.used)} of {size(one.has)} in use"


def _says_held(memory: Memory, known: Iterable[Reading]) -> str:
    now = memory.last.held
    reserved = max((one.held.reserved for one in known), default=0)
    if not now.servers:
        said = f"No server is on a node now; the nodes have {size(memory.last.has)}."
    else:
        said = f"Now, for {plural(now.servers, 'server')}: {_holds(memory.last)}."
    if now.unlimited:
        have = "has" if now.unlimited == 1 else "have"
        said += f" {now.unlimited:,} {have} no limit of its own, and counts as reserved."
    return f"{said} Last six hours: up to {size(reserved)} reserved."


def _says_used(memory: Memory, known: Iterable[InUse]) -> str:
    now = memory.last.in_use
    most = max((one.used for one in known), default=0)
    if now is None:
        said = "No node tells how much is in use."
        return f"{said} Last six hours: up to {size(most)}." if most else said
    where = ", ".join(now.nodes)
    return (
        f"Now on {where}, by all that runs there: {_uses(now)}. Last six hours: up to {size(most)}."
    )

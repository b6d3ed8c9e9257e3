"""Homes before a start: some may not be mounted now, some have to be found first. Pure.

A home may lie on a node already though its record does not say so: DockerSpawner's, for example.
"""

from __future__ import annotations

from datetime import datetime

from swarmhub_crds.home import Home, HomePhase

from swarmhub_operator.decide.actions import AdoptHome
from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.homes import awaiting_leftovers, is_held
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.placing import Trouble


def unhoused(wanted: Wanted, observed: Observed, now: datetime) -> Trouble | None:
    """Return why some home of the notebook cannot be mounted, or found, at the moment."""
    for home in wanted.homes.values():
        found = _barred(home, now) or _sought(home, observed)
        if found:
            return found
    return None


def _barred(home: Home, now: datetime) -> Trouble | None:
    """Return why nobody may mount a home now."""
    name, orders = home.metadata.name, home.spec.orders
    if home.status.phase is HomePhase.LOST:
        return Trouble("HomeLost", f"Its home {name} cannot be used. {home.status.message}")
    if home.status.phase is HomePhase.MOVING:
        message = "Its home is being moved to another node; it starts there right after."
        return Trouble("HomeMoving", message, final=False)
    if is_held(home, now):
        what = orders.held_for or "worked on"
        message = f"Its home is being {what}; it starts when that is done."
        return Trouble("HomeHeld", message, final=False)
    if home.node_local and home.status.node_id is None and home.status.leftovers:
        # It could be placed where such a copy lies, and be taken for it, or be removed with it.
        return Trouble("HomeLeftover", awaiting_leftovers(home), final=False)
    return None


def _sought(home: Home, observed: Observed) -> Trouble | None:
    """Return why it is not clear whether a home that is bound to no node is somewhere already."""
    found = observed.found.get(home.metadata.name)
    if found is None:
        return None
    if found.asked:
        hosts = ", ".join(found.asked)
        return Trouble("HomeSought", f"Looking for an earlier home on {hosts}.", final=False)
    if len(found.nodes) > 1:
        hosts = ", ".join(sorted(observed.nodes[node].hostname for node in found.nodes))
        return Trouble(
            "HomeAmbiguous",
            f"There is a volume {home.metadata.name} on each of {hosts}; ask the administrator to "
            "remove or rename all but the right one.",
        )
    return None


def adoptions(wanted: Wanted, observed: Observed) -> tuple[AdoptHome, ...]:
    """Return the homes whose volume is on a node already, which only their records do not know."""
    return tuple(
        AdoptHome(volume, observed.nodes[found.nodes[0]], found.nodes[0] in found.own)
        for volume, found in observed.found.items()
        if len(found.nodes) == 1 and volume in wanted.homes
    )

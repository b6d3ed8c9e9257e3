"""Asks every node what it sees: one errand each, which nothing is left of."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from swarmhub_operator.cli.asking import Round
from swarmhub_operator.cli.visit import ASKER
from swarmhub_operator.decide import probes
from swarmhub_operator.decide.errands import Means
from swarmhub_operator.decide.probes import Probe
from swarmhub_operator.doctor.facts import Missing, Swarm
from swarmhub_operator.doctor.network import names_to_ask
from swarmhub_operator.doctor.supply import place_of
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.registries import registry_of
from swarmhub_operator.loop.errands import Errands

WITHIN: Final = 60.0  # seconds that all nodes together may take


def ask_nodes(
    engine: Engine, means: Means, swarm: Swarm, network: str, images: Iterable[str]
) -> Mapping[str, Probe | Missing] | Missing:
    """Have each node that takes tasks look around; those that cannot say why."""
    if not means.store:
        return Missing("the store does not tell whose errands they would be")
    if not means.image:
        return Missing("there is no image to send to the nodes (SWARMHUB_ERRAND_IMAGE)")
    if isinstance(swarm.nodes, Missing):
        return swarm.nodes
    target = _network_id(swarm, network)
    names = _names(swarm, network) if target else ()
    places = sorted({place_of(registry_of(image)) for image in images} - {""})
    nodes = {node.id: node for node in swarm.nodes}
    orders = {ident: probes.order(ident, target, names, places, ASKER) for ident in nodes}
    asked, told, silent = datetime.now(UTC), dict[str, Probe](), dict[str, str]()

    def take(node: Node, text: str) -> bool:
        sight = probes.read(text)
        if sight is not None:
            told[node.id] = Probe(sight=sight, asked=asked, heard=datetime.now(UTC))
        return sight is not None

    try:
        Round(Errands(engine, means, time.monotonic), nodes, orders, take, silent, WITHIN).run()
    except EngineError as error:
        silent = {ident: silent.get(ident, error.sentence) for ident in nodes}
    return {**{i: Missing(why) for i, why in silent.items() if i not in told}, **told}


def _network_id(swarm: Swarm, name: str) -> str | None:
    found = () if isinstance(swarm.networks, Missing) else swarm.networks
    return next((n.id for n in found if n.name == name), None)


def _names(swarm: Swarm, network: str) -> tuple[str, ...]:
    """Return the names that every node should find."""
    services, tasks, networks = swarm.services, swarm.tasks, swarm.networks
    if isinstance(services, Missing) or isinstance(tasks, Missing) or isinstance(networks, Missing):
        return ()
    found = next(n for n in networks if n.name == network)
    return names_to_ask(services, tasks, found)

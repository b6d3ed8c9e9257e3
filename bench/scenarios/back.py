"""A node that had lost its power comes back: how long until a server there answers again."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Final

from support import swarm_nodes
from support.node import Node
from support.three_nodes import join_workers, part_from_workers
from support.waiting import wait_for

from bench.alternate import turns
from bench.results import Figure, figures_of
from bench.say import say
from bench.site.site import Site

NAME: Final = "return"
_ROUNDS = 3  # at most: each takes a minute
_AGAIN_WITHIN = 120.0  # seconds
_SEEN_WITHIN = 60.0  # seconds
_POLL = 0.02  # seconds


def run(site: Site, rounds: int) -> list[Figure]:
    """Take a worker's power away and give it back, for each contender in turn.

    The floor is the service of a notebook that Swarm itself is told to restart on that node.

    Raises:
        Exception: a server did not come back.
    """
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    nodes = join_workers(site.cluster, site.stack)
    try:
        for number, who in enumerate(turns(("floor", "swarmhub"), min(rounds, _ROUNDS))):
            site.calm()
            act = _bare if who == "floor" else _ours
            taken = act(site, nodes.worker1, f"return-{number}")
            samples[who, "answering again"].append(taken)
            say(f"return, {who}: {taken:.2f} s")
    finally:
        part_from_workers(site.cluster, nodes)
    return figures_of(NAME, samples)


def _ours(site: Site, worker: Node, name: str) -> float:
    site.hub.add(name)
    with swarm_nodes.only(site.node, worker.name):
        site.hub.start(name)
    try:
        back = _lose_and_return(site, worker)
        return site.hub.until(name, answering=True, within=_AGAIN_WITHIN) - back
    finally:
        site.hub.stop(name)


def _bare(site: Site, worker: Node, name: str) -> float:
    bare = site.floor.start(name, node=worker.name)
    try:
        back = _lose_and_return(site, worker)
        return site.floor.answering(bare.service, f"{name}-again") - back
    finally:
        site.floor.stop(bare)


def _lose_and_return(site: Site, worker: Node) -> float:
    """Return when the Swarm called the node ready again."""

    def seen() -> str:
        return str(site.engine.call("GET", f"/nodes/{worker.name}")["Status"]["State"])

    worker.kill()
    wait_for(f"{worker.name} to be down", lambda: seen() == "down", _SEEN_WITHIN, _POLL)
    worker.start()
    wait_for(f"{worker.name} to be ready", lambda: seen() == "ready", _SEEN_WITHIN, _POLL)
    return time.time()
